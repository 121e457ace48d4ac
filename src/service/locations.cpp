// The lists of paths and their two forms (locations.h).
#include "service/locations.h"

#include "core/host_name.h"
#include "platform/process.h"

#include <algorithm>

namespace ntdsb::service {

namespace {

bool is_drive_letter(char16_t c) { return (c >= u'a' && c <= u'z') || (c >= u'A' && c <= u'Z'); }

} // namespace

void append_entry(std::u16string& list, char16_t bft, std::u16string_view path) {
    list += bft;
    list += path;
    list += u'\0';
}

void close_list(std::u16string& list) {
    if (list.empty()) list += u'\0';
    list += u'\0';
}

std::u16string administrative_share_path(std::u16string_view path, std::u16string_view computer) {
    const auto normal = normalize_path(path, PathStyle::windows);
    const bool has_drive = normal.size() >= 3 && is_drive_letter(normal[0]) && normal[1] == u':';
    if (!has_drive || computer.empty()) return std::u16string(path);
    std::u16string unc = u"\\\\";
    unc.append(computer).append(u"\\").append(1, normal[0]).append(u"$").append(normal, 2);
    return unc;
}

std::u16string resolve_own_share(std::u16string_view path,
                                 std::span<const std::u16string> own_names) {
    const auto normal = normalize_path(path, PathStyle::windows);
    const std::u16string_view view = normal;
    if (!view.starts_with(u"\\\\")) return std::u16string(path);
    const auto end = view.find(u'\\', 2);
    if (end == std::u16string_view::npos) return std::u16string(path);
    if (!is_this_computer(view.substr(2, end - 2), own_names)) return std::u16string(path);

    const auto share = view.substr(end + 1);
    const bool is_drive = share.size() >= 2 && is_drive_letter(share[0]) && share[1] == u'$' &&
                          (share.size() == 2 || share[2] == u'\\');
    if (!is_drive) return std::u16string(path);
    std::u16string local{share[0], u':', u'\\'};
    if (share.size() > 3) local += share.substr(3);
    return local;
}

std::u16string resolve_own_share(std::u16string_view path) {
    if (host_path_style != PathStyle::windows) return std::u16string(path);
    const auto is_mark = [&](std::size_t at) { return path[at] == u'\\' || path[at] == u'/'; };
    const bool names_a_host = path.size() > 2 && is_mark(0) && is_mark(1);
    if (!names_a_host) return std::u16string(path);
    return resolve_own_share(path, platform::computer_names());
}

std::u16string listed_path(const DirectoryConfig& directory, std::u16string_view path) {
    if (directory.path_form == PathForm::local || host_path_style != PathStyle::windows)
        return std::u16string(path);
    const auto names = platform::computer_names();
    return names.empty() ? std::u16string(path) : administrative_share_path(path, names.front());
}

std::u16string database_locations(const Instance& instance) {
    const auto& directory = instance.directory();
    std::u16string list;
    append_entry(list, bft_database, listed_path(directory, directory.database));
    append_entry(list, bft_log_dir, listed_path(directory, directory.log_path));
    append_entry(list, bft_checkpoint_dir, listed_path(directory, directory.checkpoint_path));
    close_list(list);
    return list;
}

} // namespace ntdsb::service
