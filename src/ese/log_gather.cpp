// See log_gather.h.
#include "ese/log_gather.h"

#include "core/path.h"
#include "ese/header_file.h"

#include <algorithm>

namespace ntdsb::ese {
namespace {

// VER-2 for one file: whole, of the generation that its name says, of the size that its header
// says. False for a reserve.
bool read_candidate(LogCandidate& log, platform::Links links) {
    const auto name = shown(log.file.path);
    auto start = read_start(log.file.path, links, log_header_window,
                            static_cast<Code>(hrMissingRestoreLogFiles),
                            static_cast<Code>(hrLogFileCorrupt));
    if (!start) {
        log.faults.push_back(start.error());
        return true;
    }
    if (is_reserve_log(start.value().bytes) && start.value().bytes.size() == log_header_window)
        return false;
    auto header = decode_log_header(start.value().bytes, start.value().size, name);
    if (!header) {
        log.faults.push_back(header.error());
        return true;
    }
    const std::uint32_t generation = header.value().generation;
    if (log.file.name_generation && *log.file.name_generation != generation) {
        log.faults.push_back(fail(hrLogFileCorrupt, name, ": the generation at offset 4 is ",
                                  hex(std::uint64_t{generation}), " where the name says ",
                                  hex(std::uint64_t{*log.file.name_generation})));
        return true;
    }
    if (auto size = check_log_size(header.value(), name); !size) log.faults.push_back(size.error());
    log.header = header.value();
    return true;
}

void gather_current(LogCandidate log, platform::Links links, GatheredLogs& logs) {
    if (log.in_log_path) logs.log_path_has_current = true;
    if (!read_candidate(log, links)) {
        if (!log.in_log_path) return;
        // The engine would open it, and no log could be put in its place.
        log.faults.push_back(fail(hrLogFileCorrupt, shown(log.file.path),
                                  " is all zeros where a current log is expected"));
    }
    if (log.header) {
        logs.by_generation[log.header->generation].push_back(std::move(log));
    } else {
        logs.unknown.push_back(std::move(log));
    }
}

void gather_folder(const platform::Path& folder, bool is_log_path, platform::Links links,
                   GatheredLogs& logs, Findings& findings) {
    auto files = list_log_files(folder, links);
    if (!files) {
        if (files.error().code != ERROR_PATH_NOT_FOUND)
            findings.add("VER-2", folder,
                         read_error(files.error(), static_cast<Code>(hrMissingRestoreLogFiles)));
        return;
    }
    for (auto& file : files.value()) {
        LogCandidate log;
        log.file = std::move(file);
        log.in_log_path = is_log_path;
        if (log.is_current()) {
            gather_current(std::move(log), links, logs);
        } else if (*log.file.name_generation != 0) { // REG-10: engines count from 1
            logs.by_generation[*log.file.name_generation].push_back(std::move(log));
        }
    }
}

} // namespace

GatheredLogs gather_logs(const RestoreSet& set, Findings& findings) {
    auto same = platform::is_same_file(set.backup_log_path, set.log_path, set.links);
    const bool one_folder = same_path(wire_path(set.backup_log_path), wire_path(set.log_path)) ||
                            (same && same.value());
    GatheredLogs logs;
    if (!one_folder) gather_folder(set.backup_log_path, false, set.links, logs, findings);
    if (!logs.by_generation.empty()) logs.lowest_in_backup = logs.by_generation.begin()->first;
    gather_folder(set.log_path, true, set.links, logs, findings);
    if (one_folder && !logs.by_generation.empty())
        logs.lowest_in_backup = logs.by_generation.begin()->first;
    return logs;
}

void read_candidates(std::vector<LogCandidate>& candidates, platform::Links links) {
    std::erase_if(candidates, [links](LogCandidate& log) {
        const bool unread = !log.header && log.faults.empty();
        return unread && !read_candidate(log, links);
    });
}

} // namespace ntdsb::ese
