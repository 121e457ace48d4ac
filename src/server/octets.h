// Reads and writes the NDR (C706 chapter 14, little-endian) of the two standard interfaces that the
// server answers itself. Reading never passes the end: after the first thing that is wrong all
// values are zero, and `finish` tells. Knows no interface.
#pragma once

#include "core/result.h"
#include "wire/operations.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace ntdsb::server {

class OctetReader {
public:
    explicit OctetReader(std::span<const std::byte> octets) : octets_(octets) {}

    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2, 2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4, 4)); }
    // Unaligned, as protocol towers have it.
    std::uint16_t packed_u16() { return static_cast<std::uint16_t>(number(2, 1)); }
    wire::Uuid uuid(std::size_t alignment) {
        wire::Uuid uuid{};
        const auto raw = take(uuid.size(), alignment);
        for (std::size_t i = 0; i < raw.size(); ++i)
            uuid[i] = std::to_integer<std::uint8_t>(raw[i]);
        return uuid;
    }
    // Exactly `size` octets, or none after a failure.
    std::span<const std::byte> take(std::size_t size, std::size_t alignment) {
        const std::size_t begin = (at_ + alignment - 1) / alignment * alignment;
        if (failed_ || begin > octets_.size() || size > octets_.size() - begin) {
            failed_ = true;
            return {};
        }
        at_ = begin + size;
        return octets_.subspan(begin, size);
    }
    void refuse() { failed_ = true; }
    bool failed() const { return failed_; }
    // RPC_X_BAD_STUB_DATA if anything was wrong. Octets left over are not: clients pad.
    Result<void> finish(std::string_view what) const {
        if (failed_) return fail(RPC_X_BAD_STUB_DATA, "the request of ", what, " makes no sense");
        return ok();
    }

private:
    std::uint64_t number(std::size_t size, std::size_t alignment) {
        std::uint64_t value = 0;
        const auto raw = take(size, alignment);
        for (std::size_t i = raw.size(); i > 0; --i)
            value = value << 8 | std::to_integer<std::uint64_t>(raw[i - 1]);
        return value;
    }

    std::span<const std::byte> octets_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

class OctetWriter {
public:
    void u16(std::uint16_t value) { number(value, 2, 2); }
    void u32(std::uint32_t value) { number(value, 4, 4); }
    void packed_u16(std::uint16_t value) { number(value, 2, 1); }
    void packed_u8(std::uint8_t value) { number(value, 1, 1); }
    void uuid(const wire::Uuid& uuid) {
        for (const std::uint8_t octet : uuid) packed_u8(octet);
    }
    // A pointer that is not null; what it points to is written by the caller.
    void referent() { u32(referents_ += 4); }
    void octets(std::span<const std::byte> octets) {
        octets_.insert(octets_.end(), octets.begin(), octets.end());
    }
    void characters(std::string_view characters) {
        for (const char c : characters) packed_u8(static_cast<std::uint8_t>(c));
    }
    void align(std::size_t alignment) {
        octets_.resize((octets_.size() + alignment - 1) / alignment * alignment);
    }
    std::size_t size() const { return octets_.size(); }
    wire::Bytes take() { return std::move(octets_); }

private:
    void number(std::uint64_t value, std::size_t size, std::size_t alignment) {
        align(alignment);
        for (std::size_t i = 0; i < size; ++i, value >>= 8)
            octets_.push_back(static_cast<std::byte>(value & 0xff));
    }

    wire::Bytes octets_;
    std::uint32_t referents_ = 0x20000;
};

} // namespace ntdsb::server
