// ReplySink's one shared way to write, and the sink that collects in memory.
#include "wire/reply_sink.h"

#include <algorithm>

namespace ntdsb::wire {

Result<void> ReplySink::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto memory = lend(bytes.size());
        if (memory.empty()) {
            return fail(RPC_X_BAD_STUB_DATA,
                        "the reply is longer than its receiver takes: ", bytes.size(),
                        " bytes were left to write");
        }
        const auto part = std::min(memory.size(), bytes.size());
        std::copy_n(bytes.begin(), part, memory.begin());
        commit(part);
        bytes = bytes.subspan(part);
    }
    return ok();
}

std::span<std::byte> BufferSink::lend(std::size_t size) {
    if (size > limit_ - used_) return {};
    if (size > buffer_.size() - used_) buffer_.resize(used_ + size);
    return std::span(buffer_).subspan(used_, size);
}

void BufferSink::commit(std::size_t size) { used_ += std::min(size, buffer_.size() - used_); }

} // namespace ntdsb::wire
