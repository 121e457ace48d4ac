// The reply of BackupRead, whose bytes go between file or socket and the caller's buffer without a
// copy of their own: the service writes it with ReadReplyWriter, the client receives it with
// ReadReplySink. The layout is that of operations.h, BackupRead.
#pragma once

#include "wire/operations.h"
#include "wire/reply_sink.h"

namespace ntdsb::wire {

// Service side. The count is fixed before the bytes are read (the file's size is known); a read
// that then fails leaves zeros and a status.
class ReadReplyWriter {
public:
    explicit ReadReplyWriter(ReplySink& sink) : sink_(sink) {}
    // Begins a reply of `count` bytes of at most `max_count`.
    Result<void> begin(std::uint32_t max_count, std::uint32_t count);
    // Memory for the next bytes, as ReplySink::lend; never beyond `count`.
    std::span<std::byte> lend(std::size_t size);
    void commit(std::size_t size);
    // Pads what is missing of `count` with zeros, then writes padding, the count (0 if `status` is
    // not 0) and the status.
    Result<void> finish(Code status);

private:
    ReplySink& sink_;
    std::uint32_t count_ = 0;
    std::uint32_t done_ = 0;
};

// Client side: lends `buffer` to the bytes.
class ReadReplySink final : public ReplySink {
public:
    explicit ReadReplySink(std::span<std::byte> buffer) : buffer_(buffer) {}
    std::span<std::byte> lend(std::size_t size) override;
    void commit(std::size_t size) override;

    struct Outcome {
        std::uint32_t count = 0;
        Code status = 0;
    };
    // After the reply has ended: RPC_X_BAD_STUB_DATA if it was not well-formed or did not fit the
    // buffer.
    Result<Outcome> outcome() const;

private:
    // Where the next bytes go: the rest of the part of the reply that `received_` has reached.
    // Empty after the end, and where the head is not one that fits.
    std::span<std::byte> next();
    std::uint32_t max_count() const;
    std::uint32_t offset() const;
    std::uint32_t count() const;
    Result<void> check_head() const;

    std::span<std::byte> buffer_;
    std::array<std::byte, 12> head_{}; // max count, offset, count
    std::array<std::byte, 16> tail_{}; // up to 3 of padding, then count and status
    std::size_t received_ = 0;
    bool overrun_ = false;
};

} // namespace ntdsb::wire
