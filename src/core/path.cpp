// The two path grammars and the string work on paths. Touches no file.
#include "core/path.h"

#include "core/upper_case.h"
#include "core/utf16.h"

#include <algorithm>
#include <vector>

namespace ntdsb {
namespace {

bool is_separator(char16_t c, PathStyle style) {
    return c == u'/' || (style == PathStyle::windows && c == u'\\');
}
char16_t separator(PathStyle style) { return style == PathStyle::windows ? u'\\' : u'/'; }

bool is_letter(char16_t c) { return (c >= u'a' && c <= u'z') || (c >= u'A' && c <= u'Z'); }

bool equal_without_case(std::u16string_view a, std::u16string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char16_t x, char16_t y) { return upper_case(x) == upper_case(y); });
}

// Cuts the next component and the separators before it from `rest`; empty at the end.
std::u16string_view next_component(std::u16string_view& rest, PathStyle style) {
    const auto is_mark = [style](char16_t c) { return is_separator(c, style); };
    const auto first = std::find_if_not(rest.begin(), rest.end(), is_mark);
    const auto last = std::find_if(first, rest.end(), is_mark);
    const auto component = rest.substr(static_cast<std::size_t>(first - rest.begin()),
                                       static_cast<std::size_t>(last - first));
    rest.remove_prefix(static_cast<std::size_t>(last - rest.begin()));
    return component;
}

// A path taken apart: what cannot be left by "..", and what follows.
struct Split {
    std::u16string root; // as normalize_path writes it: X:\, \\server\share or /; with \\?\ only
                         // where there is no short form
    std::u16string_view rest;
    bool is_verbatim = false; // came with \\?\ .
};

// `rest` begins after "\\" or "\\?\UNC\".
bool split_share(std::u16string_view rest, Split& split) {
    const auto style = PathStyle::windows;
    if (rest.empty() || is_separator(rest.front(), style)) return false;
    const auto server = next_component(rest, style);
    if (server == u"." || server == u"?") return false;
    if (rest.size() < 2 || is_separator(rest[1], style)) return false;
    const auto share = next_component(rest, style);
    split.root.append(u"\\\\").append(server).append(u"\\").append(share);
    split.rest = rest;
    return true;
}

bool split_drive(std::u16string_view path, Split& split) {
    if (path.size() < 3 || !is_letter(path[0]) || path[1] != u':' ||
        !is_separator(path[2], PathStyle::windows))
        return false;
    split.root.assign(path.substr(0, 2)).append(u"\\");
    split.rest = path.substr(3);
    return true;
}

// What may follow \\?\ besides a drive and UNC: a volume by its name, and the device tree, where
// shadow copies are.
bool split_device(std::u16string_view path, Split& split) {
    const auto name = next_component(path, PathStyle::windows);
    const bool is_volume =
        name.size() > 8 && equal_without_case(name.substr(0, 7), u"Volume{") && name.back() == u'}';
    if (!is_volume && !equal_without_case(name, u"GLOBALROOT")) return false;
    split.root.append(u"\\\\?\\").append(name);
    split.rest = path;
    return true;
}

// False if the path is not absolute (PATH-2, PATH-3).
bool split_root(std::u16string_view path, PathStyle style, Split& split) {
    if (style == PathStyle::posix) {
        if (path.empty() || path.front() != u'/') return false;
        split.root = u"/";
        split.rest = path.substr(1);
        return true;
    }
    const auto mark_at = [&](std::size_t at) {
        return at < path.size() && is_separator(path[at], style);
    };
    if (!mark_at(0) || !mark_at(1)) return split_drive(path, split);
    if (path.size() > 3 && path[2] == u'?' && mark_at(3)) {
        split.is_verbatim = true;
        auto inner = path.substr(4);
        if (split_drive(inner, split)) return true;
        if (inner.size() > 4 && equal_without_case(inner.substr(0, 3), u"UNC") &&
            is_separator(inner[3], style)) {
            return split_share(inner.substr(4), split);
        }
        return !inner.empty() && !is_separator(inner.front(), style) && split_device(inner, split);
    }
    return split_share(path.substr(2), split);
}

// Win32 drops dots and spaces from the end of a name.
std::u16string_view without_dropped_end(std::u16string_view name) {
    const auto last = name.find_last_not_of(u". ");
    return last == std::u16string_view::npos ? name : name.substr(0, last + 1);
}

std::vector<std::u16string_view> resolved_components(const Split& split, PathStyle style) {
    std::vector<std::u16string_view> components;
    auto rest = split.rest;
    for (auto name = next_component(rest, style); !name.empty();
         name = next_component(rest, style)) {
        if (name == u".") continue;
        if (name == u"..") {
            if (!components.empty()) components.pop_back();
            continue;
        }
        components.push_back(
            style == PathStyle::windows && !split.is_verbatim ? without_dropped_end(name) : name);
    }
    return components;
}

// A name that only \\?\ can say; elsewhere such an end is dropped already.
bool has_dropped_end(std::u16string_view name) {
    return without_dropped_end(name).size() != name.size();
}

std::u16string verbatim_root(const std::u16string& root) {
    if (root.starts_with(u"\\\\?\\")) return root;
    if (root.starts_with(u"\\\\")) return u"\\\\?\\UNC" + root.substr(1);
    return u"\\\\?\\" + root;
}

std::u16string joined(const Split& split, const std::vector<std::u16string_view>& components,
                      PathStyle style) {
    const bool only_verbatim =
        style == PathStyle::windows && std::ranges::any_of(components, has_dropped_end);
    std::u16string out = only_verbatim ? verbatim_root(split.root) : split.root;
    for (const auto name : components) out = join_path(out, name, style);
    return out;
}

