// Which files a backup consists of (backup_reader.h, find_backup_files; contract BLIST-1): the
// database, and the logs that its recovery can need.
#include "service/backup_reader.h"

#include "core/log.h"
#include "core/path.h"
#include "service/interlock.h"
#include "service/locations.h"

#include <algorithm>
#include <map>

namespace ntdsb::service {

namespace {

// BOPEN-1: equal for two spellings of one path as the platform says, and \\<this computer>\X$\...
// is X:\... (PATH-4). Empty for what is no full path.
std::u16string name_key(std::u16string_view name) {
    if (!check_path_grammar(name, "the name of a file to open")) return {};
    return path_key(resolve_own_share(name));
}

// Where the bytes of one moment are.
struct Places {
    platform::Path database;
    platform::Path logs;
    platform::Path checkpoint;
};

Places places_of(const Instance& instance, BackupSource source) {
    if (source == BackupSource::live)
        return {instance.database(), instance.log_path(), instance.checkpoint_path()};
    const auto folder = native_path(instance.directory().snapshot_path);
    return {folder / instance.database().filename(), folder, folder};
}

struct FoundLog {
    platform::Path path;
    ese::LogHeader header;
};

Error missing_log(std::uint32_t generation, const platform::Path& folder, std::string_view why) {
    return fail(hrLogFileNotFound, "BLIST-3: ", wire_path(folder), " has no log of generation ",
                generation, " (", ese::log_file_name(generation), "), ", why,
                "; without it the backup could not be restored. Put the log back, or bring the "
                "directory to a clean shutdown and back up again");
}

Result<FoundLog> read_log(const platform::Path& path) {
    auto header = ese::read_log_header(path);
    if (header) return FoundLog{path, std::move(header).value()};
    auto error = std::move(header).error();
    if (error.code == static_cast<Code>(hrMissingRestoreLogFiles)) // the code for a restore
        error.code = static_cast<Code>(hrLogFileNotFound);
    return error;
}

// The logs of a folder by the generation in their names; edb.log apart.
struct LogFolder {
    platform::Path path;
    std::map<std::uint32_t, platform::Path> numbered;
    std::optional<platform::Path> current;

