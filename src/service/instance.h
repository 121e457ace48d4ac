// A directory instance, found and checked: where its files and its state are. Opened anew for each
// operation that starts from a server name; immutable.
#pragma once

#include "core/config.h"
#include "platform/file.h"

#include <memory>

namespace ntdsb::service {

class Instance {
public:
    // Finds the instance in the configuration, or for the default one on a domain controller in the
    // registry (contract DC-1); none: hrCouldNotConnect. Creates its state folder where missing,
    // checks that it is trusted, no link, and bound to this platform (design points 8, 9):
    // otherwise hrError, or ERROR_ACCESS_DENIED where the folder keeps this caller out, with a
    // sentence that says what to do.
    static Result<std::shared_ptr<const Instance>> open(const ConfigPtr& config,
                                                        std::u16string_view name);
    // As `open`, without a look at the state folder: for questions that must not write (ONL-1).
    static Result<std::shared_ptr<const Instance>> find(const ConfigPtr& config,
                                                        std::u16string_view name);

    const DirectoryConfig& directory() const noexcept { return directory_; }
    // A file of ours in the state folder.
    platform::Path state_file(std::string_view name) const;
    platform::Path database() const;
    platform::Path log_path() const;
    platform::Path checkpoint_path() const;

private:
    explicit Instance(DirectoryConfig directory);
    DirectoryConfig directory_;
};

using InstancePtr = std::shared_ptr<const Instance>;

// An error about a file of the state folder; where the system refused to write there, its sentence
// also says what to do.
Error state_file_error(Error cause);

} // namespace ntdsb::service
