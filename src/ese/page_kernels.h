// The one inner loop of the page checksums, in the forms that processors offer. Knows blocks of
// bytes, not pages; page_checksum.cpp picks a form at run time, and the tests hold each form
// against the scalar one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define NTDSB_ESE_X86 1
#else
#define NTDSB_ESE_X86 0
#endif

// A function that uses instructions beyond the build's baseline. GCC and Clang must be told; MSVC
// needs nothing. 32-bit callers may hand over a stack that is aligned to 4 bytes only, and spilled
// vectors need more.
#if defined(__GNUC__) && defined(__i386__)
#define NTDSB_ESE_TARGET(name) __attribute__((target(name), force_align_arg_pointer))
#elif defined(__GNUC__)
#define NTDSB_ESE_TARGET(name) __attribute__((target(name)))
#else
#define NTDSB_ESE_TARGET(name)
#endif

namespace ntdsb::ese {

// What both checksums of a block are made of. Both parts are linear: those of a block are the XOR
// of those of its parts.
struct BlockSums {
    std::uint32_t dwords = 0;    // XOR of the dwords
    std::uint32_t positions = 0; // XOR of the bit addresses of all set bits
    bool operator==(const BlockSums&) const = default;
};

// `block.size()` is a power of two from 2 to 8 KiB; no alignment is asked for.
using BlockKernel = BlockSums (*)(std::span<const std::byte> block) noexcept;

BlockSums block_sums_scalar(std::span<const std::byte> block) noexcept;
#if NTDSB_ESE_X86
BlockSums block_sums_sse2(std::span<const std::byte> block) noexcept;
BlockSums block_sums_avx2(std::span<const std::byte> block) noexcept;
bool processor_has_sse2() noexcept;
bool processor_has_avx2() noexcept;
#endif

// Whether the number of set bits is odd. Not std::popcount, which the baseline has no instruction
// for.
constexpr std::uint32_t parity(std::uint32_t dword) noexcept {
    dword ^= dword >> 16;
    dword ^= dword >> 8;
    dword ^= dword >> 4;
    return 0x6996u >> (dword & 15) & 1;
}

// The sums of one dword at bit address 0.
BlockSums dword_sums(std::uint32_t dword) noexcept;

// Those of a few: of a vector.
template <std::size_t N>
BlockSums vector_sums(const std::uint32_t (&dwords)[N]) noexcept {
    std::uint32_t all = 0, places = 0;
    for (std::uint32_t i = 0; i < N; ++i) {
        all ^= dwords[i];
        places ^= parity(dwords[i]) * i;
    }
    BlockSums sums = dword_sums(all);
    sums.positions |= places << 5; // a dword has 32 bits
    return sums;
}

// The fastest form that this processor runs.
BlockKernel best_block_kernel() noexcept;

} // namespace ntdsb::ese
