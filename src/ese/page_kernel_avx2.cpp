// The block sums with 32-byte vectors (page_kernels.h): the tree of page_kernel_sse2.cpp, one level
// less. x86 only.
#include "ese/page_kernels.h"

#if NTDSB_ESE_X86

#include <immintrin.h>

#include <bit>

namespace ntdsb::ese {
namespace {

constexpr std::size_t vector_size = 32;
constexpr unsigned vector_address_bits = 8; // a vector has 256 bits
constexpr std::size_t group_vectors = 8;
constexpr unsigned group_level = 3;
constexpr unsigned max_levels = 8; // 8 KiB = 256 vectors

NTDSB_ESE_TARGET("avx2") inline std::uint32_t fold(__m128i v) noexcept {
    v = _mm_xor_si128(v, _mm_srli_si128(v, 8));
    v = _mm_xor_si128(v, _mm_srli_si128(v, 4));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(v));
}

NTDSB_ESE_TARGET("avx2") inline unsigned parity(__m128i v) noexcept {
    return static_cast<unsigned>(std::popcount(fold(v))) & 1u;
}

NTDSB_ESE_TARGET("avx2") inline __m128i fold_halves(__m256i v) noexcept {
    return _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

} // namespace

NTDSB_ESE_TARGET("avx2") BlockSums block_sums_avx2(std::span<const std::byte> block) noexcept {
    __m256i right[max_levels];
    __m256i waiting[max_levels];
    for (auto& sum : right) sum = _mm256_setzero_si256();
    __m256i right0 = _mm256_setzero_si256(), right1 = right0, right2 = right0, total = right0;
    const std::size_t groups = block.size() / (group_vectors * vector_size);
    const auto* at = reinterpret_cast<const __m256i*>(block.data());
    for (std::size_t group = 0; group < groups; ++group, at += group_vectors) {
        const __m256i v1 = _mm256_loadu_si256(at + 1), v3 = _mm256_loadu_si256(at + 3);
        const __m256i v5 = _mm256_loadu_si256(at + 5), v7 = _mm256_loadu_si256(at + 7);
        right0 = _mm256_xor_si256(
            right0, _mm256_xor_si256(_mm256_xor_si256(v1, v3), _mm256_xor_si256(v5, v7)));
        const __m256i s01 = _mm256_xor_si256(_mm256_loadu_si256(at), v1);
        const __m256i s23 = _mm256_xor_si256(_mm256_loadu_si256(at + 2), v3);
        const __m256i s45 = _mm256_xor_si256(_mm256_loadu_si256(at + 4), v5);
        const __m256i s67 = _mm256_xor_si256(_mm256_loadu_si256(at + 6), v7);
        right1 = _mm256_xor_si256(right1, _mm256_xor_si256(s23, s67));
        const __m256i upper = _mm256_xor_si256(s45, s67);
        right2 = _mm256_xor_si256(right2, upper);
        total = _mm256_xor_si256(_mm256_xor_si256(s01, s23), upper);
        unsigned level = group_level;
        for (std::size_t ones = group; (ones & 1) != 0; ones >>= 1, ++level) {
            right[level] = _mm256_xor_si256(right[level], total);
            total = _mm256_xor_si256(total, waiting[level]);
        }
        if (level < max_levels) waiting[level] = total;
    }
    right[0] = right0;
    right[1] = right1;
    right[2] = right2;

    const __m128i halves = fold_halves(total);
    BlockSums sums = dword_sums(fold(halves)); // the last group's carry ran through the whole tree
    sums.positions |= parity(_mm_and_si128(halves, _mm_set_epi32(-1, 0, -1, 0))) << 5;
    sums.positions |= parity(_mm_srli_si128(halves, 8)) << 6;
    sums.positions |= parity(_mm256_extracti128_si256(total, 1)) << 7;
    for (unsigned level = 0; level < max_levels; ++level)
        sums.positions |= parity(fold_halves(right[level])) << (vector_address_bits + level);
    return sums;
}

} // namespace ntdsb::ese

#endif
