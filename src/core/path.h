// Paths as callers write them: UTF-16, in the grammar of the platform (contract PATH-1..4). Pure
// string work: nothing here touches a file. Both grammars are compiled everywhere, so that each can
// be tested on any platform.
#pragma once

#include "core/result.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace ntdsb {

enum class PathStyle { windows, posix };

#ifdef _WIN32
inline constexpr PathStyle host_path_style = PathStyle::windows;
#else
inline constexpr PathStyle host_path_style = PathStyle::posix;
#endif

inline constexpr std::size_t max_path_characters = 32767;

// PATH-1: what the client can judge alone: not empty, not over 32,767 characters, no control
// characters. `argument` names the parameter in the error's sentence. The code is
// ERROR_INVALID_PARAMETER.
Result<void> check_path_argument(std::u16string_view path, std::string_view argument);

// PATH-2, PATH-3: whether `path` is absolute and well-formed in the style's grammar; otherwise
// ERROR_INVALID_PARAMETER.
Result<void> check_path_grammar(std::u16string_view path, std::string_view argument,
                                PathStyle style = host_path_style);

// One spelling for equal paths: separators unified ('\' or '/'), "." and ".." resolved by name,
// repeated and trailing separators removed, and in the Windows style \\?\X:\ and \\?\UNC\ reduced
// to their short forms (unless a name then lost its end) and the dots and spaces that Win32 drops
// from the end of a name (not after \\?\) dropped. A share's root ends without a separator, a drive's with one. Case is kept. `path`
// must satisfy check_path_grammar; what is not absolute comes back as it is.
std::u16string normalize_path(std::u16string_view path, PathStyle style = host_path_style);

// Compares two paths as the platform does: normalized, and without case in the Windows style
// (ordinal upper case).
bool same_path(std::u16string_view a, std::u16string_view b, PathStyle style = host_path_style);
// Equal for equal paths and only for them; for sorting and look-up.
std::u16string path_key(std::u16string_view path, PathStyle style = host_path_style);
// Whether `path` is `folder` or lies below it, compared as same_path does.
bool path_is_within(std::u16string_view path, std::u16string_view folder,
                    PathStyle style = host_path_style);
// Whether one of the two is within the other.
bool paths_overlap(std::u16string_view a, std::u16string_view b, PathStyle style = host_path_style);

std::u16string join_path(std::u16string_view folder, std::u16string_view name,
                         PathStyle style = host_path_style);
// Empty for a root.
std::u16string_view path_file_name(std::u16string_view path, PathStyle style = host_path_style);
// Normalized; empty for a root.
std::u16string path_parent(std::u16string_view path, PathStyle style = host_path_style);

// To and from the form that the file functions take. Lossless, lone surrogates included (WTF-8 off
// Windows). On Windows a path longer than 259 characters gets the \\?\ prefix, since old hosts have
// no long-path manifest.
std::filesystem::path native_path(std::u16string_view path);
std::u16string wire_path(const std::filesystem::path& path);

} // namespace ntdsb
