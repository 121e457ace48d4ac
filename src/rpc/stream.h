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
    // The same where the system takes them at once; else an error, which breaks the stream only if
    // some were taken. For streams that may wait.
    virtual Result<void> write_at_once(std::span<const std::byte> octets) { return write(octets); }
    // Fills `into`; the peer's hanging up before that is an error.
    virtual Result<void> read(std::span<std::byte> into) = 0;
};

} // namespace ntdsb::rpc
