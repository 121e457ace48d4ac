// The server's side of an association (server_association.h).
#include "rpc/server_association.h"

#include "core/text.h"
#include "rpc/fault_status.h"

#include <algorithm>

namespace ntdsb::rpc {

namespace {

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Step hang_up(std::string_view why, Bytes last_words = {}) {
    Step step;
    step.send = std::move(last_words);
    step.hang_up = true;
    step.why = why;
    return step;
}

// A call that was not run.
Bytes fault(std::uint32_t call_id, std::uint16_t context_id, std::uint8_t cancels,
            std::uint32_t status) {
    return encode({PduType::fault, only_fragment | did_not_execute, call_id},
                  Fault{0, context_id, cancels, status});
}

} // namespace

ServerAssociation::ServerAssociation(const Limits& limits, std::vector<SyntaxId> interfaces,
                                     std::string secondary_address, JoinGroup join_group)
    : limits_(limits), interfaces_(std::move(interfaces)),
      secondary_address_(std::move(secondary_address)), join_group_(std::move(join_group)) {}

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
    const auto reject = [&](std::string_view why) {
        return hang_up(why, encode({PduType::bind_nak, only_fragment, fragment.header.call_id},
                                   BindNak{BindRejection::not_specified}));
    };
    const auto asked = decode_bind(fragment.body);
    if (!asked) return reject(asked.error().what);
    if (asked.value().contexts.empty()) return reject("a bind without presentation contexts");
    const Bind& bind = asked.value();
    // C706 12.6.3.1: less than must_receive_size cannot be meant.
    const auto agree = [&](std::uint16_t theirs) {
        return std::clamp(theirs, must_receive_size, std::max(limits_.fragment, must_receive_size));
    };
    group_ = join_group_(bind.association_group);
    if (group_ == 0) return reject("there is no such association group");
    bound_ = true;
    max_transmit_ = agree(bind.max_receive);
    max_receive_ = agree(bind.max_transmit);
    BindAck ack{static_cast<std::uint16_t>(max_transmit_), static_cast<std::uint16_t>(max_receive_),
                group_, secondary_address_, negotiate(bind.contexts)};
    const auto flags = static_cast<std::uint8_t>(only_fragment |
                                                 (fragment.header.flags & concurrent_multiplexing));
    Step step;
    step.send = encode({PduType::bind_ack, flags, fragment.header.call_id}, ack);
    return step;
}

Step ServerAssociation::alter_context(const Fragment& fragment) {
    const auto asked = decode_bind(fragment.body);
    if (!asked) return protocol_error(fragment.header, asked.error().what);
    const BindAck ack{static_cast<std::uint16_t>(max_transmit_),
                      static_cast<std::uint16_t>(max_receive_),
                      group_,
                      {},
                      negotiate(asked.value().contexts)};
    Step step;
    step.send =
        encode({PduType::alter_context_response, only_fragment, fragment.header.call_id}, ack);
    return step;
}

std::vector<ContextResult>
ServerAssociation::negotiate(const std::vector<ContextElement>& elements) {
    std::vector<ContextResult> results;
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

// --- calls

Step ServerAssociation::request(const Fragment& fragment) {
    const auto decoded = decode_request(fragment);
    if (!decoded) return protocol_error(fragment.header, decoded.error().what);
    const auto& [request, stub] = decoded.value();
    const std::uint32_t id = fragment.header.call_id;
    const bool first = (fragment.header.flags & first_fragment) != 0;
    const auto known = calls_.find(id);
    if (first != (known == calls_.end()))
        return protocol_error(fragment.header, first ? "the call's id is in use"
                                                     : "a call begins with its first fragment");
    if (!first && known->second.running)
        return protocol_error(fragment.header, "the call's last fragment was sent already");
    if (first) {
        Step refused = begin_call(fragment, request);
        if (!refused.send.empty()) return refused;
    }
    return add_to_call(fragment, calls_.at(id), stub);
}

// Nothing to send: the call may go on.
Step ServerAssociation::begin_call(const Fragment& fragment, const Request& request) {
    if (calls_.size() >= limits_.calls) {
        // Not kept: what still comes of it would be taken for a protocol error, and is one, since
        // this answer has told the client to stop.
        return hang_up("too many calls at once",
                       fault(fragment.header.call_id, request.context_id, 0, nca_server_too_busy));
    }
    CallState& call = calls_[fragment.header.call_id];
    call.context_id = request.context_id;
    call.opnum = request.opnum;
    if (!contexts_.contains(request.context_id))
        return refuse_request(fragment, request.context_id, nca_invalid_context);
    return {};
}

Step ServerAssociation::add_to_call(const Fragment& fragment, CallState& call,
                                    std::span<const std::byte> stub) {
    const std::uint32_t id = fragment.header.call_id;
    const bool last = (fragment.header.flags & last_fragment) != 0;
    if (call.refused) {
        if (last) calls_.erase(id);
        return {};
    }
    if (stub.size() > limits_.request - std::min(limits_.request, call.stub.size()) ||
        stub.size() > limits_.pending - std::min(limits_.pending, pending_))
        return refuse_request(fragment, call.context_id, nca_remote_no_memory);
    call.stub.insert(call.stub.end(), stub.begin(), stub.end());
    pending_ += stub.size();
    if (!last) return {};
    pending_ -= call.stub.size();
    call.running = true;
    Step step;
    step.call = IncomingCall{id, contexts_.at(call.context_id).interface_index, call.opnum,
                             std::move(call.stub)};
    call.stub.clear();
    if (call.cancels > 0) step.cancel = id; // it was cancelled while it was sent
    return step;
}

// Answers with a fault and drops what still comes of the call.
Step ServerAssociation::refuse_request(const Fragment& fragment, std::uint16_t context_id,
                                       std::uint32_t status) {
    const std::uint32_t id = fragment.header.call_id;
    CallState& call = calls_.at(id);
    call.context_id = context_id;
    Step step;
    step.send = fault(id, context_id, call.cancels, status);
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
        call->second.orphaned = true;
        step.cancel = call_id;
    } else {
        pending_ -= call->second.stub.size();
        calls_.erase(call);
    }
    return step;
}

// --- answers

Bytes ServerAssociation::reply(std::uint32_t call_id, std::span<const std::byte> stub) {
    const auto found = calls_.find(call_id);
    if (found == calls_.end()) return {};
    const CallState call = std::move(found->second);
    calls_.erase(found);
    if (call.orphaned) return {};
    const std::size_t most = (max_transmit_ - header_size - response_size) / 8 * 8;
    Bytes out;
    out.reserve(stub.size() + (stub.size() / most + 1) * (header_size + response_size));
    std::uint8_t flags = first_fragment;
    do {
        const auto part = stub.first(std::min(stub.size(), most));
        const auto left = static_cast<std::uint32_t>(stub.size());
        stub = stub.subspan(part.size());
        if (stub.empty()) flags |= last_fragment;
        append(out, encode({PduType::response, flags, call_id},
                           Response{left, call.context_id, call.cancels}, part));
        flags = 0;
    } while (!stub.empty());
    return out;
}

Bytes ServerAssociation::refuse_call(std::uint32_t call_id, const Error& error) {
    const auto found = calls_.find(call_id);
    if (found == calls_.end()) return {};
    const CallState call = std::move(found->second);
    calls_.erase(found);
    if (call.orphaned) return {};
    // The dispatcher refuses before it runs anything.
    return fault(call_id, call.context_id, call.cancels, fault_status(error.code));
}

} // namespace ntdsb::rpc
