// Header and page checksums by the format facts: what is summed up, and against what it is held.
// The summing itself is in the kernels.
#include "ese/page_checksum.h"

#include "ese/bytes.h"
#include "ese/page_kernels.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace ntdsb::ese {
namespace {

constexpr std::uint32_t checksum_seed = 0x89ABCDEF;
constexpr std::uint32_t flag_new_checksum = 0x2000;
constexpr std::size_t flags_offset = 36;
constexpr std::size_t one_block_limit = 8192; // larger pages have four blocks
constexpr std::array<std::size_t, 4> stored_at{0, 40, 48, 56};

// The stored form: low dword = XOR of the dwords and the page number; high dword = positions, and
// above them the XOR of the inverted positions. Inverting every address flips each result bit once
// per set bit, so the parity of the set bits decides.
std::uint64_t stored_form(BlockSums sums, std::size_t block_size,
                          std::uint32_t page_number) noexcept {
    const auto mask = static_cast<std::uint32_t>(block_size * 8 - 1);
    const std::uint32_t inverted = sums.positions ^ (parity(sums.dwords) * mask);
    const std::uint32_t high = (inverted & 0xFFFF) << 16 | (sums.positions & 0xFFFF);
    return std::uint64_t{high} << 32 | (sums.dwords ^ page_number);
}

// The checksum's own eight bytes count as zero; both sums being linear, their share is taken out
// afterwards.
BlockSums without_first_eight_bytes(BlockSums sums, const ByteReader& block) noexcept {
    const std::uint32_t first = block.u32(0), second = block.u32(4);
    sums.dwords ^= first ^ second;
    sums.positions ^= dword_sums(first ^ second).positions;
    sums.positions ^= parity(second) * 32; // its bits lie 32 further on
    return sums;
}

std::optional<ChecksumFault> new_checksum_fault(std::span<const std::byte> page,
                                                std::uint32_t page_number,
                                                BlockKernel kernel) noexcept {
    const std::size_t blocks = page.size() > one_block_limit ? stored_at.size() : 1;
    const std::size_t block_size = page.size() / blocks;
    const ByteReader reader(page);
    for (std::size_t i = 0; i < blocks; ++i) {
        const auto block = page.subspan(i * block_size, block_size);
        BlockSums sums = kernel(block);
        if (i == 0) sums = without_first_eight_bytes(sums, ByteReader(block));
        const std::uint64_t stored = reader.u64(stored_at[i]);
        const std::uint64_t computed = stored_form(sums, block_size, page_number);
        if (stored != computed) return ChecksumFault{stored_at[i], stored, computed};
    }
    return std::nullopt;
}

// In blocks that the kernel takes: XOR does not care for the order.
std::uint32_t legacy_checksum(std::span<const std::byte> page, BlockKernel kernel) noexcept {
    std::uint32_t sum = checksum_seed ^ ByteReader(page).u32(0);
    for (std::size_t at = 0; at < page.size(); at += one_block_limit)
        sum ^= kernel(page.subspan(at, std::min(one_block_limit, page.size()))).dwords;
    return sum;
}

std::optional<ChecksumFault> legacy_checksum_fault(std::span<const std::byte> page,
                                                   std::uint32_t page_number,
                                                   BlockKernel kernel) noexcept {
    const ByteReader reader(page);
    const std::uint32_t computed = legacy_checksum(page, kernel);
    if (reader.u32(0) != computed) return ChecksumFault{0, reader.u32(0), computed};
    if (reader.u32(4) != page_number) return ChecksumFault{4, reader.u32(4), page_number};
    return std::nullopt;
}

std::optional<ChecksumFault> checksum_fault(std::span<const std::byte> page,
                                            std::uint32_t page_number) noexcept {
    const bool is_new = (ByteReader(page).u32(flags_offset) & flag_new_checksum) != 0;
    const BlockKernel kernel = best_block_kernel();
    return is_new ? new_checksum_fault(page, page_number, kernel)
                  : legacy_checksum_fault(page, page_number, kernel);
}

bool is_unused(std::span<const std::byte> page) noexcept {
    std::uint64_t any = 0;
    for (std::size_t at = 0; at < page.size() && any == 0; at += sizeof any)
        std::memcpy(&any, page.data() + at, sizeof any);
    return any == 0;
}

} // namespace

bool page_is_sound(std::span<const std::byte> page, std::uint32_t page_number) noexcept {
    return !checksum_fault(page, page_number) || is_unused(page);
}

ChecksumFault find_checksum_fault(std::span<const std::byte> page,
                                  std::uint32_t page_number) noexcept {
    return checksum_fault(page, page_number).value_or(ChecksumFault{});
}

std::uint32_t header_checksum(std::span<const std::byte> header) noexcept {
    const ByteReader reader(header);
    std::uint32_t sum = checksum_seed;
    for (std::size_t offset = 4; offset + 4 <= header.size(); offset += 4)
        sum ^= reader.u32(offset);
    return sum;
}

} // namespace ntdsb::ese
