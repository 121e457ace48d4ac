// Where a directory's files are, as the API's BFT-prefixed lists (contract ABI-4, ABI-5, LOC-2).
#pragma once

#include "service/instance.h"

namespace ntdsb::service {

inline constexpr char16_t bft_log = 0x21;
inline constexpr char16_t bft_log_dir = 0x82;
inline constexpr char16_t bft_checkpoint_dir = 0x83;
inline constexpr char16_t bft_database = 0x44;

// Appends `<bft><path>\0`; close_list appends the last NUL (an empty list becomes two).
void append_entry(std::u16string& list, char16_t bft, std::u16string_view path);
void close_list(std::u16string& list);

// The configured paths in the configured form (local or \\server\X$\...), exactly as Register accepts them back.
std::u16string database_locations(const Instance& instance);

} // namespace ntdsb::service
