// A call's reply on its way to the client: stub data fills one fragment after the other, and each is
// handed on as soon as more comes behind it, so that the client takes the first while the operation
// makes the next. Knows neither association nor socket.
#pragma once

#include "rpc/pdu.h"
#include "wire/reply_sink.h"

#include <functional>

namespace ntdsb::server {

class ReplyStream final : public wire::ReplySink {
public:
    // Takes the next fragment, as rpc::ServerAssociation::answer does; the memory may be used again.
    // False: nothing more may come, and nothing more is lent.
    using Deliver = std::function<bool(rpc::Bytes& fragment, std::uint32_t left, bool last)>;

    // A fragment holds at most `longest_stub` octets of the reply, which has at most `limit`.
    ReplyStream(std::size_t longest_stub, std::size_t limit, Deliver deliver)
        : longest_stub_(longest_stub), limit_(limit), deliver_(std::move(deliver)) {}

    std::span<std::byte> lend(std::size_t size) override;
    void commit(std::size_t size) override;
    // The reply is whole.
    void finish() { deliver(0); }
    // Whether it was kept from becoming whole by `Deliver`.
    bool is_cut() const { return is_cut_; }

private:
    void deliver(std::size_t more);

    const std::size_t longest_stub_;
    std::size_t limit_; // what may still be lent
    Deliver deliver_;
    rpc::Bytes fragment_; // room for its header, then stub data
    std::size_t used_ = 0;
    bool is_cut_ = false;
};

} // namespace ntdsb::server
