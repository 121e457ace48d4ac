// Page and header checksums: made pages (by independent code), random blocks, flipped bits.
#include "ese/page_checksum.h"
#include "ese/page_kernels.h"

#include "support/ese_builder.h"

#include <gtest/gtest.h>

#include <random>
#include <tuple>

namespace ntdsb {
namespace {

test::Bytes random_bytes(std::size_t size, std::uint32_t seed) {
    std::mt19937 random(seed);
    test::Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random() & 0xFF);
    return bytes;
}

class Pages : public testing::TestWithParam<std::tuple<std::size_t, test::PageChecksum>> {
protected:
    std::size_t size() const { return std::get<0>(GetParam()); }
    test::PageChecksum kind() const { return std::get<1>(GetParam()); }
    test::Bytes sealed(std::uint32_t number) const {
        auto page = random_bytes(size(), number);
        test::seal_page(page.data(), page.size(), number, kind());
        return page;
    }
};

TEST_P(Pages, MadePagesAreSound) {
    for (const std::uint32_t number : {1u, 2u, 77u, 0x12345u, 0x7FFFFFFFu})
        EXPECT_TRUE(ese::page_is_sound(sealed(number), number)) << number;
}

TEST_P(Pages, AnotherPagesNumberIsDetected) {
    const auto page = sealed(9);
    EXPECT_FALSE(ese::page_is_sound(page, 8));
    EXPECT_FALSE(ese::page_is_sound(page, 10));
}

TEST_P(Pages, EveryFlippedBitIsDetected) {
    auto page = sealed(5);
    // All bits of the page's head, where the checksums and the flags are, and a prime stride
    // through the rest.
    for (std::size_t bit = 0; bit < size() * 8; bit += bit < 1024 ? 1 : 37) {
        const auto mask = static_cast<std::byte>(1u << bit % 8);
        page[bit / 8] ^= mask;
        EXPECT_FALSE(ese::page_is_sound(page, 5)) << "bit " << bit;
        page[bit / 8] ^= mask;
    }
    EXPECT_TRUE(ese::page_is_sound(page, 5));
}

TEST_P(Pages, UnusedPageIsSoundAndOneBitInItIsNot) {
    test::Bytes page(size());
    EXPECT_TRUE(ese::page_is_sound(page, 3));
    page[size() - 1] = std::byte{1};
    EXPECT_FALSE(ese::page_is_sound(page, 3));
}

INSTANTIATE_TEST_SUITE_P(AllSizes, Pages,
                         testing::Combine(testing::Values(2048, 4096, 8192, 16384, 32768),
                                          testing::Values(test::PageChecksum::ecc,
                                                          test::PageChecksum::legacy)));

TEST(NewPageChecksum, TwoFlippedBitsAreDetected) {
    auto page = random_bytes(8192, 1);
    test::seal_page(page.data(), page.size(), 1, test::PageChecksum::ecc);
    std::mt19937 random(2);
    for (int i = 0; i < 500; ++i) {
        const std::size_t a = random() % (page.size() * 8);
        const std::size_t b = random() % (page.size() * 8);
        if (a == b) continue;
        auto damaged = page;
        damaged[a / 8] ^= static_cast<std::byte>(1u << a % 8);
        damaged[b / 8] ^= static_cast<std::byte>(1u << b % 8);
        EXPECT_FALSE(ese::page_is_sound(damaged, 1)) << a << " " << b;
    }
}

TEST(HeaderChecksum, IsTheXorOfTheDwordsAfterTheFirst) {
    for (const std::size_t size : {4096u, 8192u, 32768u}) {
        const auto header = random_bytes(size, 3);
        EXPECT_EQ(ese::header_checksum(header), test::builder_header_checksum(header.data(), size));
    }
    const test::Bytes zeros(4096);
    EXPECT_EQ(ese::header_checksum(zeros), 0x89ABCDEFu);
}

void expect_like_scalar(ese::BlockKernel kernel) {
    for (const std::size_t size : {2048u, 4096u, 8192u}) {
        for (std::uint32_t seed = 0; seed < 40; ++seed) {
            const auto bytes = random_bytes(size + 16, seed);
            const auto block = std::span<const std::byte>(bytes).subspan(
                seed % 16, size); // no alignment is promised
            ASSERT_EQ(kernel(block), ese::block_sums_scalar(block)) << size << " " << seed;
        }
        for (std::size_t bit = 0; bit < size * 8; bit += 31) {
            test::Bytes bytes(size);
            bytes[bit / 8] = static_cast<std::byte>(1u << bit % 8);
            const ese::BlockSums expected{1u << bit % 32, static_cast<std::uint32_t>(bit)};
            ASSERT_EQ(ese::block_sums_scalar(bytes), expected);
            ASSERT_EQ(kernel(bytes), expected) << bit;
        }
    }
}

TEST(PageKernels, ChosenFormIsLikeTheScalarOne) { expect_like_scalar(ese::best_block_kernel()); }

#if NTDSB_ESE_X86
TEST(PageKernels, Sse2IsLikeTheScalarOne) {
    if (!ese::processor_has_sse2()) GTEST_SKIP() << "this processor has no SSE2";
    expect_like_scalar(ese::block_sums_sse2);
}

TEST(PageKernels, Avx2IsLikeTheScalarOne) {
    if (!ese::processor_has_avx2()) GTEST_SKIP() << "this processor has no AVX2";
    expect_like_scalar(ese::block_sums_avx2);
}
#endif

} // namespace
} // namespace ntdsb
