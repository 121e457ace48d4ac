// The management interface (C706 appendix Q), which every RPC server offers: which interfaces there
// are, whether it listens, how much it has done. It changes nothing. Knows no socket.
#pragma once

#include "core/result.h"
#include "wire/operations.h"

#include <cstdint>
#include <span>

namespace ntdsb::server {

struct Statistics {
    std::uint32_t calls_in = 0;
    std::uint32_t fragments_in = 0;
    std::uint32_t fragments_out = 0;
};

// The reply, or an error that is told as a fault.
Result<wire::Bytes> management_call(std::uint16_t opnum, std::span<const std::byte> request,
                                    const Statistics& statistics);

} // namespace ntdsb::server
