// The client's side of an association (client_association.h).
#include "rpc/client_association.h"

#include "core/text.h"
#include "rpc/fault_status.h"

#include <algorithm>
#include <array>

namespace ntdsb::rpc {

namespace {

constexpr std::uint16_t only_context = 0;

std::string reject_reason(const ContextResult& result) {
    if (result.reason == reason_abstract_syntax) return "it does not offer this interface";
    if (result.reason == reason_transfer_syntaxes) return "it does not speak NDR 2.0";
    return text("its reason is ", result.reason);
}

} // namespace

Result<std::unique_ptr<ClientAssociation>> ClientAssociation::bind(std::unique_ptr<Stream> stream,
                                                                   const SyntaxId& interface_of,
                                                                   std::uint16_t longest) {
    std::unique_ptr<ClientAssociation> association(
        new ClientAssociation(std::move(stream), longest));
    NTDSB_CHECK(association->negotiate(interface_of));
    return association;
}

Result<void> ClientAssociation::negotiate(const SyntaxId& interface_of) {
    const auto most = static_cast<std::uint16_t>(longest_);
    const Bytes asked = encode({PduType::bind, only_fragment, last_call_},
                               Bind{most, most, 0, {{only_context, interface_of, {ndr_syntax}}}});
    if (auto sent = stream_->write(asked); !sent) return lost(sent.error());
    const auto frame = next_frame();
    if (!frame) return lost(frame.error());
    const PduType type = frame.value().header.type;
    const auto body = rest_of(frame.value());
    if (!body) return lost(body.error());
    if (type == PduType::bind_nak) {
        const auto nak = decode_bind_nak(body.value());
        return fail(hrCouldNotConnect, "the server refuses the association, reason ",
                    nak ? static_cast<unsigned>(nak.value().reason) : 0u);
    }
    if (type != PduType::bind_ack)
        return lost(fail(RPC_S_PROTOCOL_ERROR, "a bind is not answered with a fragment of type ",
                         static_cast<unsigned>(type)));
    const auto ack = decode_bind_ack(body.value());
    if (!ack) return lost(ack.error());
    if (ack.value().results.size() != 1)
        return lost(
            fail(RPC_S_PROTOCOL_ERROR, "one context has ", ack.value().results.size(), " results"));
    const ContextResult& result = ack.value().results.front();
    if (result.outcome != ContextOutcome::accepted || result.transfer != ndr_syntax)
        return fail(hrCouldNotConnect, "the server refuses the interface: ", reject_reason(result));
    max_transmit_ = std::clamp<std::size_t>(ack.value().max_receive, must_receive_size, longest_);
    return ok();
}

Result<void> ClientAssociation::call(std::uint16_t opnum, std::span<const std::byte> request,
                                     wire::ReplySink& reply) {
    if (broken_) return fail(hrCommunicationError, "the connection was lost in an earlier call");
    cancel_wanted_ = false;
    ++last_call_;
    auto outcome = send_request(opnum, request);
    if (outcome) outcome = receive_reply(reply);
    sent_ = 0;
    return outcome;
}

Result<void> ClientAssociation::send_request(std::uint16_t opnum, std::span<const std::byte> stub) {
    const std::lock_guard lock(sending_);
    const std::size_t most = (max_transmit_ - header_size - request_size) / 8 * 8;
    std::uint8_t flags = first_fragment;
    do {
        const auto part = stub.first(std::min(stub.size(), most));
        const auto left = static_cast<std::uint32_t>(stub.size());
        stub = stub.subspan(part.size());
        if (stub.empty()) flags |= last_fragment;
        const Bytes fragment = encode({PduType::request, flags, last_call_},
                                      Request{left, only_context, opnum, std::nullopt}, part);
        if (auto sent = stream_->write(fragment); !sent) return lost(sent.error());
        flags = 0;
    } while (!stub.empty());
    sent_ = last_call_;
    if (cancel_wanted_.exchange(false)) {
        const Bytes cancelled = encode({PduType::co_cancel, only_fragment, last_call_});
        if (auto sent = stream_->write(cancelled); !sent) return lost(sent.error());
    }
    return ok();
}

void ClientAssociation::cancel() noexcept {
    cancel_wanted_ = true;
    const std::unique_lock lock(sending_, std::try_to_lock);
    if (!lock) return; // the request is on its way, and its thread looks at cancel_wanted_ next
    const std::uint32_t id = sent_;
    if (id == 0 || !cancel_wanted_.exchange(false)) return;
    try {
        // A lost connection shows itself where the answer is read.
        (void)stream_->write(encode({PduType::co_cancel, only_fragment, id}));
    } catch (const std::bad_alloc&) {
        return; // the call then ends by itself
    }
}

// --- receiving

Result<void> ClientAssociation::receive_reply(wire::ReplySink& reply) {
    bool first = true;
    for (;;) {
        const auto frame = next_frame();
        if (!frame) return lost(frame.error());
        const Header& header = frame.value().header;
        if ((header.call_id != last_call_ && header.call_id != bind_call) ||
            (header.type != PduType::response && header.type != PduType::fault))
            return lost(fail(RPC_S_PROTOCOL_ERROR, "call ", last_call_,
                             " is not answered with a fragment of type ",
                             static_cast<unsigned>(header.type), " of call ", header.call_id));
        if (header.type == PduType::fault) {
            auto body = rest_of(frame.value());
            if (!body) return lost(body.error());
            const auto fault = decode_fault(body.value());
            if (!fault) return lost(fault.error());
            return fail(code_of_fault(fault.value().status), "the server answers with the fault ",
                        hex(std::uint64_t{fault.value().status}));
        }
        if (first != ((header.flags & first_fragment) != 0))
            return lost(fail(RPC_S_PROTOCOL_ERROR, "the reply's fragments are out of order"));
        first = false;
        std::array<std::byte, response_size> fixed;
        if (frame.value().length < header_size + fixed.size())
            return lost(
                fail(RPC_S_PROTOCOL_ERROR, "a response of ", frame.value().length, " octets"));
        const std::size_t stub = frame.value().length - header_size - fixed.size();
        if (auto read = stream_->read(fixed); !read) return lost(read.error());
        if (auto read = receive_stub(stub, reply); !read) return lost(read.error());
        if (header.flags & last_fragment) return ok();
    }
}

Result<void> ClientAssociation::receive_stub(std::size_t size, wire::ReplySink& reply) {
    while (size > 0) {
        const auto memory = reply.lend(size);
        if (memory.empty())
            return fail(RPC_X_BAD_STUB_DATA, "the reply is longer than its operation allows");
        NTDSB_CHECK(stream_->read(memory));
        reply.commit(memory.size());
        size -= memory.size();
    }
    return ok();
}

Result<Frame> ClientAssociation::next_frame() {
    std::array<std::byte, header_size> raw;
    NTDSB_CHECK(stream_->read(raw));
    NTDSB_TRY(const auto frame, decode_frame(raw, longest_));
    if (frame->token_size != 0)
        return fail(RPC_S_PROTOCOL_ERROR, "a protected fragment on an unprotected association");
    return *frame;
}

Result<Bytes> ClientAssociation::rest_of(const Frame& frame) {
    Bytes body(frame.length - header_size);
    NTDSB_CHECK(stream_->read(body));
    return body;
}

// What it was is said, what the caller gets is that the connection is gone.
Error ClientAssociation::lost(const Error& why) {
    broken_ = true;
    return fail(hrCommunicationError, "COM-8: the connection to the service is lost: ", why.what);
}

} // namespace ntdsb::rpc
