// The block sums with 32-byte vectors (page_kernels.h): as page_kernel_sse2.cpp does it. x86 only.
#include "ese/page_kernels.h"

#if NTDSB_ESE_X86

#include <immintrin.h>

namespace ntdsb::ese {
namespace {

#define NTDSB_ESE_AVX2 NTDSB_ESE_TARGET("avx2")

constexpr std::size_t group_vectors = 8;
constexpr std::size_t unit_vectors = 4 * group_vectors; // 1 KiB
constexpr std::size_t unit_size = unit_vectors * 32;
// How far ahead memory is asked for, in vectors (512 bytes did best of 512 to 8,192 on the machine
// of tests/README.md). Past the end of the data it does nothing.
constexpr std::size_t ahead = 512 / 32;

// level[k]: the XOR of all vectors whose index has bit k.
struct Sums {
    __m256i level0, level1, level2, level3, level4, level5, level6, level7, total;
};

NTDSB_ESE_AVX2 inline __m256i load(const __m256i* at) noexcept { return _mm256_loadu_si256(at); }
NTDSB_ESE_AVX2 inline void add(__m256i& sum, __m256i value) noexcept {
    sum = _mm256_xor_si256(sum, value);
}
NTDSB_ESE_AVX2 inline __m256i sum(__m256i a, __m256i b) noexcept { return _mm256_xor_si256(a, b); }
// `value` where that bit of `index` is set, else zero.
NTDSB_ESE_AVX2 inline __m256i if_bit(std::size_t index, unsigned bit, __m256i value) noexcept {
    return _mm256_and_si256(value, _mm256_set1_epi32(-static_cast<int>(index >> bit & 1)));
}

NTDSB_ESE_AVX2 inline __m256i add_group(Sums& sums, const __m256i* at) noexcept {
    for (std::size_t line = 0; line < group_vectors; line += 2)
        _mm_prefetch(reinterpret_cast<const char*>(at + ahead + line), _MM_HINT_T0);
    const __m256i v1 = load(at + 1), v3 = load(at + 3), v5 = load(at + 5), v7 = load(at + 7);
    add(sums.level0, sum(sum(v1, v3), sum(v5, v7)));
    const __m256i s01 = sum(load(at), v1), s23 = sum(load(at + 2), v3);
    const __m256i s45 = sum(load(at + 4), v5), s67 = sum(load(at + 6), v7);
    add(sums.level1, sum(s23, s67));
    const __m256i upper = sum(s45, s67);
    add(sums.level2, upper);
    return sum(sum(s01, s23), upper);
}

NTDSB_ESE_AVX2 inline void add_unit(Sums& sums, const __m256i* at, std::size_t index) noexcept {
    const __m256i a = add_group(sums, at), b = add_group(sums, at + group_vectors);
    const __m256i c = add_group(sums, at + 2 * group_vectors);
    const __m256i d = add_group(sums, at + 3 * group_vectors);
    const __m256i upper = sum(c, d), all = sum(sum(a, b), upper);
    add(sums.level3, sum(b, d));
    add(sums.level4, upper);
    add(sums.level5, if_bit(index, 0, all));
    add(sums.level6, if_bit(index, 1, all));
    add(sums.level7, if_bit(index, 2, all));
    add(sums.total, all);
}

NTDSB_ESE_AVX2 inline __m256i fold_pairs(__m256i a, __m256i b) noexcept {
    return sum(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
}

// Bit k of the result: the parity of level k. Folded side by side, into one dword a level.
NTDSB_ESE_AVX2 inline std::uint32_t parities(const Sums& sums) noexcept {
    const __m256i low =
        fold_pairs(fold_pairs(sums.level0, sums.level2), fold_pairs(sums.level1, sums.level3));
    const __m256i high =
        fold_pairs(fold_pairs(sums.level4, sums.level6), fold_pairs(sums.level5, sums.level7));
    __m256i dwords =
        sum(_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31));
    add(dwords, _mm256_slli_epi32(dwords, 16));
    add(dwords, _mm256_slli_epi32(dwords, 8));
    add(dwords, _mm256_slli_epi32(dwords, 4));
    add(dwords, _mm256_slli_epi32(dwords, 2));
    add(dwords, _mm256_slli_epi32(dwords, 1));
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(dwords)));
}

} // namespace

NTDSB_ESE_AVX2 BlockSums block_sums_avx2(std::span<const std::byte> block) noexcept {
    const __m256i zero = _mm256_setzero_si256();
    Sums sums{zero, zero, zero, zero, zero, zero, zero, zero, zero};
    const auto* at = reinterpret_cast<const __m256i*>(block.data());
    const std::size_t units = block.size() / unit_size;
    for (std::size_t unit = 0; unit < units; ++unit, at += unit_vectors) add_unit(sums, at, unit);

    std::uint32_t total[8];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(total), sums.total);
    BlockSums result = vector_sums<8>(total);
    result.positions |= parities(sums) << 8; // a vector has 256 bits
    return result;
}

} // namespace ntdsb::ese

#endif
