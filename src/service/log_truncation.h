// Which logs of the live directory a finished backup makes unneeded, and their removal (contract
// BTRUNC-1, BTRUNC-2). Knows files; whether now is the time is the session's and the interlock's.
#pragma once

#include "service/backup_reader.h"

namespace ntdsb::service {

// The logs in the live log path that neither recovery of the live database nor a restore of
// `backup` can need, lowest generation first: numbered ones of the backup's log signature, below
// both checkpoints' generations, both databases' lowest required ones and the current log. Whatever
// is needed to judge and cannot be read is the error, and there is no list then: a damaged header
// (its code), a checkpoint that is missing from the backup or from the live directory while there
// are logs to judge (hrFileNotFound), a live database of another signature (hrBadDbSignature) or
// log stream (hrBadLogSignature).
Result<std::vector<platform::Path>> find_unneeded_logs(const Instance& instance,
                                                       const BackupFiles& backup);

// Removes them from the lowest generation upward, so that an interruption leaves a contiguous
// chain. Run under with_no_restore (interlock.h).
Result<void> truncate_logs(const Instance& instance, const BackupFiles& backup);

} // namespace ntdsb::service
