// The chain of logs of a restore set: contract VER-2, and what VER-7 will have to copy. Knows logs;
// of the databases it is told the required generations and log signatures.
#pragma once

#include "ese/database_check.h"
#include "ese/findings.h"
#include "ese/log_gather.h"
#include "ese/restore_set.h"
#include "ese/work.h"

#include <optional>
#include <vector>

namespace ntdsb::ese {

struct CheckedChain {
    Generations given;               // genLow..genHigh with REG-10 applied; 0..0: no logs
    std::optional<Signature> logs;   // of the given logs; none when there are none
    std::optional<Signature> stream; // the same, else the databases' own
    std::vector<LogPlacement> placements;
};

// Returns early when cancelled.
CheckedChain check_log_chain(const RestoreSet& set, const std::vector<CheckedDatabase>& databases,
                             Work& work, Findings& findings);

} // namespace ntdsb::ese
