// backup: a full backup through the public DLL functions into a folder of its own. Each file is
// read into NAME.part, flushed and renamed; the manifest comes last, so that a folder with one is a
// finished backup. What a failed backup wrote is removed again, and nothing else.
#include "tools/directory_api.h"
#include "tools/interrupt.h"
#include "tools/manifest.h"
#include "tools/sha256.h"

#include "core/path.h"
#include "core/utf16.h"
#include "ese/headers.h"
#include "platform/process.h"

#include <algorithm>

namespace ntdsb::tools {

namespace {

// The folder of the backup, and what a failure takes away again: what this run made in it. Another
// one may have been given the same folder.
class BackupFolder {
public:
    explicit BackupFolder(platform::Path path) : path_(std::move(path)) {}
    BackupFolder(const BackupFolder&) = delete;
    BackupFolder& operator=(const BackupFolder&) = delete;
    ~BackupFolder() {
        if (kept_) return;
        for (const auto& file : files_) static_cast<void>(platform::remove_file(file));
        std::error_code ignored;
        if (made_) std::filesystem::remove(path_, ignored);
    }

    // Makes it, or takes an empty one.
    Result<void> make() {
        NTDSB_TRY(const auto info, platform::file_info(path_));
        if (!info) {
            NTDSB_CHECK(platform::create_private_folder(path_));
            made_ = true;
            return ok();
        }
        if (!info->is_folder)
            return fail(ERROR_ALREADY_EXISTS, shown(path_),
                        " is a file; name a folder that is empty or not there");
        NTDSB_TRY(const auto entries, platform::list_folder(path_));
        if (entries.empty()) return ok();
        return fail(ERROR_DIR_NOT_EMPTY, shown(path_), " is not empty (",
                    wire_path(entries.front().name), "); name a folder that is empty or not there");
    }
    // NAME.part, which `finish` gives its name once it is written and closed.
    Result<platform::File> create(std::string_view name) {
        platform::Path part = file_in(path_, text(name, ".part"));
        auto file = platform::File::create_new(part);
        if (!file) return told(std::move(file).error());
        files_.push_back(std::move(part));
        return file;
    }
    Result<void> finish(std::string_view name) {
        platform::Path whole = file_in(path_, name);
        auto renamed = platform::rename_new(files_.back(), whole);
        if (!renamed) return told(std::move(renamed).error());
        files_.back() = std::move(whole);
        return ok();
    }
    Result<void> write(std::string_view name, std::span<const std::byte> content) {
        {
            NTDSB_TRY(auto file, create(name));
            NTDSB_CHECK(file.write_at(0, content));
            NTDSB_CHECK(file.flush());
        }
        NTDSB_CHECK(finish(name));
        return platform::flush_folder(path_);
    }
    const platform::Path& path() const { return path_; }
    void keep() { kept_ = true; }

private:
    Error told(Error cause) const {
        if (cause.code == ERROR_FILE_EXISTS || cause.code == ERROR_ALREADY_EXISTS)
            cause.what +=
                text("; somebody else writes into ", shown(path_), ": back up into another folder");
        return cause;
    }

