// Which files a remote caller's restore may name (contract ACC-4): the service reads and writes
// them with its own rights, which must not become the caller's.
#pragma once

#include "core/config.h"
#include "wire/operations.h"

namespace ntdsb::service {

// The request with its backup log path and each target of the map as they are without links, for
// what is then done with the files: a link that is made later leads nowhere else. ERROR_ACCESS_DENIED
// unless they lie on this computer and below one of `roots` or in a folder of the directory's own.
// `request` is resolved already. To be asked again before the files are read.
Result<wire::RestoreRegister::Request> check_remote_paths(wire::RestoreRegister::Request request,
                                                          const DirectoryConfig& directory,
                                                          const std::vector<std::u16string>& roots);

// ERROR_ACCESS_DENIED where a path of the request is another computer's, by its name alone: to be
// asked before any of them is looked at. `request` need not be resolved.
Result<void> check_remote_names(const wire::RestoreRegister::Request& request);

} // namespace ntdsb::service
