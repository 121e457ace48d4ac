// The server's side of an association (server_association.h).
#include "rpc/server_association.h"

#include "core/text.h"
#include "rpc/fault_status.h"
#include "rpc/verification_trailer.h"

#include <algorithm>

namespace ntdsb::rpc {

namespace {

Step hang_up(std::string_view why, Bytes last_words = {}) {
    Step step;
    step.send = std::move(last_words);
    step.hang_up = true;
    step.why = why;
    return step;
}

Bytes fault(std::uint32_t call_id, std::uint16_t context_id, std::uint8_t cancels,
            std::uint32_t status, bool was_run = false) {
    const auto flags =
        static_cast<std::uint8_t>(was_run ? only_fragment : only_fragment | did_not_execute);
    return encode({PduType::fault, flags, call_id}, Fault{0, context_id, cancels, status});
}

// A call of somebody who has not proved what he should have, or of nobody that we know.
Step deny(const Header& header, std::string_view why, std::uint32_t status) {
    Step step = hang_up(why, fault(header.call_id, 0, 0, status));
    step.denied = true;
    return step;
}

} // namespace

ServerAssociation::ServerAssociation(const Limits& limits, std::vector<SyntaxId> interfaces,
                                     std::string secondary_address, JoinGroup join_group,
                                     Accept accept)
    : limits_(limits), interfaces_(std::move(interfaces)),
      secondary_address_(std::move(secondary_address)), join_group_(std::move(join_group)),
      accept_(std::move(accept)) {}

Step ServerAssociation::receive(std::span<const std::byte> octets) {
    const auto split = split_fragment(octets);
    if (!split) return refuse(split.error());
    const Fragment& fragment = split.value();
    const Header& header = fragment.header;
    if (!bound_)
        return header.type == PduType::bind ? bind(fragment)
                                            : hang_up("an association begins with a bind");
    switch (header.type) {
    case PduType::alter_context:
        return alter_context(fragment);
    case PduType::auth3:
        return authenticate_last(fragment);
    case PduType::request:
        return request(fragment);
    case PduType::co_cancel:
        return cancel(header.call_id);
    case PduType::orphaned:
        return orphan(header.call_id);
    default:
        return protocol_error(header, "no client sends such a fragment here");
    }
}

Step ServerAssociation::refuse(const Error& error) {
    if (bound_) return protocol_error({PduType::fault, only_fragment, 0}, error.what);
    return hang_up(error.what, encode({PduType::bind_nak, only_fragment, 0},
                                      BindNak{BindRejection::protocol_version}));
}

Step ServerAssociation::protocol_error(const Header& header, std::string_view what) const {
    return hang_up(what, fault(header.call_id, 0, 0, nca_protocol_error));
}

// --- presentation contexts

Step ServerAssociation::bind(const Fragment& fragment) {
    const auto reject = [&](std::string_view why,
                            BindRejection reason = BindRejection::not_specified) {
        Step step = hang_up(why, encode({PduType::bind_nak, only_fragment, fragment.header.call_id},
                                        BindNak{reason}));
        step.denied = reason != BindRejection::not_specified;
        return step;
    };
    const auto asked = decode_bind(fragment.body);
    if (!asked) return reject(asked.error().what);
    if (asked.value().contexts.empty()) return reject("a bind without presentation contexts");
    const Bind& bind = asked.value();
    // C706 12.6.3.1: less than must_receive_size cannot be meant.
    const auto agree = [&](std::uint16_t theirs) {
        return std::clamp(theirs, must_receive_size, std::max(limits_.fragment, must_receive_size));
    };
    Bytes token;
    if (fragment.security) {
        auto begun = begin_security(fragment);
        if (!begun)
            return reject(begun.error().what, begun.error().code == ERROR_NOT_SUPPORTED
                                                  ? BindRejection::authentication_type
                                                  : BindRejection::invalid_checksum);
        auto answer = security_leg(fragment);
        if (!answer) return reject(answer.error().what, BindRejection::invalid_checksum);
        token = std::move(answer).value();
    }
    group_ = join_group_(bind.association_group);
    if (group_ == 0) return reject("there is no such association group");
    bound_ = true;
    max_transmit_ = agree(bind.max_receive);
    max_receive_ = agree(bind.max_transmit);
    BindAck ack{static_cast<std::uint16_t>(max_transmit_), static_cast<std::uint16_t>(max_receive_),
                group_, secondary_address_, negotiate(bind.contexts)};
    std::uint8_t echoed = concurrent_multiplexing;
    if (security_) echoed |= support_header_sign;
    const auto flags = static_cast<std::uint8_t>(only_fragment | (fragment.header.flags & echoed));
    Step step;
    step.send = encode({PduType::bind_ack, flags, fragment.header.call_id}, ack);
    append_token(step.send, token);
    tell_authenticated(step);
    return step;
}

Step ServerAssociation::alter_context(const Fragment& fragment) {
    const auto asked = decode_bind(fragment.body);
    if (!asked) return protocol_error(fragment.header, asked.error().what);
    Bytes token;
    if (fragment.security) {
        auto answer = security_leg(fragment);
        if (!answer) return deny(fragment.header, answer.error().what, nca_access_denied);
        token = std::move(answer).value();
    } else if (security_ && !security()) {
        return deny(fragment.header, "the authentication is not finished", nca_access_denied);
    }
    const BindAck ack{static_cast<std::uint16_t>(max_transmit_),
                      static_cast<std::uint16_t>(max_receive_),
                      group_,
                      {},
                      negotiate(asked.value().contexts)};
    Step step;
    step.send =
        encode({PduType::alter_context_response, only_fragment, fragment.header.call_id}, ack);
    if (fragment.security) {
        append_token(step.send, token);
        tell_authenticated(step);
    }
    return step;
}

std::vector<ContextResult>
ServerAssociation::negotiate(const std::vector<ContextElement>& elements) {
    std::vector<ContextResult> results;
    results.reserve(elements.size());
    for (const ContextElement& element : elements) results.push_back(negotiate(element));
    return results;
}

ContextResult ServerAssociation::negotiate(const ContextElement& element) {
    for (const SyntaxId& transfer : element.transfers) {
        // None of the features is needed: nothing here is multiplexed or kept on an orphaned call.
        if (negotiated_features(transfer)) return {ContextOutcome::features, 0, {}};
    }
    const auto served = std::ranges::find_if(interfaces_, [&](const SyntaxId& own) {
        // C706: the same major version, and a minor one that is not above ours.
        return own.uuid == element.abstract.uuid &&
               (own.version & 0xffff) == (element.abstract.version & 0xffff) &&
               (own.version >> 16) >= (element.abstract.version >> 16);
    });
    const auto rejected = [](std::uint16_t reason) {
        return ContextResult{ContextOutcome::provider_rejected, reason, {}};
    };
    if (served == interfaces_.end()) return rejected(reason_abstract_syntax);
    if (std::ranges::find(element.transfers, ndr_syntax) == element.transfers.end())
        return rejected(reason_transfer_syntaxes);
    if (contexts_.size() >= limits_.contexts && !contexts_.contains(element.id))
        return rejected(reason_local_limit);
    contexts_[element.id] = {static_cast<std::size_t>(served - interfaces_.begin())};
    return {ContextOutcome::accepted, 0, ndr_syntax};
}

// --- authentication (MS-RPCE 3.3.1.5.2)

bool ServerAssociation::is_security_leg(const Frame& frame) {
    return frame.token_size != 0 &&
           (frame.header.type == PduType::bind || frame.header.type == PduType::alter_context ||
            frame.header.type == PduType::auth3);
}

const SecurityContext* ServerAssociation::security() const {
    return security_ && !security_->failed && security_->context->is_complete()
               ? security_->context.get()
               : nullptr;
}

Result<void> ServerAssociation::begin_security(const Fragment& fragment) {
    const SecurityTrailer& asked = *fragment.security;
    const auto type = static_cast<AuthType>(asked.type);
    const bool is_known =
        type == AuthType::negotiate || type == AuthType::ntlm || type == AuthType::kerberos;
    const auto level = static_cast<Protection>(asked.level);
    if (!accept_ || !is_known)
        return fail(ERROR_NOT_SUPPORTED, "authentication of type ", asked.type, " is not offered");
    if (level != Protection::integrity && level != Protection::privacy)
        return fail(ERROR_NOT_SUPPORTED, "the protection level ", asked.level,
                    " is not offered; 5 is integrity, 6 privacy");
    NTDSB_TRY(auto context, accept_(type, level));
    // Not emplace: Clang asks for a default constructor before the class is complete.
    security_ = Security{{asked.type, asked.level, 0, asked.context_id},
                         level,
                         std::move(context),
                         (fragment.header.flags & support_header_sign) != 0};
    return ok();
}

namespace {
bool same_context(const SecurityTrailer& one, const SecurityTrailer& other) {
    return one.type == other.type && one.level == other.level && one.context_id == other.context_id;
}
} // namespace

// The next leg of the one security context that an association has.
Result<Bytes> ServerAssociation::security_leg(const Fragment& fragment) {
    if (!security_)
        return fail(ERROR_ACCESS_DENIED,
                    "authentication begins with the bind, and this association has begun without");
    if (security_->failed || security_->context->is_complete() ||
        !same_context(security_->trailer, *fragment.security))
        return fail(ERROR_ACCESS_DENIED, "a second security context on one association");
    if (++security_->legs > most_security_legs)
        return fail(ERROR_ACCESS_DENIED, "the authentication does not come to an end");
    NTDSB_TRY(Bytes token, security_->context->step(fragment.token));
    // What does not fit into a fragment beside the answer's own fields is no token of ours.
    constexpr std::size_t longest_token = std::size_t{48} * 1024;
    if (token.size() > longest_token)
        return fail(ERROR_ACCESS_DENIED, "a token of ", token.size(), " octets");
    if (security_->context->is_complete())
        NTDSB_CHECK(security_->context->sign_headers(security_->client_signs_headers));
    return token;
}

void ServerAssociation::append_token(Bytes& fragment, const Bytes& token) const {
    if (token.empty()) return;
    const std::size_t at =
        append_security(fragment, security_->trailer, token.size(), header_size, token_alignment);
    std::ranges::copy(token, fragment.begin() + static_cast<std::ptrdiff_t>(at));
}

void ServerAssociation::tell_authenticated(Step& step) const {
    step.authenticated = security() != nullptr;
}

// The leg that has no answer: what is wrong with it is told to the first call.
Step ServerAssociation::authenticate_last(const Fragment& fragment) {
    if (!fragment.security || !security_ || security_->failed)
        return protocol_error(fragment.header, "an auth3 without an authentication");
    Step step;
    const auto token = security_leg(fragment);
    if (!token || !security_->context->is_complete()) {
        step.why = token ? "the authentication is not finished" : token.error().what;
        security_->failed = true;
    }
    tell_authenticated(step);
    return step;
}

// The stub in the clear. The first fragment that is not the client's next one, unchanged, is the
// last.
Result<std::span<const std::byte>> ServerAssociation::unprotected(const Fragment& fragment,
                                                                  std::span<const std::byte> stub) {
    if (!fragment.security || !same_context(security_->trailer, *fragment.security))
        return fail(
            ERROR_ACCESS_DENIED,
            "a request without protection, or with another, on an authenticated association");
    const std::span<const std::byte> octets = fragment.octets;
    const auto stub_at = static_cast<std::size_t>(stub.data() - octets.data());
    const std::size_t trailer_at = octets.size() - fragment.token.size() - security_trailer_size;
    const auto whole = octets.subspan(stub_at, trailer_at - stub_at);
    plain_.assign(whole.begin(), whole.end());
    NTDSB_CHECK(security_->context->unprotect(
        {octets.first(stub_at), plain_, octets.subspan(trailer_at, security_trailer_size)},
        fragment.token));
    return std::span<const std::byte>(plain_).first(stub.size());
}

// The whole request has come: what its headers said must be what its client meant.
Result<void> ServerAssociation::verify_call(std::uint32_t id, CallState& call) {
    Context& context = contexts_.at(call.context_id);
    NTDSB_TRY(const VerifiedFacts found,
              cut_verification_trailer(call.stub, {id, call.context_id, call.opnum,
                                                   interfaces_[context.interface_index], ndr_syntax,
                                                   security_->client_signs_headers}));
    // Only the bind, which nothing protects, says which interface a context is.
    context.is_verified = context.is_verified || found.context;
    if (!context.is_verified)
        return fail(ERROR_ACCESS_DENIED, "the first protected request of a presentation context "
                                         "lacks pcontext, in a verification trailer");
    // Signed headers say themselves what header2 repeats, and peers leave it out then.
    if (!found.header && !security_->client_signs_headers)
        return fail(ERROR_ACCESS_DENIED, "a protected request whose headers are not signed lacks "
                                         "header2, in a verification trailer");
    return ok();
}

Result<void> ServerAssociation::protect(Bytes& response) {
    const std::size_t token_at = append_security(
        response, security_->trailer, security_->context->token_size(), response_stub_at);
    const auto all = std::span(response);
    const std::size_t trailer_at = token_at - security_trailer_size;
    NTDSB_TRY(
        const std::size_t token_size,
        security_->context->protect({all.first(response_stub_at),
                                     all.subspan(response_stub_at, trailer_at - response_stub_at),
                                     all.subspan(trailer_at, security_trailer_size)},
                                    all.subspan(token_at)));
    if (token_size != response.size() - token_at) shorten_token(response, token_size);
    return ok();
}

// --- calls

Step ServerAssociation::request(const Fragment& fragment) {
    const auto decoded = decode_request(fragment);
    if (!decoded) return protocol_error(fragment.header, decoded.error().what);
    const Request& request = decoded.value().fixed;
    std::span<const std::byte> stub = decoded.value().stub;
    if (security_) {
        if (!security())
            return deny(fragment.header, "a call before the authentication has succeeded",
                        nca_access_denied);
        const auto plain = unprotected(fragment, stub);
        if (!plain)
            return deny(fragment.header, plain.error().what,
                        fragment.security ? nca_security_package : nca_access_denied);
        stub = plain.value();
    } else if (fragment.security) {
        return deny(fragment.header, "a protected request without an authentication",
                    nca_access_denied);
    }
    const std::uint32_t id = fragment.header.call_id;
    const bool first = (fragment.header.flags & first_fragment) != 0;
    const auto known = calls_.find(id);
    if (first != (known == calls_.end()))
        return protocol_error(fragment.header, first ? "the call's id is in use"
                                                     : "a call begins with its first fragment");
    if (!first && known->second.running)
        return protocol_error(fragment.header, "the call's last fragment was sent already");
    if (first) {
        if (auto refused = begin_call(fragment, request)) return *refused;
    }
    return add_to_call(fragment, calls_.at(id), stub);
}

// Nothing: the call may go on.
std::optional<Step> ServerAssociation::begin_call(const Fragment& fragment,
                                                  const Request& request) {
    if (calls_.size() >= limits_.calls) {
        // Not kept: what still comes of it would be taken for a protocol error, and is one, since
        // this answer has told the client to stop.
        return hang_up("too many calls at once",
                       fault(fragment.header.call_id, request.context_id, 0, nca_server_too_busy));
    }
    CallState& call = calls_[fragment.header.call_id];
    call.context_id = request.context_id;
    call.opnum = request.opnum;
    call.unanswered = (fragment.header.flags & maybe_call) != 0;
    if (!contexts_.contains(request.context_id))
        return refuse_request(fragment, request.context_id, nca_invalid_context);
    return std::nullopt;
}

Step ServerAssociation::add_to_call(const Fragment& fragment, CallState& call,
                                    std::span<const std::byte> stub) {
    const std::uint32_t id = fragment.header.call_id;
    const bool last = (fragment.header.flags & last_fragment) != 0;
    if (call.refused) {
        if (last) calls_.erase(id);
        return {};
    }
    // A cancel that the client had when it sent this.
    if (fragment.header.flags & pending_cancel)
        call.cancels = std::max<std::uint8_t>(call.cancels, 1);
    if (stub.size() > limits_.request - std::min(limits_.request, call.stub.size()) ||
        stub.size() > limits_.pending - std::min(limits_.pending, pending_))
        return refuse_request(fragment, call.context_id, nca_remote_no_memory);
    call.stub.insert(call.stub.end(), stub.begin(), stub.end());
    pending_ += stub.size();
    if (!last) return {};
    pending_ -= call.stub.size();
    if (security_) {
        if (auto verified = verify_call(id, call); !verified)
            return deny(fragment.header, verified.error().what, nca_access_denied);
    }
    call.running = true;
    Step step;
    step.call = IncomingCall{id, contexts_.at(call.context_id).interface_index, call.opnum,
                             std::move(call.stub)};
    call.stub.clear();
    if (call.cancels > 0) step.cancel = id; // it was cancelled while it was sent
    return step;
}

// Answers with a fault, if an answer is wanted, and drops what still comes of the call.
Step ServerAssociation::refuse_request(const Fragment& fragment, std::uint16_t context_id,
                                       std::uint32_t status) {
    const std::uint32_t id = fragment.header.call_id;
    CallState& call = calls_.at(id);
    call.context_id = context_id;
    Step step;
    if (!call.unanswered) step.send = fault(id, context_id, call.cancels, status);
    pending_ -= call.stub.size();
    call.stub = {};
    call.refused = true;
    if (fragment.header.flags & last_fragment) calls_.erase(id);
    return step;
}

Step ServerAssociation::cancel(std::uint32_t call_id) {
    Step step;
    const auto call = calls_.find(call_id);
    // C706: a cancel may cross the call's answer on its way, and is then nothing.
    if (call == calls_.end()) return step;
    if (call->second.cancels < 0xff) ++call->second.cancels;
    if (call->second.running) step.cancel = call_id;
    return step;
}

Step ServerAssociation::orphan(std::uint32_t call_id) {
    Step step;
    const auto call = calls_.find(call_id);
    if (call == calls_.end()) return step;
    if (call->second.running) {
        call->second.unanswered = true;
        step.cancel = call_id;
    } else {
        pending_ -= call->second.stub.size();
        calls_.erase(call);
    }
    return step;
}

// --- answers

std::size_t ServerAssociation::longest_stub() const {
    std::size_t around = response_stub_at;
    if (security_) around += security_trailer_size + security_->context->token_size();
    return (max_transmit_ - around) / stub_alignment * stub_alignment;
}

void ServerAssociation::answer(std::uint32_t call_id, Bytes& fragment, std::uint32_t left,
                               bool last) {
    const auto found = calls_.find(call_id);
    if (found == calls_.end()) return fragment.clear();
    CallState& call = found->second;
    auto flags = static_cast<std::uint8_t>(last ? last_fragment : 0);
    if (!call.answered) flags |= first_fragment;
    call.answered = true;
    if (call.unanswered) {
        fragment.clear();
    } else {
        encode_before(fragment, {PduType::response, flags, call_id},
                      Response{left, call.context_id, call.cancels});
        if (security_ && !protect(fragment)) {
            fragment = fault(call_id, call.context_id, call.cancels, nca_security_package, true);
            last = true;
        }
    }
    if (last) calls_.erase(found);
}

Bytes ServerAssociation::refuse_call(std::uint32_t call_id, const Error& error) {
    const auto found = calls_.find(call_id);
    if (found == calls_.end()) return {};
    const CallState call = std::move(found->second);
    calls_.erase(found);
    if (call.unanswered) return {};
    return fault(call_id, call.context_id, call.cancels, fault_status(error.code), call.answered);
}

} // namespace ntdsb::rpc
