// See header_file.h.
#include "ese/header_file.h"

#include "core/path.h"

#include <algorithm>

namespace ntdsb::ese {

std::string shown(const platform::Path& path) { return text(wire_path(path)); }

std::string shown(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const std::byte byte : bytes) {
        hex += digits[std::to_integer<std::size_t>(byte >> 4)];
        hex += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return hex;
}

platform::Path in_folder(const platform::Path& folder, std::u16string_view name) {
    return native_path(join_path(wire_path(folder), name));
}

Error read_error(const Error& error, Code missing) {
    switch (error.code) {
    case platform::link_refused:
        return error;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return Error{missing, error.what};
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
        return fail(hrFileAccessDenied, error.what);
    default:
        return fail(hrDiskIO, error.what);
    }
}

Result<FileStart> read_start(const platform::Path& path, platform::Links links, std::size_t window,
                             Code missing, Code not_a_file) {
    auto info = platform::file_info(path, links);
    if (!info) return read_error(info.error(), missing);
    if (!info.value()) return fail(missing, shown(path), ": there is no such file");
    if (info.value()->is_folder) return fail(not_a_file, shown(path), " is a folder, not a file");

    auto file = platform::File::open_read(path, links);
    if (!file) return read_error(file.error(), missing);
    auto size = file.value().size();
    if (!size) return read_error(size.error(), missing);

    FileStart start;
    start.size = size.value();
    start.bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(start.size, window)));
    auto got = file.value().read_at(0, start.bytes);
    if (!got) return read_error(got.error(), missing);
    start.bytes.resize(got.value());
    return start;
}

} // namespace ntdsb::ese
