// What an association's octets travel over: a connected socket, or a test's.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <span>

namespace ntdsb::rpc {

// One thread may read while another writes. After an error the stream is broken for good.
class Stream {
public:
    virtual ~Stream() = default;
    // All of `octets`, or an error.
    virtual Result<void> write(std::span<const std::byte> octets) = 0;
    // Fills `into`; the peer's hanging up before that is an error.
    virtual Result<void> read(std::span<std::byte> into) = 0;
};

} // namespace ntdsb::rpc
