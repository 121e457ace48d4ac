// Little-endian numbers and the checksum of what this service writes to disk or hands out:
// registration record, expiry token. Reading is ese::ByteReader's.
#pragma once

#include "wire/operations.h"

#include <boost/crc.hpp>

#include <span>

namespace ntdsb::service {

template <class Number>
void append_number(wire::Bytes& to, Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        to.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

inline std::uint32_t crc32(std::span<const std::byte> bytes) {
    boost::crc_32_type sum;
    sum.process_bytes(bytes.data(), bytes.size());
    return sum.checksum();
}

} // namespace ntdsb::service
