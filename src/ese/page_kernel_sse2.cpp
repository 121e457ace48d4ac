// The block sums with 16-byte vectors: an XOR tree over the block (page_kernels.h). x86 only.
#include "ese/page_kernels.h"

#if NTDSB_ESE_X86

#include <emmintrin.h>

#include <bit>

namespace ntdsb::ese {
namespace {

constexpr std::size_t vector_size = 16;
constexpr unsigned vector_address_bits = 7; // a vector has 128 bits
constexpr std::size_t group_vectors = 8;
constexpr unsigned group_level = 3;
constexpr unsigned max_levels = 9; // 8 KiB = 512 vectors

NTDSB_ESE_TARGET("sse2") inline std::uint32_t fold(__m128i v) noexcept {
    v = _mm_xor_si128(v, _mm_srli_si128(v, 8));
    v = _mm_xor_si128(v, _mm_srli_si128(v, 4));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(v));
}

NTDSB_ESE_TARGET("sse2") inline unsigned parity(__m128i v) noexcept {
    return static_cast<unsigned>(std::popcount(fold(v))) & 1u;
}

} // namespace

// Level k of the tree joins pairs of subtrees whose vector indexes differ in bit k: the XOR of all
// right subtrees tells that address bit's parity. Three levels are unrolled over a group of eight
// vectors; the groups are joined like the digits of a binary counter.
NTDSB_ESE_TARGET("sse2") BlockSums block_sums_sse2(std::span<const std::byte> block) noexcept {
    __m128i right[max_levels];
    __m128i waiting[max_levels];
    for (auto& sum : right) sum = _mm_setzero_si128();
    __m128i right0 = _mm_setzero_si128(), right1 = right0, right2 = right0, total = right0;
    const std::size_t groups = block.size() / (group_vectors * vector_size);
    const auto* at = reinterpret_cast<const __m128i*>(block.data());
    for (std::size_t group = 0; group < groups; ++group, at += group_vectors) {
        const __m128i v1 = _mm_loadu_si128(at + 1), v3 = _mm_loadu_si128(at + 3);
        const __m128i v5 = _mm_loadu_si128(at + 5), v7 = _mm_loadu_si128(at + 7);
        right0 = _mm_xor_si128(right0, _mm_xor_si128(_mm_xor_si128(v1, v3), _mm_xor_si128(v5, v7)));
        const __m128i s01 = _mm_xor_si128(_mm_loadu_si128(at), v1);
        const __m128i s23 = _mm_xor_si128(_mm_loadu_si128(at + 2), v3);
        const __m128i s45 = _mm_xor_si128(_mm_loadu_si128(at + 4), v5);
        const __m128i s67 = _mm_xor_si128(_mm_loadu_si128(at + 6), v7);
        right1 = _mm_xor_si128(right1, _mm_xor_si128(s23, s67));
        const __m128i upper = _mm_xor_si128(s45, s67);
        right2 = _mm_xor_si128(right2, upper);
        total = _mm_xor_si128(_mm_xor_si128(s01, s23), upper);
        unsigned level = group_level;
        for (std::size_t ones = group; (ones & 1) != 0; ones >>= 1, ++level) {
            right[level] = _mm_xor_si128(right[level], total);
            total = _mm_xor_si128(total, waiting[level]);
        }
        if (level < max_levels) waiting[level] = total;
    }
    right[0] = right0;
    right[1] = right1;
    right[2] = right2;

    BlockSums sums = dword_sums(fold(total)); // the last group's carry ran through the whole tree
    sums.positions |= parity(_mm_and_si128(total, _mm_set_epi32(-1, 0, -1, 0))) << 5;
    sums.positions |= parity(_mm_srli_si128(total, 8)) << 6;
    for (unsigned level = 0; level < max_levels; ++level)
        sums.positions |= parity(right[level]) << (vector_address_bits + level);
    return sums;
}

} // namespace ntdsb::ese

#endif
