// Little-endian fields out of hostile bytes. Knows no format: the offsets are the caller's.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ntdsb::ese {

// Reads never leave the span: a field that is not wholly inside it reads as zero.
class ByteReader {
public:
    explicit ByteReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    std::uint16_t u16(std::size_t offset) const noexcept {
        return static_cast<std::uint16_t>(little_endian<2>(offset));
    }
    std::uint32_t u32(std::size_t offset) const noexcept {
        return static_cast<std::uint32_t>(little_endian<4>(offset));
    }
    std::uint64_t u64(std::size_t offset) const noexcept { return little_endian<8>(offset); }

    template <std::size_t N>
    std::array<std::byte, N> array(std::size_t offset) const noexcept {
        std::array<std::byte, N> out{};
        if (inside(offset, N))
            std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), N, out.begin());
        return out;
    }

    // The part at `offset`; empty when it is not wholly inside.
    std::span<const std::byte> part(std::size_t offset, std::size_t size) const noexcept {
        return inside(offset, size) ? bytes_.subspan(offset, size) : std::span<const std::byte>{};
    }

private:
    bool inside(std::size_t offset, std::size_t size) const noexcept {
        return offset <= bytes_.size() && size <= bytes_.size() - offset;
    }

    template <std::size_t N>
    std::uint64_t little_endian(std::size_t offset) const noexcept {
        const auto raw = array<N>(offset);
        std::uint64_t value = 0;
        for (std::size_t i = N; i-- > 0;)
            value = value << 8 | std::to_integer<std::uint64_t>(raw[i]);
        return value;
    }

    std::span<const std::byte> bytes_;
};

} // namespace ntdsb::ese
