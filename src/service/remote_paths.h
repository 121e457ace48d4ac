// Which files a remote caller's restore may name (contract ACC-4): the service reads and writes
// them with its own rights, which must not become the caller's.
#pragma once

#include "core/config.h"
#include "wire/operations.h"

namespace ntdsb::service {

// Where a remote caller's restore may reach, all of it without links and as it is at Register: who
// exchanges a folder for a link afterwards leads the service nowhere.
struct RemotePlaces {
    std::vector<std::u16string> allowed; // the roots and the directory's own folders
    std::u16string database;             // the directory's own
    std::u16string log_path;
    std::u16string checkpoint_path;
};

// Links in configured paths are the administrator's and followed, this once. ERROR_ACCESS_DENIED
// where the database's own link leads out of the places.
Result<RemotePlaces> find_remote_places(const DirectoryConfig& directory,
                                        const std::vector<std::u16string>& roots);

// The request as it is to be carried out, with Links::refused: its paths without links, log and
// checkpoint path the directory's own, which REG-2 has found them to be. ERROR_ACCESS_DENIED unless
// the others lie on this computer and in one of the places. `request` is resolved already. To be
// asked again before the files are read.
Result<wire::RestoreRegister::Request> check_remote_paths(wire::RestoreRegister::Request request,
                                                          const RemotePlaces& places);

// ERROR_ACCESS_DENIED where a path of the request is another computer's, by its name alone: to be
// asked before any of them is looked at. `request` need not be resolved.
Result<void> check_remote_names(const wire::RestoreRegister::Request& request);

} // namespace ntdsb::service
