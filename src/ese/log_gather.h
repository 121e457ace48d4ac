// Which log files lie in the two log folders of a restore, by generation, and what their headers
// say. Knows no requirement on them beyond their own soundness.
#pragma once

#include "ese/findings.h"
#include "ese/headers.h"
#include "ese/restore_set.h"
#include "ese/work.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace ntdsb::ese {

// A file that offers itself for a generation: by its name, edb.log by its header.
struct LogCandidate {
    LogFile file;
    bool in_log_path = false;
    std::optional<LogHeader> header; // none: not read yet, or not usable
    std::vector<Error> faults;       // hrLogFileCorrupt, or why it cannot be read

    bool is_current() const noexcept { return !file.name_generation.has_value(); } // edb.log
    bool is_sound() const noexcept { return header && faults.empty(); }
};

struct GatheredLogs {
    std::map<std::uint32_t, std::vector<LogCandidate>> by_generation;
    std::vector<LogCandidate> unknown; // an edb.log whose generation cannot be told
    std::optional<std::uint32_t> lowest_in_backup;
    bool log_path_has_current = false; // an edb.log, sound or not
};

// Lists both folders and reads each edb.log; other headers are read by read_candidates. A folder
// that is not there is an empty one.
GatheredLogs gather_logs(const RestoreSet& set, Findings& findings);

// Reads the headers of the generation's candidates that have not been read. Reserves (files of
// zeros) are dropped: they are no part of a chain.
void read_candidates(std::vector<LogCandidate>& candidates, platform::Links links);

} // namespace ntdsb::ese
