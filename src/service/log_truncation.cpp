// See log_truncation.h. All facts are read before the first file is removed.
#include "service/log_truncation.h"

#include "core/log.h"
#include "core/path.h"

#include <algorithm>

namespace ntdsb::service {

namespace {

constexpr std::string_view nothing_deleted = "; no log was deleted";

// Lowers `bound` to a generation that must stay; 0 stands for "none".
void keep_from(std::uint32_t& bound, std::uint32_t generation) {
    if (generation != 0) bound = std::min(bound, generation);
}

Result<ese::DatabaseHeader> read_live_database(const Instance& instance,
                                               const BackupFiles& backup) {
    const auto path = instance.database();
    NTDSB_TRY(const auto header, ese::read_database_header(path));
    NTDSB_CHECK(check_database_state(header, path));
    const auto same = [&](const auto& known) { return known.signature == header.signature; };
    if (!std::ranges::any_of(backup.identities, same)) {
        return fail(hrBadDbSignature, "BTRUNC-2: ", wire_path(path),
                    " is not the database that was backed up", nothing_deleted,
                    ". Back up the directory as it is now");
    }
    if (!header.log_signature.is_zero() && header.log_signature != backup.log_signature) {
        return fail(hrBadLogSignature, "BTRUNC-2: ", wire_path(path),
                    " has another log stream than the backup", nothing_deleted,
                    ". Back up the directory as it is now");
    }
    return header;
}

// The generation of the log that the engine writes: edb.log's, or where a crash left none the
// highest number.
Result<std::uint32_t> current_generation(const std::vector<ese::LogFile>& logs) {
    const auto& last = logs.back(); // edb.log comes last
    if (last.name_generation) return *last.name_generation;
    NTDSB_TRY(const auto header, ese::read_log_header(last.path));
    return header.generation;
}

// Lowers `bound` by both checkpoints.
Result<void> keep_from_checkpoints(const Instance& instance, const BackupFiles& backup,
                                   std::uint32_t& bound) {
    NTDSB_TRY(const auto live, find_checkpoint(instance.checkpoint_path()));
    if (!live || live->generation == 0 || backup.checkpoint_generation == 0) {
        return fail(hrFileNotFound, "BTRUNC-1: there is no checkpoint in ",
                    live && live->generation != 0 ? std::u16string(u"the backup")
                                                  : wire_path(instance.checkpoint_path()),
                    ", so that the first log that recovery reads is not known", nothing_deleted,
                    ". The engine writes one when it runs; back up again after that");
    }
    if (live->signature != backup.log_signature) {
        return fail(hrBadCheckpointSignature, "BTRUNC-2: the checkpoint in ",
                    wire_path(instance.checkpoint_path()),
                    " belongs to another log stream than the backup", nothing_deleted);
    }
    keep_from(bound, live->generation);
    keep_from(bound, backup.checkpoint_generation);
    return ok();
}

// Of those below `bound` the ones of the backup's stream. A log that cannot be judged is an error.
Result<std::vector<platform::Path>> of_this_stream(const std::vector<ese::LogFile>& logs,
                                                   std::uint32_t bound,
                                                   const ese::Signature& signature) {
    std::vector<platform::Path> paths;
    for (const auto& log : logs) {
        if (!log.name_generation || *log.name_generation >= bound) continue;
        NTDSB_TRY(const auto header, ese::read_log_header(log.path));
        if (header.generation != *log.name_generation) {
            return fail(hrLogFileCorrupt, "BTRUNC-1: ", wire_path(log.path), " is generation ",
                        header.generation, " by its header", nothing_deleted,
                        ". Move it away, or rename it to what it is");
        }
        if (header.signature == signature) paths.push_back(log.path);
    }
    return paths;
}

} // namespace

Result<std::vector<platform::Path>> find_unneeded_logs(const Instance& instance,
                                                       const BackupFiles& backup) {
    NTDSB_TRY(const auto live, read_live_database(instance, backup));
    NTDSB_TRY(const auto logs, ese::list_log_files(instance.log_path()));
    if (logs.empty() || backup.log_signature.is_zero()) return std::vector<platform::Path>();

    NTDSB_TRY(auto bound, current_generation(logs));
    keep_from(bound, backup.required_min);
    if (live.state != ese::database_state_clean) keep_from(bound, live.required_min);
    const auto is_below = [&](const ese::LogFile& log) {
        return log.name_generation && *log.name_generation < bound;
    };
    if (std::ranges::none_of(logs, is_below)) return std::vector<platform::Path>();

    NTDSB_CHECK(keep_from_checkpoints(instance, backup, bound));
    return of_this_stream(logs, bound, backup.log_signature);
}

Result<void> truncate_logs(const Instance& instance, const BackupFiles& backup) {
    NTDSB_TRY(const auto paths, find_unneeded_logs(instance, backup));
    for (const auto& path : paths) NTDSB_CHECK(platform::remove_file(path));
    if (!paths.empty()) NTDSB_CHECK(platform::flush_folder(instance.log_path()));
    log::info("BTRUNC-1: ", paths.size(), " logs removed from ", wire_path(instance.log_path()));
    return ok();
}

} // namespace ntdsb::service
