// restore: puts a backup that `ntdsbctl backup` made back in its place, through the public DLL
// functions. The order is the documented one: Prepare, GetDatabaseLocations, Register, the files,
// Complete, End. What lay in the directory's place is moved aside, never deleted; the logs are put
// in place by Complete (contract VER-7), from the backup's own folder.
#include "tools/directory_api.h"
#include "tools/interrupt.h"
#include "tools/manifest.h"
#include "tools/sha256.h"

#include "core/path.h"
#include "core/utf16.h"
#include "ese/headers.h"
#include "platform/process.h"
#include "service/locations.h"

#include <algorithm>
#include <array>

namespace ntdsb::tools {

namespace {

struct Backup {
    platform::Path folder;
    Manifest manifest;
    std::vector<std::byte> token;
};

// Whole and unaltered, or an error: before anything of the directory is touched. `exit_status` is
// what the command then exits with.
Result<Backup> open_backup(const Options& options, const platform::Path& folder, int& exit_status) {
    Backup backup{folder, {}, {}};
    NTDSB_TRY(backup.manifest, load_manifest(folder));
    Progress progress(options, "checking sums");
    auto faults = check_backup_files(folder, backup.manifest, progress, interrupted());
    if (!faults.empty()) {
        if (!interrupted()) exit_status = exit_no; // not sound, as `verify` says
        const std::size_t more = faults.size() - 1;
        return fail(faults.front().error.code, faults.front().error.what,
                    more == 0 ? "" : text(" (and ", more, " more; ntdsbctl verify lists them)"),
                    "; nothing was restored");
    }
    NTDSB_TRY(backup.token, platform::read_whole_file(file_in(folder, backup.manifest.token().name),
                                                      largest_token));
    return backup;
}

// --- The directory's places

// Without the administrative share that a path_style of "unc" names: the directory is this computer's,
// and its shares may be off.
platform::Path local_path(const std::u16string& listed) {
    return native_path(service::resolve_own_share(listed));
}

std::array<platform::Path, 3> folders_of(const Locations& places) {
    return {local_path(places.database).parent_path(), local_path(places.log_path),
            local_path(places.checkpoint_path)};
}

// Its own files would be moved aside as what was there before.
Result<void> check_apart(const platform::Path& backup, const Locations& places) {
    for (const auto& folder : folders_of(places)) {
        NTDSB_TRY(const auto info, platform::file_info(folder));
        if (!info) continue;
        NTDSB_TRY(const bool same, platform::is_same_file(backup, folder));
        if (same)
            return fail(ERROR_INVALID_PARAMETER, "the backup lies in ", shown(folder),
                        ", a folder of the directory itself, whose files a restore moves aside; "
                        "copy the backup to another folder and restore from there");
    }
    return ok();
}

// --- What was there before

bool is_engine_file(const platform::Path& name) {
    const std::u16string file = wire_path(name);
    const auto is = [&](std::u16string_view other) {
        return same_path(file, other, PathStyle::windows);
    };
    return ese::is_log_name(name) || is(u"edb.chk") || is(u"edbtmp.log") ||
           is(u"edbres00001.jrs") || is(u"edbres00002.jrs") || is(u"res1.log") || is(u"res2.log");
}

// "20261123T055545Z": a colon is no character of a file's name on Windows.
std::string file_time() {
    std::string time = platform::format_filetime(platform::now_filetime());
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return time;
}

// Moves files into "before-restore-TIME" beside them, made when the first one is moved.
class Aside {
public:
    explicit Aside(std::string time) : name_("before-restore-" + std::move(time)) {}