    platform::Path path_;
    std::vector<platform::Path> files_;
    bool made_ = false;
    bool kept_ = false;
};

// The name alone, of a path of the server's platform.
std::u16string_view name_of(const std::u16string& listed) {
    return path_file_name(listed, listed.starts_with(u'/') ? PathStyle::posix : PathStyle::windows);
}

Result<ManifestFile> describe(const ListedFile& listed) {
    ManifestFile file;
    NTDSB_TRY(file.name, utf16_to_utf8(name_of(listed.path)));
    NTDSB_TRY(file.live_path, utf16_to_utf8(listed.path));
    const bool is_log = listed.kind == 0x21; // BFT_LOG, a char in the header
    file.kind = is_log ? FileKind::log : FileKind::database;
    if (!is_plain_name(file.name))
        return fail(ERROR_INVALID_DATA, "the server lists ", listed.path,
                    ", whose name cannot be a file's in a backup");
    return file;
}

// Reads the open file of the session into `to`; size and sum go into `file`.
Result<void> read_into(const ApiBackup& session, platform::File& to, ManifestFile& file,
                       Progress& progress) {
    NTDSB_TRY(auto sum, Sha256::start());
    std::vector<std::byte> buffer(buffer_size);
    for (;;) {
        if (interrupted()) return interruption();
        NTDSB_TRY(const std::size_t got, session.read(buffer));
        if (got == 0) break;
        const auto piece = std::span(buffer).first(got);
        NTDSB_CHECK(to.write_at(file.size, piece));
        NTDSB_CHECK(sum.add(piece));
        file.size += got;
        progress.add(got);
    }
    NTDSB_TRY(file.sha256, sum.finish());
    return to.flush();
}

Result<void> back_up_file(const ApiBackup& session, const ListedFile& listed, ManifestFile& file,
                          BackupFolder& folder, Progress& progress) {
    NTDSB_TRY(const std::uint64_t expected, session.open(listed));
    {
        NTDSB_TRY(auto to, folder.create(file.name));
        NTDSB_CHECK(read_into(session, to, file, progress));
    }
    if (file.size != expected)
        return fail(ERROR_READ_FAULT, "DsBackupRead gave ", file.size, " bytes of ", listed.path,
                    ", which has ", expected);
    NTDSB_CHECK(session.close());
    return folder.finish(file.name);
}

Result<ManifestFile> save_token(const std::vector<std::byte>& token, BackupFolder& folder) {
    ManifestFile file;
    file.name = token_name;
    file.kind = FileKind::token;
    file.size = token.size();
    NTDSB_TRY(auto sum, Sha256::start());
    NTDSB_CHECK(sum.add(token));
    NTDSB_TRY(file.sha256, sum.finish());
    NTDSB_CHECK(folder.write(token_name, token));
    return file;
}

void set_generations(Manifest& manifest) {
    for (const auto& file : manifest.files) {
        const auto generation = ese::generation_of_name(file_in({}, file.name));
        if (file.kind != FileKind::log || !generation) continue;
        manifest.gen_low =
            manifest.gen_low == 0 ? *generation : std::min(manifest.gen_low, *generation);
        manifest.gen_high = std::max(manifest.gen_high, *generation);
    }
}

// How many bytes the whole backup has: the progress wants it before the first byte is read.
Result<std::uint64_t> total_size(const ApiBackup& session, const std::vector<ListedFile>& files) {
    std::uint64_t total = 0;
    for (const auto& file : files) {
        NTDSB_TRY(const auto size, session.open(file));
        NTDSB_CHECK(session.close());
        total += size;
    }
    return total;
}

Result<Manifest> read_all(const Options& options, const std::u16string& server, ApiBackup& session,
                          BackupFolder& folder) {
    Manifest manifest;
    manifest.taken_at = platform::format_filetime(platform::now_filetime());
    NTDSB_TRY(manifest.server, utf16_to_utf8(server));
    NTDSB_TRY(const auto token, session.prepare(server));
    NTDSB_TRY(const auto files, session.files());
    {
        Progress progress(options, "reading");
        NTDSB_TRY(const auto total, total_size(session, files));
        progress.expect(total);
        for (const auto& listed : files) {
            NTDSB_TRY(auto file, describe(listed));
            NTDSB_CHECK(back_up_file(session, listed, file, folder, progress));
            manifest.files.push_back(std::move(file));
        }
    }
    NTDSB_TRY(auto token_file, save_token(token, folder));
    manifest.files.push_back(std::move(token_file));
    set_generations(manifest);
    const std::string json = encode_manifest(manifest);
    // What cannot be read back is no backup: names that only differ in case, a second database.
    NTDSB_CHECK(decode_manifest(json));
    NTDSB_CHECK(folder.write(manifest_name, std::as_bytes(std::span(json))));
    return manifest;
}

void print_done(const Options& options, const BackupFolder& folder, const Manifest& manifest,
                bool truncated) {
    std::uint64_t bytes = 0;
    for (const auto& file : manifest.files) bytes += file.size;
    if (options.json) {
        print(options, {{"folder", shown(folder.path())},
                        {"taken_at", manifest.taken_at},
                        {"files", manifest.files.size()},
                        {"bytes", bytes},
                        {"gen_low", manifest.gen_low},
                        {"gen_high", manifest.gen_high},
                        {"truncated_logs", truncated}});
        return;
    }
    note(options, text("backed up ", manifest.files.size(), " files, ", size_text(bytes), ", to ",
                       shown(folder.path()),
                       truncated ? "; logs that are needed no more were deleted" : ""));
    note(options, text("check it with: ntdsbctl verify ", shown(folder.path())));
}

} // namespace

int backup(const Options& options, const std::string& folder_name, bool truncate_logs) {
    const auto path = path_argument(folder_name);
    if (!path) return report(options, path.error(), exit_usage);
    const InterruptGuard guard;
    const platform::ThreadPrivileges privileges;
    const auto server = reach_server(options);
    if (!server) return report(options, server.error(), exit_failed);

    BackupFolder folder(path.value());
    if (const auto made = folder.make(); !made)
        return report(options, made.error(), exit_of(made.error().code));
    ApiBackup session(options);
    const auto manifest = read_all(options, server.value(), session, folder);
    if (!manifest)
        return report(
            options,
            fail(manifest.error().code, manifest.error().what, "; nothing of this backup is kept"),
            exit_of(manifest.error().code));
    folder.keep();
    if (truncate_logs) {
        if (const auto truncated = session.truncate_logs(); !truncated)
            return report(
                options,
                fail(truncated.error().code, "the backup in ", shown(folder.path()),
                     " is complete, but the logs were not truncated: ", truncated.error().what),
                exit_of(truncated.error().code));
    }
    print_done(options, folder, manifest.value(), truncate_logs);
    return exit_ok;
}

} // namespace ntdsb::tools