    bool empty() const { return numbered.empty() && !current; }
};

Result<LogFolder> list_logs(const platform::Path& folder) {
    LogFolder logs{folder, {}, {}};
    auto files = ese::list_log_files(folder);
    if (!files) {
        if (files.error().code == ERROR_PATH_NOT_FOUND) return logs; // no folder, no logs
        return std::move(files).error();
    }
    for (const auto& file : files.value()) {
        if (!file.name_generation) {
            logs.current = file.path;
            continue;
        }
        const auto generation = *file.name_generation;
        const bool is_usual_name = same_path(wire_path(file.path.filename()),
                                             ese::log_file_name(generation), host_path_style);
        // edb00000010.log may lie beside edb00010.log; the usual spelling is the engine's.
        if (is_usual_name || !logs.numbered.contains(generation))
            logs.numbered[generation] = file.path;
    }
    return logs;
}

// edb.log, or where a crash left none, the highest numbered one.
Result<FoundLog> read_current_log(const LogFolder& logs) {
    if (logs.current) return read_log(*logs.current);
    const auto& [generation, path] = *logs.numbered.rbegin();
    NTDSB_TRY(auto log, read_log(path));
    if (log.header.generation == generation) return log;
    return fail(hrLogFileCorrupt, "BLIST-3: ", wire_path(path), " is generation ",
                log.header.generation, " by its header; rename it to what it is");
}

Result<void> check_signature(const FoundLog& log, const ese::Signature& expected) {
    if (log.header.signature == expected) return ok();
    return fail(hrGivenLogFileHasBadSignature, "BLIST-3: ", wire_path(log.path),
                " belongs to another log stream than the directory; move it away");
}

Result<FoundLog> read_numbered_log(const LogFolder& logs, std::uint32_t generation,
                                   std::uint32_t current) {
    const auto entry = logs.numbered.find(generation);
    if (entry == logs.numbered.end()) {
        return missing_log(generation, logs.path,
                           text("which lies before the current one, ", current));
    }
    NTDSB_TRY(auto log, read_log(entry->second));
    if (log.header.generation == generation) return log;
    return fail(hrLogFileCorrupt, "BLIST-3: ", wire_path(log.path), " is generation ",
                log.header.generation, " by its header and ", generation, " by its name");
}

// Generations `low` to the current one, complete and of one stream.
Result<std::vector<FoundLog>> read_chain(const LogFolder& logs, FoundLog current,
                                         std::uint32_t low) {
    std::vector<FoundLog> chain;
    const auto top = current.header.generation;
    for (auto generation = low; generation < top; ++generation) {
        NTDSB_TRY(auto log, read_numbered_log(logs, generation, top));
        NTDSB_CHECK(check_signature(log, current.header.signature));
        chain.push_back(std::move(log));
    }
    chain.push_back(std::move(current));
    for (std::size_t i = 1; i < chain.size(); ++i) {
        if (chain[i].header.created_after == chain[i - 1].header.created) continue;
        return fail(hrGivenLogFileIsNotContiguous, "BLIST-3: ", wire_path(chain[i].path),
                    " was not made after ", wire_path(chain[i - 1].path),
                    ": the times in their headers differ; one of them comes from elsewhere");
    }
    return chain;
}

// The lower of the checkpoint's generation and the lowest required one; 0: neither is known.
std::uint32_t lowest_generation(const BackupFiles& files) {
    const auto a = files.checkpoint_generation;
    const auto b = files.required_min;
    return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

Result<void> add_logs(const Instance& instance, const LogFolder& logs, std::uint32_t required_max,
                      BackupFiles& files) {
    NTDSB_TRY(auto current, read_current_log(logs));
    if (files.log_signature.is_zero()) files.log_signature = current.header.signature;
    NTDSB_CHECK(check_signature(current, files.log_signature));

    const auto top = current.header.generation;
    const auto low = lowest_generation(files) == 0 ? top : lowest_generation(files);
    if (const auto high = std::max(low, required_max); high > top)
        return missing_log(high, logs.path, text("which is needed; the current one is ", top));
    if (!logs.numbered.empty() && logs.numbered.rbegin()->first > top) {
        log::warn("BLIST-3: ", wire_path(logs.numbered.rbegin()->second),
                  " lies above the current log, generation ", top,
                  ", and is left out of the backup; move it away");
    }

    NTDSB_TRY(const auto chain, read_chain(logs, std::move(current), low));
    const auto& directory = instance.directory();
    for (const auto& log : chain) {
        BackupFile file;
        const auto name = ese::log_file_name(log.header.generation);
        file.listed_path = listed_path(directory, join_path(directory.log_path, name));
        file.name_key = name_key(file.listed_path);
        file.bft = bft_log;
        file.source = log.path;
        file.size = log.header.file_size;
        files.logs.push_back(std::move(file));
    }
    return ok();
}

Result<void> add_checkpoint(const platform::Path& place, BackupFiles& files) {
    NTDSB_TRY(const auto checkpoint, find_checkpoint(place));
    if (!checkpoint) return ok();
    files.checkpoint_generation = checkpoint->generation;
    // A database made with logging off has no signature to compare with (VER-3).
    if (files.log_signature.is_zero() || checkpoint->signature == files.log_signature) return ok();
    return fail(hrBadCheckpointSignature, "BLIST-3: the checkpoint in ", wire_path(place),
                " belongs to another log stream than the database; move it away");
}

void add_database(const Instance& instance, const platform::Path& path,
                  const ese::DatabaseHeader& header, BackupFiles& files) {
    BackupFile file;
    file.listed_path = listed_path(instance.directory(), instance.directory().database);
    file.name_key = name_key(file.listed_path);
    file.bft = bft_database;
    file.source = path;
    file.size = header.file_size;
    file.page_size = header.page_size;
    files.databases.push_back(std::move(file));
    files.identities.push_back(
        {header.signature, header.file_size, header.dbtime, header.checksum});
}

} // namespace

// A database's prefix is the letter D, and so is a drive's: either reading of the name may be meant,
// and only one of them is a full path.
BackupFile* BackupFiles::find(std::u16string_view name) {
    if (name.empty()) return nullptr;
    const auto key = name_key(name);
    const auto key_behind_prefix = name_key(name.substr(1));
    for (auto* list : {&databases, &logs}) {
        for (auto& file : *list) {
            const bool is_plain = !key.empty() && key == file.name_key;
            const bool is_prefixed = name.front() == file.bft && !key_behind_prefix.empty() &&
                                     key_behind_prefix == file.name_key;
            if (is_plain || is_prefixed) return &file;
        }
    }
    return nullptr;
}

bool BackupFiles::all_delivered() const noexcept {
    const auto is_delivered = [](const BackupFile& file) { return file.delivered; };
    return std::ranges::all_of(databases, is_delivered) && std::ranges::all_of(logs, is_delivered);
}

Result<std::optional<ese::CheckpointHeader>> find_checkpoint(const platform::Path& place) {
    auto file = place / "edb.chk";
    NTDSB_TRY(auto info, platform::file_info(file));
    if (!info) { // the place may be the checkpoint's file, or a link to it
        file = place;
        NTDSB_TRY(info, platform::file_info(file));
        if (info && info->is_link) {
            NTDSB_TRY(file, platform::resolved_path(place));
            NTDSB_TRY(info, platform::file_info(file));
        }
        if (info && info->is_folder) info.reset();
    }
    if (!info) return std::optional<ese::CheckpointHeader>();
    NTDSB_TRY(auto checkpoint, ese::read_checkpoint(file));
    return std::optional(checkpoint);
}

Result<void> check_database_state(const ese::DatabaseHeader& header, const platform::Path& path) {
    if (header.state == ese::database_state_clean) return ok();
    if (header.state != ese::database_state_dirty) {
        return fail(hrDatabaseInconsistent, "VER-3: ", wire_path(path), " is in state ",
                    header.state, ", neither clean nor dirty shutdown; let the engine repair it");
    }
    if (header.required_min == 0 || header.required_max < header.required_min ||
        header.log_signature.is_zero()) {
        return fail(hrDatabaseInconsistent, "VER-3: ", wire_path(path),
                    " is in dirty shutdown and names no logs to recover from (generations ",
                    header.required_min, " to ", header.required_max,
                    "); let the engine recover or repair it");
    }
    return ok();
}

Result<BackupFiles> find_backup_files(const Instance& instance, BackupSource source) {
    const auto places = places_of(instance, source);
    BackupFiles files;
    files.source = source;
    NTDSB_TRY(const auto header, ese::read_database_header(places.database));
    NTDSB_CHECK(check_database_state(header, places.database));
    const bool is_clean = header.state == ese::database_state_clean;
    files.required_min = is_clean ? 0 : header.required_min;
    files.log_signature = header.log_signature;
    add_database(instance, places.database, header, files);
    NTDSB_CHECK(add_checkpoint(places.checkpoint, files));

    NTDSB_TRY(const auto logs, list_logs(places.logs));
    if (!logs.empty()) {
        NTDSB_CHECK(add_logs(instance, logs, is_clean ? 0 : header.required_max, files));
    } else if (!is_clean) {
        return missing_log(header.required_min, places.logs,
                           "which the database needs to recover from its dirty shutdown");
    }
    return files;
}

} // namespace ntdsb::service
