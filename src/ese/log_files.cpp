// The names of log files, and the log files of a folder.
#include "ese/headers.h"

#include "core/path.h"
#include "ese/header_file.h"

#include <algorithm>

namespace ntdsb::ese {
namespace {

constexpr std::u16string_view stem = u"edb";
constexpr std::u16string_view extension = u".log";

char16_t lower(char16_t c) {
    return c >= u'A' && c <= u'Z' ? static_cast<char16_t>(c + (u'a' - u'A')) : c;
}

struct LogName {
    std::optional<std::uint32_t> generation; // none: edb.log
};

// What a name of a log says; std::nullopt for every other name.
std::optional<LogName> parse_log_name(std::u16string name) {
    std::transform(name.begin(), name.end(), name.begin(), lower);
    if (!name.starts_with(stem) || !name.ends_with(extension) ||
        name.size() < stem.size() + extension.size())
        return std::nullopt;
    const auto digits =
        std::u16string_view(name).substr(stem.size(), name.size() - stem.size() - extension.size());
    if (digits.empty()) return LogName{};
    if (digits.size() != 5 && digits.size() != 8) return std::nullopt;
    std::uint32_t generation = 0;
    for (const char16_t c : digits) {
        const bool decimal = c >= u'0' && c <= u'9';
        if (!decimal && !(c >= u'a' && c <= u'f')) return std::nullopt;
        generation =
            generation << 4 | static_cast<std::uint32_t>(decimal ? c - u'0' : c - u'a' + 10);
    }
    return LogName{generation};
}

} // namespace

bool is_log_name(const platform::Path& file) {
    return parse_log_name(wire_path(file.filename())).has_value();
}

std::optional<std::uint32_t> generation_of_name(const platform::Path& file) {
    const auto name = parse_log_name(wire_path(file.filename()));
    return name ? name->generation : std::nullopt;
}

Result<std::vector<LogFile>> list_log_files(const platform::Path& folder, platform::Links links) {
    auto entries = platform::list_folder(folder, links);
    if (!entries) {
        const bool absent = entries.error().code == ERROR_FILE_NOT_FOUND ||
                            entries.error().code == ERROR_PATH_NOT_FOUND;
        return absent ? fail(ERROR_PATH_NOT_FOUND, entries.error().what) : entries.error();
    }
    std::vector<LogFile> files;
    for (const auto& entry : entries.value()) {
        if (entry.info.is_folder) continue;
        const auto name = wire_path(entry.name);
        if (const auto log = parse_log_name(name))
            files.push_back({in_folder(folder, name), log->generation});
    }
    std::sort(files.begin(), files.end(), [](const LogFile& a, const LogFile& b) {
        constexpr std::uint64_t last = ~std::uint64_t{0}; // edb.log
        const auto key = [](const LogFile& file) {
            return file.name_generation ? std::uint64_t{*file.name_generation} : last;
        };
        return key(a) != key(b) ? key(a) < key(b) : a.path < b.path;
    });
    return files;
}

std::u16string log_file_name(std::uint32_t generation) {
    constexpr std::u16string_view digits = u"0123456789ABCDEF";
    std::u16string name(stem);
    for (unsigned shift = generation > 0xFFFFF ? 28 : 16;; shift -= 4) {
        name += digits[generation >> shift & 0xF];
        if (shift == 0) break;
    }
    return name.append(extension);
}

} // namespace ntdsb::ese
