// The block sums with 16-byte vectors (page_kernels.h). x86 only.
//
// For each bit of a vector's index the XOR of all vectors that have it tells that address bit's
// parity. The three lowest bits come out of groups of eight vectors, the next two out of units of
// four groups, and the rest out of the units, by masks: the loop has no branch that depends on
// where it is, since what a mispredicted one costs is a fifth of a page's time.
#include "ese/page_kernels.h"

#if NTDSB_ESE_X86

#include <emmintrin.h>

namespace ntdsb::ese {
namespace {

#define NTDSB_ESE_SSE2 NTDSB_ESE_TARGET("sse2")

constexpr std::size_t group_vectors = 8;
constexpr std::size_t unit_vectors = 4 * group_vectors; // 512 bytes
constexpr std::size_t unit_size = unit_vectors * 16;

// level[k]: the XOR of all vectors whose index has bit k.
struct Sums {
    __m128i level0, level1, level2, level3, level4, level5, level6, level7, level8, total;
};

NTDSB_ESE_SSE2 inline __m128i load(const __m128i* at) noexcept { return _mm_loadu_si128(at); }
NTDSB_ESE_SSE2 inline void add(__m128i& sum, __m128i value) noexcept {
    sum = _mm_xor_si128(sum, value);
}
NTDSB_ESE_SSE2 inline __m128i sum(__m128i a, __m128i b) noexcept { return _mm_xor_si128(a, b); }
// `value` where that bit of `index` is set, else zero.
NTDSB_ESE_SSE2 inline __m128i if_bit(std::size_t index, unsigned bit, __m128i value) noexcept {
    return _mm_and_si128(value, _mm_set1_epi32(-static_cast<int>(index >> bit & 1)));
}

NTDSB_ESE_SSE2 inline __m128i add_group(Sums& sums, const __m128i* at) noexcept {
    const __m128i v1 = load(at + 1), v3 = load(at + 3), v5 = load(at + 5), v7 = load(at + 7);
    add(sums.level0, sum(sum(v1, v3), sum(v5, v7)));
    const __m128i s01 = sum(load(at), v1), s23 = sum(load(at + 2), v3);
    const __m128i s45 = sum(load(at + 4), v5), s67 = sum(load(at + 6), v7);
    add(sums.level1, sum(s23, s67));
    const __m128i upper = sum(s45, s67);
    add(sums.level2, upper);
    return sum(sum(s01, s23), upper);
}

NTDSB_ESE_SSE2 inline void add_unit(Sums& sums, const __m128i* at, std::size_t index) noexcept {
    const __m128i a = add_group(sums, at), b = add_group(sums, at + group_vectors);
    const __m128i c = add_group(sums, at + 2 * group_vectors);
    const __m128i d = add_group(sums, at + 3 * group_vectors);
    const __m128i upper = sum(c, d), all = sum(sum(a, b), upper);
    add(sums.level3, sum(b, d));
    add(sums.level4, upper);
    add(sums.level5, if_bit(index, 0, all));
    add(sums.level6, if_bit(index, 1, all));
    add(sums.level7, if_bit(index, 2, all));
    add(sums.level8, if_bit(index, 3, all));
    add(sums.total, all);
}

NTDSB_ESE_SSE2 inline __m128i fold_pairs(__m128i a, __m128i b) noexcept {
    return sum(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
}

// The parities of four vectors as four bits. Folded side by side, into one dword a vector.
NTDSB_ESE_SSE2 inline std::uint32_t parities(__m128i a, __m128i b, __m128i c, __m128i d) noexcept {
    __m128i dwords = fold_pairs(fold_pairs(a, c), fold_pairs(b, d));
    add(dwords, _mm_slli_epi32(dwords, 16));
    add(dwords, _mm_slli_epi32(dwords, 8));
    add(dwords, _mm_slli_epi32(dwords, 4));
    add(dwords, _mm_slli_epi32(dwords, 2));
    add(dwords, _mm_slli_epi32(dwords, 1));
    return static_cast<std::uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(dwords)));
}

} // namespace

NTDSB_ESE_SSE2 BlockSums block_sums_sse2(std::span<const std::byte> block) noexcept {
    const __m128i zero = _mm_setzero_si128();
    Sums sums{zero, zero, zero, zero, zero, zero, zero, zero, zero, zero};
    const auto* at = reinterpret_cast<const __m128i*>(block.data());
    const std::size_t units = block.size() / unit_size;
    for (std::size_t unit = 0; unit < units; ++unit, at += unit_vectors) add_unit(sums, at, unit);

    std::uint32_t total[4];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(total), sums.total);
    BlockSums result = vector_sums<4>(total);
    const std::uint32_t levels = parities(sums.level0, sums.level1, sums.level2, sums.level3) |
                                 parities(sums.level4, sums.level5, sums.level6, sums.level7) << 4 |
                                 parities(sums.level8, zero, zero, zero) << 8;
    result.positions |= levels << 7; // a vector has 128 bits
    return result;
}

} // namespace ntdsb::ese

#endif
