// How much memory this process has needed.
#pragma once

#include <cstdint>

namespace ntdsb::test {

// The most that was resident so far, in bytes.
std::uint64_t peak_memory();

} // namespace ntdsb::test