// Normalized, but for the \\?\ of a path that has no short form for the end of a name: it says how
// the name is read, not where the file is.
std::u16string without_verbatim_prefix(std::u16string_view path, PathStyle style) {
    Split split;
    if (!split_root(path, style, split)) return std::u16string(path);
    std::u16string out = split.root;
    for (const auto name : resolved_components(split, style)) out = join_path(out, name, style);
    return out;
}

} // namespace

Result<void> check_path_argument(std::u16string_view path, std::string_view argument) {
    if (path.empty())
        return fail(ERROR_INVALID_PARAMETER, argument, " is empty; a full path is needed");
    if (path.size() > max_path_characters) {
        return fail(ERROR_INVALID_PARAMETER, argument, " has ", path.size(),
                    " characters; at most ", max_path_characters, " are allowed");
    }
    const auto control =
        std::find_if(path.begin(), path.end(), [](char16_t c) { return c < 0x20 || c == 0x7f; });
    if (control != path.end()) {
        return fail(ERROR_INVALID_PARAMETER, argument, " has a control character at position ",
                    control - path.begin());
    }
    return ok();
}

Result<void> check_path_grammar(std::u16string_view path, std::string_view argument,
                                PathStyle style) {
    NTDSB_CHECK(check_path_argument(path, argument));
    Split split;
    if (!split_root(path, style, split)) {
        return fail(ERROR_INVALID_PARAMETER, argument, " is \"", path,
                    "\", which is not a full path; it must start with ",
                    style == PathStyle::windows ? R"(X:\ or \\server\share)" : "/");
    }
    if (style == PathStyle::posix) return ok();
    const auto reserved = path.find_first_of(u"*?\"<>|", split.is_verbatim ? 4 : 0);
    if (reserved != std::u16string_view::npos) {
        return fail(ERROR_INVALID_PARAMETER, argument, " is \"", path,
                    "\", which has the character ", path.substr(reserved, 1),
                    " that no file name may have");
    }
    return ok();
}

std::u16string normalize_path(std::u16string_view path, PathStyle style) {
    Split split;
    if (!split_root(path, style, split)) return std::u16string(path);
    return joined(split, resolved_components(split, style), style);
}

bool same_path(std::u16string_view a, std::u16string_view b, PathStyle style) {
    const auto x = normalize_path(a, style);
    const auto y = normalize_path(b, style);
    return style == PathStyle::windows ? equal_without_case(x, y) : x == y;
}

std::u16string path_key(std::u16string_view path, PathStyle style) {
    auto key = normalize_path(path, style);
    if (style == PathStyle::windows)
        for (char16_t& unit : key) unit = upper_case(unit);
    return key;
}

bool path_is_within(std::u16string_view path, std::u16string_view folder, PathStyle style) {
    const auto inner = without_verbatim_prefix(path, style);
    const auto outer = without_verbatim_prefix(folder, style);
    if (inner.size() < outer.size() || outer.empty()) return false;
    const auto start = std::u16string_view(inner).substr(0, outer.size());
    if (style == PathStyle::windows ? !equal_without_case(start, outer) : start != outer)
        return false;
    return inner.size() == outer.size() || is_separator(outer.back(), style) ||
           is_separator(inner[outer.size()], style);
}

bool paths_overlap(std::u16string_view a, std::u16string_view b, PathStyle style) {
    return path_is_within(a, b, style) || path_is_within(b, a, style);
}

std::u16string join_path(std::u16string_view folder, std::u16string_view name, PathStyle style) {
    std::u16string out(folder);
    if (!out.empty() && !is_separator(out.back(), style)) out += separator(style);
    return out.append(name);
}

std::u16string_view path_file_name(std::u16string_view path, PathStyle style) {
    Split split;
    if (split_root(path, style, split)) path = split.rest;
    while (!path.empty() && is_separator(path.back(), style)) path.remove_suffix(1);
    const auto mark = std::find_if(path.rbegin(), path.rend(),
                                   [style](char16_t c) { return is_separator(c, style); });
    return path.substr(static_cast<std::size_t>(path.rend() - mark));
}

std::u16string path_parent(std::u16string_view path, PathStyle style) {
    Split split;
    if (!split_root(path, style, split)) return {};
    auto components = resolved_components(split, style);
    if (components.empty()) return {};
    components.pop_back();
    return joined(split, components, style);
}

#ifdef _WIN32

std::filesystem::path native_path(std::u16string_view path) {
    constexpr std::size_t longest_short_path = 259; // MAX_PATH without its NUL
    std::u16string out(path);
    Split split;
    if (split_root(path, PathStyle::windows, split) &&
        (split.is_verbatim || path.size() > longest_short_path)) {
        out = normalize_path(path,
                             PathStyle::windows); // after \\?\ the system resolves nothing any more
        if (!out.starts_with(u"\\\\")) {
            out.insert(0, u"\\\\?\\");
        } else if (!out.starts_with(u"\\\\?\\")) {
            out.replace(0, 1, u"\\\\?\\UNC");
        }
    }
    return std::filesystem::path(std::wstring(out.begin(), out.end()));
}

std::u16string wire_path(const std::filesystem::path& path) {
    const std::wstring& native = path.native();
    std::u16string out(native.begin(), native.end());
    return out.starts_with(u"\\\\?\\") ? normalize_path(out, PathStyle::windows) : out;
}

#else

std::filesystem::path native_path(std::u16string_view path) {
    return std::filesystem::path(utf16_to_wtf8(path));
}

std::u16string wire_path(const std::filesystem::path& path) { return wtf8_to_utf16(path.native()); }

#endif

} // namespace ntdsb