    Result<void> move(const platform::Path& file) {
        const platform::Path folder = file.parent_path() / name_;
        NTDSB_TRY(const auto info, platform::file_info(folder));
        if (!info) {
            NTDSB_CHECK(platform::create_private_folder(folder));
            folders_.push_back(folder);
        }
        NTDSB_CHECK(platform::rename_new(file, folder / file.filename()));
        NTDSB_CHECK(platform::flush_folder(folder));
        return platform::flush_folder(file.parent_path());
    }
    const std::vector<platform::Path>& folders() const { return folders_; }

private:
    std::string name_;
    std::vector<platform::Path> folders_;
};

Result<void> move_engine_files(const platform::Path& folder, Aside& aside) {
    NTDSB_TRY(const auto entries, platform::list_folder(folder));
    for (const auto& entry : entries) {
        if (entry.info.is_folder || !is_engine_file(entry.name)) continue;
        NTDSB_CHECK(aside.move(folder / entry.name));
    }
    return ok();
}

// What a lost disk took with it. For this account alone, since whose they were is not known.
Result<std::vector<platform::Path>> make_missing_folders(const Locations& places) {
    std::vector<platform::Path> made;
    for (const auto& folder : folders_of(places)) {
        NTDSB_TRY(const auto info, platform::file_info(folder));
        if (info) continue;
        NTDSB_CHECK(platform::create_private_folder(folder));
        made.push_back(folder);
    }
    return made;
}

Result<void> clear_place(const Locations& places, Aside& aside) {
    const auto database = local_path(places.database);
    NTDSB_TRY(const auto old, platform::file_info(database));
    if (old) NTDSB_CHECK(aside.move(database));
    NTDSB_CHECK(move_engine_files(local_path(places.log_path), aside));
    if (!same_path(places.log_path, places.checkpoint_path))
        NTDSB_CHECK(move_engine_files(local_path(places.checkpoint_path), aside));
    return ok();
}

// --- The database's file

Result<void> copy(const platform::File& from, platform::File& to, const ManifestFile& expected,
                  Progress& progress) {
    NTDSB_TRY(auto sum, Sha256::start());
    std::vector<std::byte> buffer(buffer_size);
    for (std::uint64_t at = 0;;) {
        if (interrupted()) return interruption();
        NTDSB_TRY(const std::size_t got, from.read_at(at, buffer));
        if (got == 0) break;
        const auto piece = std::span(buffer).first(got);
        NTDSB_CHECK(to.write_at(at, piece));
        NTDSB_CHECK(sum.add(piece));
        at += got;
        progress.add(got);
    }
    NTDSB_TRY(const auto found, sum.finish());
    if (found != expected.sha256)
        return fail(ERROR_INVALID_DATA, shown(from.path()),
                    " changed while it was copied: its SHA-256 sum is no longer the manifest's");
    return to.flush();
}

Result<void> put_database(const Options& options, const Backup& backup,
                          const platform::Path& place) {
    const ManifestFile& database = backup.manifest.database();
    const platform::Path part =
        place.parent_path() / (place.filename().native() + platform::Path(".restoring").native());
    static_cast<void>(platform::remove_file(part)); // of a restore that was interrupted
    Progress progress(options, "copying");
    progress.expect(database.size);
    {
        NTDSB_TRY(const auto from,
                  platform::File::open_read(file_in(backup.folder, database.name)));
        NTDSB_TRY(auto to, platform::File::create_shared(part));
        NTDSB_CHECK(copy(from, to, database, progress));
    }
    NTDSB_CHECK(platform::rename_new(part, place));
    return platform::flush_folder(place.parent_path());
}

// --- The session

struct Outcome {
    Locations places;
    std::vector<platform::Path> aside;
    std::vector<platform::Path> made;
};

Result<bool> ask(const Options& options, const Backup& backup, const Locations& places) {
    return confirm(options, text("Restore the backup of ", backup.manifest.taken_at, " over ",
                                 places.database, "? What is there now is moved aside."));
}

Registration registration_of(const Backup& backup, const Locations& places) {
    return {places, wtf8_to_utf16(backup.manifest.database().live_path),
            normalize_path(wire_path(backup.folder)), backup.manifest.gen_low,
            backup.manifest.gen_high};
}

std::string list_of(const std::vector<platform::Path>& folders) {
    std::string list;
    for (const auto& folder : folders) list += (list.empty() ? "" : ", ") + shown(folder);
    return list;
}

Json list_json(const std::vector<platform::Path>& folders) {
    Json list = Json::array();
    for (const auto& folder : folders) list.push_back(shown(folder));
    return list;
}

// From Register on: a failure leaves the directory blocked, on purpose.
Error left_blocked(const Error& why, const Aside& aside) {
    return fail(why.code, why.what, "; the directory stays blocked until a restore completes: ",
                "mend what failed and run ntdsbctl restore again",
                aside.folders().empty()
                    ? std::string()
                    : "; the files from before lie in " + list_of(aside.folders()));
}

Result<void> put_files(const Options& options, const Backup& backup, const Locations& places,
                       Aside& aside, std::vector<platform::Path>& made) {
    NTDSB_TRY(made, make_missing_folders(places));
    NTDSB_CHECK(clear_place(places, aside));
    return put_database(options, backup, local_path(places.database));
}

Result<void> complete(const Options& options, ApiRestore& session) {
    note(options, "verifying the restored files");
    const OnInterrupt cancel([&] { session.end(); }); // ends the verification (COM-11)
    return session.complete(S_OK);
}

// False: the administrator said no.
Result<std::optional<Outcome>> run_restore(const Options& options, const Backup& backup) {
    NTDSB_TRY(const auto server, reach_server(options));
    NTDSB_CHECK(check_files_are_here(options));
    ApiRestore session(options);
    NTDSB_CHECK(session.prepare(server, backup.token));
    NTDSB_TRY(auto places, session.locations());
    NTDSB_CHECK(check_apart(backup.folder, places));
    NTDSB_TRY(const bool wanted, ask(options, backup, places));
    if (!wanted) return std::optional<Outcome>{};
    NTDSB_CHECK(session.register_restore(registration_of(backup, places)));
    note(options, "registered: the directory cannot start until the restore completes");
    Aside aside(file_time());
    std::vector<platform::Path> made;
    if (const auto put = put_files(options, backup, places, aside, made); !put) {
        static_cast<void>(session.complete(put.error().code)); // CMPL-2: the record says why
        return left_blocked(put.error(), aside);
    }
    if (const auto completed = complete(options, session); !completed)
        return left_blocked(completed.error(), aside);
    return std::optional(Outcome{std::move(places), aside.folders(), std::move(made)});
}

void print_done(const Options& options, const Backup& backup, const Outcome& outcome) {
    if (options.json) {
        print(options, {{"restored", true},
                        {"taken_at", backup.manifest.taken_at},
                        {"database", text(outcome.places.database)},
                        {"log_path", text(outcome.places.log_path)},
                        {"moved_aside", list_json(outcome.aside)},
                        {"folders_made", list_json(outcome.made)}});
        return;
    }
    note(options, text("restored ", outcome.places.database, " as of ", backup.manifest.taken_at));
    if (!outcome.aside.empty())
        note(options, "what was there before lies in " + list_of(outcome.aside));
    if (!outcome.made.empty())
        note(options, "made for this account alone, as they were missing: " +
                          list_of(outcome.made) + "; let the engine's account use them");
    note(options, "start the directory with: ntdsbctl run -- ENGINE");
}

} // namespace

int restore(const Options& options, const std::string& folder_name) {
    const auto folder = path_argument(folder_name);
    if (!folder) return report(options, folder.error(), exit_usage);
    const InterruptGuard guard;
    const platform::ThreadPrivileges privileges;
    int exit_status = exit_failed;
    const auto backup = open_backup(options, folder.value(), exit_status);
    if (!backup) return report(options, backup.error(), exit_status);
    const auto outcome = run_restore(options, backup.value());
    if (!outcome) return report(options, outcome.error(), exit_of(outcome.error().code));
    if (!outcome.value()) {
        if (options.json)
            print(options, {{"restored", false}});
        else
            note(options, "nothing was restored");
        return exit_no;
    }
    print_done(options, backup.value(), *outcome.value());
    return exit_ok;
}

} // namespace ntdsb::tools
