// Reading the beginning of a file and translating what the platform answers into the codes of
// contract VER-8. Knows no format.
#pragma once

#include "core/result.h"
#include "platform/file.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ntdsb::ese {

// The file as sentences name it.
std::string shown(const platform::Path& path);

// Bytes of a header as sentences show them: signatures, times.
std::string shown(std::span<const std::byte> bytes);

// `name` in `folder`, in the form that the file functions take (core/path.h).
platform::Path in_folder(const platform::Path& folder, std::u16string_view name);

// A failure of the platform as a finding of section 5: `missing` when there is no such file. A link
// that was refused stays what it is (platform::link_refused).
Error read_error(const Error& error, Code missing);

struct FileStart {
    std::vector<std::byte> bytes;
    std::uint64_t size = 0; // of the file
};

// At most `window` bytes. `missing` is the code for no such file, `not_a_file` that for a folder.
Result<FileStart> read_start(const platform::Path& path, platform::Links links, std::size_t window,
                             Code missing, Code not_a_file);

} // namespace ntdsb::ese
