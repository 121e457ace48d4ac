// What of this process's memory can be read, found out without touching it: a caller's pointer may
// lead anywhere (contract ABI-11). Thread-safe; the last-error value is not kept.
#pragma once

#include <cstddef>

namespace ntdsb::platform {

// How many bytes from `address` on can be read, as far as one question to the system tells: 0 if
// not even the first. Where the system does not tell, all counts as readable.
std::size_t readable_bytes(const void* address) noexcept;

// Whether all of the `size` bytes at `address` can be read.
bool is_readable(const void* address, std::size_t size) noexcept;

} // namespace ntdsb::platform
