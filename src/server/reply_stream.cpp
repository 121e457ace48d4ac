// Replies, fragment by fragment (reply_stream.h).
#include "server/reply_stream.h"

#include <algorithm>

namespace ntdsb::server {

std::span<std::byte> ReplyStream::lend(std::size_t size) {
    if (used_ == longest_stub_ && size <= limit_ && !is_cut_) deliver(size);
    if (size > limit_ || is_cut_) return {};
    const auto part = std::min(size, longest_stub_ - used_);
    const auto end = rpc::response_stub_at + used_ + part;
    if (fragment_.size() < end) fragment_.resize(end);
    return std::span(fragment_).subspan(end - part, part);
}

void ReplyStream::commit(std::size_t size) {
    used_ += size;
    limit_ -= size;
}

// The fragment, behind which `more` octets of stub data are known to come.
void ReplyStream::deliver(std::size_t more) {
    fragment_.resize(rpc::response_stub_at + used_);
    is_cut_ = !deliver_(fragment_, static_cast<std::uint32_t>(used_ + more), more == 0);
    used_ = 0;
}

} // namespace ntdsb::server
