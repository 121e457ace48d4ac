// What DsRestoreRegister demands of its arguments (contract REG-2..REG-5, REG-9, PATH-1..4). Works
// on strings and the configuration, but for links in paths, which are resolved on disk.
#pragma once

#include "core/config.h"
#include "wire/operations.h"

namespace ntdsb::service {

// Judges the arguments in the contract's order and brings them into their resolved form: \\<this
// computer>\X$\... as X:\..., one spelling for equal paths, identical pairs merged.
// ERROR_INVALID_PARAMETER, with the rule and the argument in the sentence.
Result<void> resolve_register_arguments(wire::RestoreRegister::Request& request,
                                        const DirectoryConfig& directory);

// REG-9, VER-1: a pair whose target is the checkpoint folder or a file named edb.chk is recorded
// and mirrored, and not verified as a database.
bool is_checkpoint_pair(const wire::RestoreMapPair& pair, const DirectoryConfig& directory);

} // namespace ntdsb::service
