// Where a directory's files are, as the API's BFT-prefixed lists (contract ABI-4, ABI-5, LOC-2),
// and in which form their paths are written and read back (PATH-4). Knows paths as strings; touches
// no file.
#pragma once

#include "core/path.h"
#include "service/instance.h"

#include <span>

namespace ntdsb::service {

inline constexpr char16_t bft_log = 0x21;
inline constexpr char16_t bft_log_dir = 0x82;
inline constexpr char16_t bft_checkpoint_dir = 0x83;
inline constexpr char16_t bft_database = 0x44;

// Appends `<bft><path>\0`; close_list appends the last NUL (an empty list becomes two).
void append_entry(std::u16string& list, char16_t bft, std::u16string_view path);
void close_list(std::u16string& list);

// The configured paths in the configured form (local or \\server\X$\...), exactly as Register
// accepts them back.
std::u16string database_locations(const Instance& instance);

// A path of the instance as every list writes it: path_form unc turns X:\... into \\<this
// computer>\X$\..., and leaves all others as they are.
std::u16string listed_path(const DirectoryConfig& directory, std::u16string_view path);

// PATH-4: `\\<this computer>\X$\...` becomes `X:\...`; any other path is returned as it is. This
// computer is what COM-6 says: its names, localhost, "." and the loopback addresses. Off Windows
// nothing is resolved.
std::u16string resolve_own_share(std::u16string_view path);

// The string work of the two, for any platform.
std::u16string administrative_share_path(std::u16string_view path, std::u16string_view computer);
std::u16string resolve_own_share(std::u16string_view path,
                                 std::span<const std::u16string> own_names);

} // namespace ntdsb::service
