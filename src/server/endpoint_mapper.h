// The endpoint mapper's questions (C706 appendix O): which interfaces are here, and at which port.
// It tells of this server alone and keeps nothing between calls. Knows no socket.
#pragma once

#include "core/result.h"
#include "wire/operations.h"

#include <array>
#include <cstdint>
#include <span>

namespace ntdsb::server {

// Where the asker has reached this server, and will again. The address is zero where it is not of
// IPv4: towers have no other. Port 0: not over TCP, and then nothing is listed.
struct Endpoint {
    std::array<std::uint8_t, 4> address{};
    std::uint16_t port = 0;
};

// The reply, or an error that is told as a fault.
Result<wire::Bytes> endpoint_mapper_call(std::uint16_t opnum, std::span<const std::byte> request,
                                         const Endpoint& here);

} // namespace ntdsb::server
