// The client's side of an association (client_association.h).
#include "rpc/client_association.h"

#include "core/text.h"
#include "rpc/fault_status.h"
#include "rpc/verification_trailer.h"

#include <algorithm>
#include <array>

namespace ntdsb::rpc {

namespace {

constexpr std::uint16_t only_context = 0;
constexpr std::uint32_t only_security_context = 1;

std::string reject_reason(const ContextResult& result) {
    if (result.reason == reason_abstract_syntax) return "it does not offer this interface";
    if (result.reason == reason_transfer_syntaxes) return "it does not speak NDR 2.0";
    return text("its reason is ", result.reason);
}

Error nak_error(BindRejection reason) {
    switch (reason) {
    case BindRejection::invalid_checksum:
        return fail(ERROR_ACCESS_DENIED, "the server refuses the credentials");
    case BindRejection::authentication_type:
        return fail(hrCouldNotConnect, "the server does not take this kind of authentication, or "
                                       "not at this level of protection");
    default:
        return fail(hrCouldNotConnect, "the server refuses the association, reason ",
                    static_cast<unsigned>(reason));
    }
}

} // namespace

Result<std::unique_ptr<ClientAssociation>>
ClientAssociation::bind(std::unique_ptr<Stream> stream, const SyntaxId& interface_of,
                        std::uint16_t longest, std::optional<ClientSecurity> security) {
    std::unique_ptr<ClientAssociation> association(
        new ClientAssociation(std::move(stream), longest, interface_of, std::move(security)));
    NTDSB_CHECK(association->negotiate());
    return association;
}

Result<void> ClientAssociation::negotiate() {
    Bytes token;
    if (security_) {
        NTDSB_TRY(token, security_->context->step({}));
    }
    NTDSB_TRY(const Fragment answer, offer(PduType::bind, PduType::bind_ack, token));
    const auto ack = decode_bind_ack(answer.body);
    if (!ack) return lost(ack.error());
    if (ack.value().results.size() != 1)
        return lost(
            fail(RPC_S_PROTOCOL_ERROR, "one context has ", ack.value().results.size(), " results"));
    const ContextResult& result = ack.value().results.front();
    if (result.outcome != ContextOutcome::accepted || result.transfer != ndr_syntax)
        return fail(hrCouldNotConnect, "the server refuses the interface: ", reject_reason(result));
    max_transmit_ = std::clamp<std::size_t>(ack.value().max_receive, must_receive_size, longest_);
    if (!security_) return ok();
    const bool signs_headers = (answer.header.flags & support_header_sign) != 0;
    NTDSB_CHECK(authenticate(answer.token));
    NTDSB_CHECK(security_->context->sign_headers(signs_headers));
    return ok();
}

// Sends a bind or alter_context with this token, and gives what it is answered with, if that is an
// `answer`.
Result<Fragment> ClientAssociation::offer(PduType type, PduType answer, const Bytes& token) {
    const auto most = static_cast<std::uint16_t>(longest_);
    const auto flags =
        static_cast<std::uint8_t>(only_fragment | (security_ ? support_header_sign : 0));
    Bytes asked = encode({type, flags, last_call_},
                         Bind{most, most, 0, {{only_context, interface_, {ndr_syntax}}}});
    if (!token.empty()) {
        if (token.size() + asked.size() + security_trailer_size + token_alignment > longest_)
            return fail(ERROR_ACCESS_DENIED,
                        "the credentials do not fit into a fragment: ", token.size(), " octets");
        const std::size_t at =
            append_security(asked, trailer(), token.size(), header_size, token_alignment);
        std::ranges::copy(token, asked.begin() + static_cast<std::ptrdiff_t>(at));
    }
    if (auto sent = stream_->write(asked); !sent) return lost(sent.error());
    const auto frame = next_frame();
    if (!frame) return lost(frame.error());
    auto received = rest_of(frame.value());
    if (!received) return lost(received.error());
    const Fragment& fragment = received.value();
    if (fragment.header.type == answer) return received;
    if (fragment.header.type == PduType::bind_nak) {
        const auto nak = decode_bind_nak(fragment.body);
        return nak_error(nak && security_ ? nak.value().reason : BindRejection::not_specified);
    }
    if (fragment.header.type == PduType::fault && security_) {
        Error why = refused(fragment);
        if (why.code == ERROR_ACCESS_DENIED) return why;
        return lost(why);
    }
    return lost(fail(RPC_S_PROTOCOL_ERROR, "a bind is not answered with a fragment of type ",
                     static_cast<unsigned>(fragment.header.type)));
}

// The legs behind the first: while an answer is awaited in alter_context, the last in auth3
// (MS-RPCE 3.3.1.5.2).
Result<void> ClientAssociation::authenticate(std::span<const std::byte> token) {
    SecurityContext& context = *security_->context;
    for (unsigned leg = 0; leg < most_security_legs; ++leg) {
        if (token.empty()) {
            if (context.is_complete()) return ok();
            return fail(ERROR_ACCESS_DENIED, "the server does not authenticate its callers, or has "
                                             "ended the authentication early");
        }
        NTDSB_TRY(const Bytes next, context.step(token));
        if (context.is_complete()) {
            if (next.empty()) return ok();
            Bytes last = encode({PduType::auth3, only_fragment, last_call_});
            const std::size_t at = // the padding is auth3's own field, which says nothing
                append_security(last, trailer(), next.size(), header_size, token_alignment);
            std::ranges::copy(next, last.begin() + static_cast<std::ptrdiff_t>(at));
            if (auto sent = stream_->write(last); !sent) return lost(sent.error());
            return ok();
        }
        NTDSB_TRY(const Fragment answer,
                  offer(PduType::alter_context, PduType::alter_context_response, next));
        token = answer.token;
    }
    return fail(ERROR_ACCESS_DENIED, "the authentication does not come to an end");
}

SecurityTrailer ClientAssociation::trailer() const {
    return {static_cast<std::uint8_t>(security_->type), static_cast<std::uint8_t>(security_->level),
            0, only_security_context};
}

Result<void> ClientAssociation::call(std::uint16_t opnum, std::span<const std::byte> request,
                                     wire::ReplySink& reply) {
    if (broken_) return fail(hrCommunicationError, "the connection was lost in an earlier call");
    ++last_call_;
    // Not at the beginning: a cancel may be meant for the call that begins.
    has_begun_ = false;
    const auto end = [this] {
        sent_ = 0;
        cancel_wanted_ = false;
    };
    try {
        auto outcome = send_request(opnum, request);
        // It may have been wanted when send_request had looked, and not let its lock go.
        if (outcome && cancel_wanted_) cancel();
        if (outcome) outcome = receive_reply(reply);
        end();
        return outcome;
    } catch (...) { // out of memory: what was sent, or is still to come, is not known
        broken_ = has_begun_;
        end();
        throw;
    }
}

Result<void> ClientAssociation::send_request(std::uint16_t opnum, std::span<const std::byte> stub) {
    const std::lock_guard lock(sending_);
    std::size_t around = header_size + request_size;
    Bytes verified;
    if (security_) {
        around += security_trailer_size + security_->context->token_size();
        verified.assign(stub.begin(), stub.end());
        append_verification_trailer(
            verified, {last_call_, only_context, opnum, interface_, ndr_syntax, true});
        stub = verified;
    }
    const std::size_t most = (max_transmit_ - around) / stub_alignment * stub_alignment;
    std::uint8_t flags = first_fragment;
    do {
        const auto part = stub.first(std::min(stub.size(), most));
        const auto left = static_cast<std::uint32_t>(stub.size());
        stub = stub.subspan(part.size());
        if (stub.empty()) flags |= last_fragment;
        Bytes fragment = encode({PduType::request, flags, last_call_},
                                Request{left, only_context, opnum, std::nullopt}, part);
        has_begun_ = true;
        if (security_) NTDSB_CHECK(protect(fragment));
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

Result<void> ClientAssociation::protect(Bytes& fragment) {
    constexpr std::size_t stub_at = header_size + request_size;
    const std::size_t token_at =
        append_security(fragment, trailer(), security_->context->token_size(), stub_at);
    const auto all = std::span(fragment);
    const std::size_t trailer_at = token_at - security_trailer_size;
    const auto token_size =
        security_->context->protect({all.first(stub_at), all.subspan(stub_at, trailer_at - stub_at),
                                     all.subspan(trailer_at, security_trailer_size)},
                                    all.subspan(token_at));
    if (!token_size) return lost(token_size.error());
    if (token_size.value() != fragment.size() - token_at)
        shorten_token(fragment, token_size.value());
    return ok();
}

void ClientAssociation::cancel() noexcept {
    cancel_wanted_ = true;
    const std::unique_lock lock(sending_, std::try_to_lock);
    if (!lock) return; // the request is on its way, and its thread looks at cancel_wanted_ next
    const std::uint32_t id = sent_;
    if (id == 0 || !cancel_wanted_.exchange(false)) return;
    try {
        // A lost connection shows itself where the answer is read. Where the server takes nothing
        // the call ends by itself, or is abandoned.
        (void)stream_->write_at_once(encode({PduType::co_cancel, only_fragment, id}));
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
            const auto fragment = rest_of(frame.value());
            if (!fragment) return lost(fragment.error());
            if (auto fault = decode_fault(fragment.value().body); !fault)
                return lost(fault.error());
            // Never protected: nobody has proved what became of the call (AUTH-8). Before the first
            // answer nothing is at stake.
            const Error why = refused(fragment.value());
            return answered_ ? lost(why) : why;
        }
        if (first != ((header.flags & first_fragment) != 0))
            return lost(fail(RPC_S_PROTOCOL_ERROR, "the reply's fragments are out of order"));
        first = false;
        if (security_) {
            if (auto read = receive_protected_stub(frame.value(), reply); !read)
                return lost(read.error());
            answered_ = true;
            if (header.flags & last_fragment) return ok();
            continue;
        }
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

Result<void> ClientAssociation::receive_protected_stub(const Frame& frame, wire::ReplySink& reply) {
    NTDSB_TRY(const Fragment fragment, rest_of(frame));
    NTDSB_TRY(const auto response, decode_response(fragment));
    const SecurityTrailer expected = trailer();
    if (!fragment.security || fragment.security->type != expected.type ||
        fragment.security->level != expected.level ||
        fragment.security->context_id != expected.context_id)
        return fail(RPC_S_PROTOCOL_ERROR,
                    "an answer without protection, or with another, on a protected association");
    constexpr std::size_t stub_at = header_size + response_size;
    const auto all = std::span(received_);
    const std::size_t trailer_at = all.size() - fragment.token.size() - security_trailer_size;
    NTDSB_CHECK(security_->context->unprotect({all.first(stub_at),
                                               all.subspan(stub_at, trailer_at - stub_at),
                                               all.subspan(trailer_at, security_trailer_size)},
                                              fragment.token));
    for (auto stub = response.stub; !stub.empty();) { // decrypted where it lies
        const auto memory = reply.lend(stub.size());
        if (memory.empty())
            return fail(RPC_X_BAD_STUB_DATA, "the reply is longer than its operation allows");
        const auto part = stub.first(std::min(stub.size(), memory.size()));
        std::ranges::copy(part, memory.begin());
        reply.commit(part.size());
        stub = stub.subspan(part.size());
    }
    return ok();
}

Result<Frame> ClientAssociation::next_frame() {
    received_.resize(header_size);
    NTDSB_CHECK(stream_->read(received_));
    NTDSB_TRY(const auto frame, decode_frame(received_, longest_));
    if (frame->token_size != 0 && !security_)
        return fail(RPC_S_PROTOCOL_ERROR, "a protected fragment on an unprotected association");
    return *frame;
}

// The whole fragment, in `received_`.
Result<Fragment> ClientAssociation::rest_of(const Frame& frame) {
    received_.resize(frame.length);
    NTDSB_CHECK(stream_->read(std::span(received_).subspan(header_size)));
    return split_fragment(received_);
}

Error ClientAssociation::refused(const Fragment& fault) const {
    const auto decoded = decode_fault(fault.body);
    const std::uint32_t status = decoded ? decoded.value().status : 0;
    const Code code = code_of_fault(status);
    return fail(
        code, "the server answers with the fault ", hex(std::uint64_t{status}),
        code == ERROR_ACCESS_DENIED ? ", access denied; its log says whom it refused and why" : "");
}

// What it was is said, what the caller gets is that the connection is gone.
Error ClientAssociation::lost(const Error& why) {
    broken_ = true;
    return fail(hrCommunicationError, "COM-8: the connection to the service is lost: ", why.what);
}

} // namespace ntdsb::rpc
