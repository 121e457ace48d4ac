// VER-9 (restore_set.h). A tool copies files and tells that it is done; what it wrote may be in the
// system's memory alone, and a record that says "completed" must not outlive it.
#include "ese/restore_set.h"

#include "ese/header_file.h"

#include <set>

namespace ntdsb::ese {
namespace {

// The files that recovery will read and that are there.
Result<std::set<platform::Path>> files_of(const RestoreSet& set) {
    std::set<platform::Path> files(set.databases.begin(), set.databases.end());
    if (auto logs = list_log_files(set.log_path, set.links)) {
        for (const auto& log : logs.value()) files.insert(log.path);
    } else if (logs.error().code != ERROR_PATH_NOT_FOUND) {
        return std::move(logs).error();
    }
    for (const auto& file : {set.checkpoint_path, in_folder(set.checkpoint_path, u"edb.chk")}) {
        NTDSB_TRY(const auto info, platform::file_info(file, set.links));
        if (info && !info->is_folder && !info->is_link) files.insert(file);
    }
    return files;
}

// Nothing where there is none. What is flushed is what a link leads to.
Result<std::optional<platform::Path>> folder_at(platform::Path path, platform::Links links) {
    if (links == platform::Links::followed) {
        if (auto resolved = platform::resolved_path(path)) path = std::move(resolved).value();
    }
    NTDSB_TRY(const auto info, platform::file_info(path, links));
    if (!info || !info->is_folder) return std::optional<platform::Path>{};
    return std::optional(std::move(path));
}

// A log that cannot be opened was none that the verification needed; and a file that is for reading
// alone, or that a scanner has open, is left to the system.
bool is_left_alone(Code code) noexcept {
    switch (code) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_CANT_RESOLVE_FILENAME:
        return true;
    default:
        return false;
    }
}

} // namespace

Result<void> flush_restored(const RestoreSet& set, const std::atomic<bool>& cancelled) {
    NTDSB_TRY(const auto files, files_of(set));
    std::set<platform::Path> folders;
    for (const auto& file : files) {
        if (cancelled)
            return fail(ERROR_OPERATION_ABORTED, "COM-11: the flush of the restored files was "
                                                 "cancelled; completing again goes on from there");
        if (auto flushed = platform::flush_file(file, set.links);
            !flushed && !is_left_alone(flushed.error().code))
            return flushed;
        folders.insert(file.parent_path());
    }
    // Also one that the tool emptied: what it removed must not come back.
    NTDSB_TRY(const auto logs, folder_at(set.log_path, set.links));
    NTDSB_TRY(auto checkpoint, folder_at(set.checkpoint_path, set.links));
    if (!checkpoint) {
        NTDSB_TRY(checkpoint, folder_at(set.checkpoint_path.parent_path(), set.links));
    }
    for (const auto& folder : {logs, checkpoint})
        if (folder) folders.insert(*folder);
    for (const auto& folder : folders) NTDSB_CHECK(platform::flush_folder(folder, set.links));
    return ok();
}

Result<void> make_startable(const RestoreSet& set, const Report& report,
                            const std::atomic<bool>& cancelled) {
    NTDSB_CHECK(place_logs(report, cancelled));
    return flush_restored(set, cancelled);
}

} // namespace ntdsb::ese
