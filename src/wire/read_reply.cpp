// The reply of BackupRead (read_reply.h): [out, size_is(cb), length_is(*pcb)] byte data[],
// [out] unsigned long* pcb, and the status, as C706 14.3.3.5 lays them out.
#include "wire/read_reply.h"

#include "core/text.h"

#include <algorithm>

namespace ntdsb::wire {

namespace {

constexpr std::size_t head_size = 12;
constexpr std::size_t end_size = 8; // the count and the status

constexpr std::size_t padding_after(std::size_t count) { return (4 - count % 4) % 4; }

void store(std::span<std::byte> to, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) to[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

std::uint32_t load(std::span<const std::byte> from) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(from[i]) << (8 * i);
    return value;
}

} // namespace

Result<void> ReadReplyWriter::begin(std::uint32_t max_count, std::uint32_t count) {
    count_ = count;
    done_ = 0;
    std::array<std::byte, head_size> head{};
    store(std::span(head).first(4), max_count);
    store(std::span(head).subspan(8), count);
    return sink_.write(head);
}

std::span<std::byte> ReadReplyWriter::lend(std::size_t size) {
    const auto part = std::min<std::size_t>(size, count_ - done_);
    if (part == 0) return {};
    return sink_.lend(part);
}

void ReadReplyWriter::commit(std::size_t size) {
    const auto part = std::min<std::size_t>(size, count_ - done_);
    sink_.commit(part);
    done_ += static_cast<std::uint32_t>(part);
}

Result<void> ReadReplyWriter::finish(Code status) {
    while (done_ < count_) {
        const auto memory = lend(count_ - done_);
        if (memory.empty()) {
            return fail(RPC_X_BAD_STUB_DATA, "the receiver of a read takes ", done_, " bytes, not ",
                        count_);
        }
        std::fill(memory.begin(), memory.end(), std::byte{});
        commit(memory.size());
    }
    const auto padding = padding_after(count_);
    std::array<std::byte, 3 + end_size> tail{};
    store(std::span(tail).subspan(padding, 4), status == 0 ? count_ : 0);
    store(std::span(tail).subspan(padding + 4, 4), static_cast<std::uint32_t>(status));
    return sink_.write(std::span(tail).first(padding + end_size));
}

std::uint32_t ReadReplySink::max_count() const { return load(std::span(head_).first(4)); }

std::uint32_t ReadReplySink::offset() const { return load(std::span(head_).subspan(4, 4)); }

std::uint32_t ReadReplySink::count() const { return load(std::span(head_).subspan(8, 4)); }

Result<void> ReadReplySink::check_head() const {
    if (offset() != 0 || max_count() > max_read_bytes || count() > max_count()) {
        return fail(RPC_X_BAD_STUB_DATA, "malformed reply to a read: maximum ", max_count(),
                    ", offset ", offset(), ", count ", count());
    }
    if (count() > buffer_.size()) {
        return fail(RPC_X_BAD_STUB_DATA, "the reply to a read of ", buffer_.size(), " bytes holds ",
                    count());
    }
    return ok();
}

std::span<std::byte> ReadReplySink::next() {
    auto at = received_;
    if (at < head_size) return std::span(head_).subspan(at);
    if (!check_head()) return {};
    at -= head_size;
    if (at < count()) return buffer_.first(count()).subspan(at);
    at -= count();
    return std::span(tail_).first(padding_after(count()) + end_size).subspan(at);
}

std::span<std::byte> ReadReplySink::lend(std::size_t size) {
    const auto memory = next();
    if (memory.empty() && size != 0) overrun_ = true;
    return memory.first(std::min(size, memory.size()));
}

void ReadReplySink::commit(std::size_t size) { received_ += std::min(size, next().size()); }

Result<ReadReplySink::Outcome> ReadReplySink::outcome() const {
    if (received_ < head_size) {
        return fail(RPC_X_BAD_STUB_DATA, "the reply to a read ends after ", received_, " bytes");
    }
    NTDSB_CHECK(check_head());
    const auto padding = padding_after(count());
    const auto expected = head_size + count() + padding + end_size;
    if (received_ < expected || overrun_) {
        return fail(RPC_X_BAD_STUB_DATA, "the reply to a read of ", count(), " bytes is ",
                    overrun_ ? "longer" : "shorter", " than the ", expected, " bytes it takes");
    }
    const auto told = load(std::span(tail_).subspan(padding, 4));
    const auto status = static_cast<Code>(load(std::span(tail_).subspan(padding + 4, 4)));
    if (told != (status == 0 ? count() : 0)) {
        return fail(RPC_X_BAD_STUB_DATA, "the reply to a read holds ", count(), " bytes, tells of ",
                    told, ", and has the status ", hex(status));
    }
    return Outcome{told, status};
}

} // namespace ntdsb::wire
