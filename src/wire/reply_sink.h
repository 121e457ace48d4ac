// Where a reply's stub data goes, in order, as it is produced. Lets the bulk bytes of DsBackupRead
// travel from the file (embedded) or the socket (rpc) straight into the caller's buffer (design
// decision 5). Knows no operation.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <span>
#include <vector>

namespace ntdsb::wire {

class ReplySink {
public:
    virtual ~ReplySink() = default;
    // Memory for the next bytes of the reply: at most `size` bytes, at least one; less than `size`
    // only where the reply's own layout has a boundary. Empty: the reply is longer than the sink
    // takes. Valid until the next call on the sink.
    virtual std::span<std::byte> lend(std::size_t size) = 0;
    // The first `size` bytes of the memory lent last are part of the reply now.
    virtual void commit(std::size_t size) = 0;

    // Appends a copy of `bytes`; RPC_X_BAD_STUB_DATA when the sink takes no more.
    Result<void> write(std::span<const std::byte> bytes);
};

// Collects a whole reply in memory, up to a limit.
class BufferSink final : public ReplySink {
public:
    explicit BufferSink(std::size_t limit) : limit_(limit) {}
    std::span<std::byte> lend(std::size_t size) override;
    void commit(std::size_t size) override;
    std::span<const std::byte> bytes() const { return std::span(buffer_).first(used_); }

private:
    std::size_t limit_;
    std::size_t used_ = 0;
    std::vector<std::byte> buffer_;
};

} // namespace ntdsb::wire
