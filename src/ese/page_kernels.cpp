// The kernel that every processor runs, which is the reference for the others, and the choice
// between them.
#include "ese/page_kernels.h"

#include "ese/bytes.h"

#if NTDSB_ESE_X86 && defined(_MSC_VER) && !defined(__clang__)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace ntdsb::ese {

// Bit k of the positions is the parity of the set bits whose address has bit k: of the upper half,
// and then, both halves folded into one, of that one's upper half, and so on.
BlockSums dword_sums(std::uint32_t dword) noexcept {
    const std::uint32_t fold16 = (dword ^ dword >> 16) & 0xFFFF;
    const std::uint32_t fold8 = (fold16 ^ fold16 >> 8) & 0xFF;
    const std::uint32_t fold4 = (fold8 ^ fold8 >> 4) & 0xF;
    const std::uint32_t fold2 = fold4 ^ fold4 >> 2;
    return {dword, parity(dword >> 16) << 4 | parity(fold16 >> 8) << 3 | parity(fold8 >> 4) << 2 |
                       parity(fold4 >> 2) << 1 | (fold2 >> 1 & 1)};
}

BlockSums block_sums_scalar(std::span<const std::byte> block) noexcept {
    const ByteReader reader(block);
    BlockSums sums;
    for (std::size_t offset = 0; offset < block.size(); offset += 4) {
        const std::uint32_t dword = reader.u32(offset);
        sums.dwords ^= dword;
        // The addresses' upper parts are the same for all bits of the dword and cancel out in
        // pairs.
        if (parity(dword) != 0) sums.positions ^= static_cast<std::uint32_t>(offset * 8);
    }
    sums.positions ^= dword_sums(sums.dwords).positions;
    return sums;
}

#if NTDSB_ESE_X86
#if defined(_MSC_VER) && !defined(__clang__)
bool processor_has_sse2() noexcept {
    int leaf[4]{};
    __cpuid(leaf, 1);
    return (leaf[3] & 1 << 26) != 0;
}
bool processor_has_avx2() noexcept {
    int leaf[4]{};
    __cpuid(leaf, 0);
    if (leaf[0] < 7) return false;
    __cpuid(leaf, 1);
    const bool system_saves_ymm = (leaf[2] & 1 << 27) != 0 && (_xgetbv(0) & 6) == 6;
    __cpuidex(leaf, 7, 0);
    return system_saves_ymm && (leaf[1] & 1 << 5) != 0;
}
#else
bool processor_has_sse2() noexcept {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse2") != 0;
}
bool processor_has_avx2() noexcept {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0;
}
#endif
#endif

BlockKernel best_block_kernel() noexcept {
    static const BlockKernel best = []() noexcept -> BlockKernel {
#if NTDSB_ESE_X86
        if (processor_has_avx2()) return block_sums_avx2;
        if (processor_has_sse2()) return block_sums_sse2;
#endif
        return block_sums_scalar;
    }();
    return best;
}

} // namespace ntdsb::ese
