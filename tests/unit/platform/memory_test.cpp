// platform/memory.h: what can be read is told without reading it.
#include "platform/memory.h"

#include "support/guarded_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace ntdsb::platform {
namespace {

TEST(Memory, IsReadableUpToTheGuard_ABI11) {
    const std::array<char, 9000> bytes{};
    const test::GuardedMemory memory(bytes.data(), bytes.size());
    const auto* const first = static_cast<const char*>(memory.data());
    EXPECT_TRUE(is_readable(first, bytes.size()));
    EXPECT_FALSE(is_readable(first, bytes.size() + 1));
    EXPECT_TRUE(is_readable(memory.end(), 0));
    EXPECT_FALSE(is_readable(memory.end(), 1));
    EXPECT_EQ(readable_bytes(first + bytes.size() - 5), 5u);
    EXPECT_EQ(readable_bytes(memory.end()), 0u);
}

TEST(Memory, AtTheEndsOfTheAddressSpaceIsNotReadable_ABI11) {
    EXPECT_EQ(readable_bytes(nullptr), 0u);
    // Made-up addresses. NOLINTNEXTLINE(performance-no-int-to-ptr)
    EXPECT_FALSE(is_readable(reinterpret_cast<const void*>(std::uintptr_t{16}), 1));
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    EXPECT_FALSE(is_readable(reinterpret_cast<const void*>(UINTPTR_MAX - 1), 8));
}

} // namespace
} // namespace ntdsb::platform
