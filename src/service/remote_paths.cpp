#include "service/remote_paths.h"

#include "core/path.h"
#include "platform/file.h"
#include "service/locations.h"

#include <algorithm>

namespace ntdsb::service {

namespace {

// Another computer's share, by whichever of the system's names: all that begins with two
// backslashes but a drive's or a volume's path. It is not even looked at: that alone would show the
// service's credentials to that computer.
bool is_of_another_computer(std::u16string_view path) {
    constexpr std::u16string_view verbatim = u"\\\\?\\";
    if (host_path_style != PathStyle::windows || !path.starts_with(u"\\\\")) return false;
    if (!path.starts_with(verbatim)) return true;
    const auto rest = path.substr(verbatim.size());
    const bool is_drive = rest.size() >= 3 && rest[1] == u':' && rest[2] == u'\\';
    return !is_drive && !path_key(rest).starts_with(path_key(u"Volume{"));
}

Error refused(std::u16string_view path, std::string_view argument, std::string_view why) {
    return fail(ERROR_ACCESS_DENIED, "ACC-4: ", argument, " is ", path, ", which ", why,
                "; a remote caller's restore may name local files below [service] restore_roots");
}

Result<std::u16string> without_links(std::u16string_view path, std::string_view argument) {
    const auto found = platform::resolved_path(native_path(path));
    if (!found) return refused(path, argument, "cannot be resolved: " + found.error().what);
    return wire_path(found.value());
}

// The path without links.
Result<std::u16string> check_one(std::u16string_view path, std::string_view argument,
                                 const std::vector<std::u16string>& allowed) {
    if (is_of_another_computer(path))
        return refused(path, argument, "is not on the service's computer");
    NTDSB_TRY(auto found, without_links(path, argument));
    const auto contains = [&](const auto& folder) { return path_is_within(found, folder); };
    if (std::ranges::any_of(allowed, contains)) return found;
    return refused(path, argument, "lies below none of them");
}

} // namespace

Result<void> check_remote_names(const wire::RestoreRegister::Request& request) {
    const auto check = [](std::u16string_view path, std::string_view argument) -> Result<void> {
        const auto normal = normalize_path(resolve_own_share(path));
        if (is_of_another_computer(normal))
            return refused(path, argument, "is not on the service's computer");
        return ok();
    };
    NTDSB_CHECK(check(request.checkpoint_path, "szCheckPointFilePath"));
    NTDSB_CHECK(check(request.log_path, "szLogPath"));
    NTDSB_CHECK(check(request.backup_log_path, "szBackupLogPath"));
    for (const auto& pair : request.map) {
        NTDSB_CHECK(check(pair.source, "a database name of rgrstmap"));
        NTDSB_CHECK(check(pair.target, "a new database name of rgrstmap"));
    }
    return ok();
}

Result<RemotePlaces> find_remote_places(const DirectoryConfig& directory,
                                        const std::vector<std::u16string>& roots) {
    RemotePlaces places;
    auto folders = roots;
    folders.insert(folders.end(), {path_parent(directory.database), directory.log_path,
                                   directory.checkpoint_path});
    for (const auto& folder : folders) {
        if (folder.empty() || is_of_another_computer(folder)) continue;
        if (auto found = without_links(folder, "a root")) // others stay forbidden
            places.allowed.push_back(std::move(found).value());
    }
    NTDSB_TRY(places.database,
              check_one(directory.database, "the configured database", places.allowed));
    NTDSB_TRY(places.log_path, without_links(directory.log_path, "the configured log path"));
    NTDSB_TRY(places.checkpoint_path,
              without_links(directory.checkpoint_path, "the configured checkpoint path"));
    return places;
}

Result<wire::RestoreRegister::Request> check_remote_paths(wire::RestoreRegister::Request request,
                                                          const RemotePlaces& places) {
    NTDSB_TRY(request.backup_log_path,
              check_one(request.backup_log_path, "szBackupLogPath", places.allowed));
    for (auto& pair : request.map) {
        NTDSB_TRY(pair.target,
                  check_one(pair.target, "a new database name of rgrstmap", places.allowed));
    }
    request.log_path = places.log_path;
    request.checkpoint_path = places.checkpoint_path;
    return request;
}

} // namespace ntdsb::service
