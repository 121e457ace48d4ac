// The checksums of database pages: the new ECC form and the legacy XOR (ese-format facts in def/
// and tests). Pure computation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ntdsb::ese {

// Whether the page's stored checksum is the one computed; a page of zeros is unused and sound.
// `page_number` = offset / page size - 1 (the two header pages are not given to this function).
// page.size() is 2, 4, 8, 16 or 32 KiB.
bool page_is_sound(std::span<const std::byte> page, std::uint32_t page_number) noexcept;

// What is wrong with a page that is not sound: where in it, what is there, what the page's content
// makes. The page number of a legacy page counts as a checksum.
struct ChecksumFault {
    std::size_t offset = 0;
    std::uint64_t found = 0, expected = 0;
};
ChecksumFault find_checksum_fault(std::span<const std::byte> page,
                                  std::uint32_t page_number) noexcept;

// XOR of all dwords but the first, seeded 0x89ABCDEF: the checksum of every header.
std::uint32_t header_checksum(std::span<const std::byte> header) noexcept;

} // namespace ntdsb::ese
