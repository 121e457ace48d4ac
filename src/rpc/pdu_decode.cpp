// Decoding of fragments (pdu.h).
#include "rpc/pdu.h"

#include "core/text.h"

#include <algorithm>

namespace ntdsb::rpc {

namespace {

constexpr std::uint8_t rpc_version = 5;
constexpr std::uint8_t highest_minor_version = 1;
constexpr std::byte little_endian_ascii{0x10};

// Reads fields one after another at their alignment, counted from the fragment's begin: every body
// begins at a multiple of 8. The first field that is not there is kept, and all later ones read as
// zero.
class PduReader {
public:
    explicit PduReader(std::span<const std::byte> body) noexcept : body_(body) {}

    std::uint8_t u8(const char* field) { return static_cast<std::uint8_t>(number(1, field)); }
    std::uint16_t u16(const char* field) { return static_cast<std::uint16_t>(number(2, field)); }
    std::uint32_t u32(const char* field) { return static_cast<std::uint32_t>(number(4, field)); }

    Uuid uuid(const char* field) {
        align(4);
        Uuid out{};
        const auto raw = take(out.size(), field);
        std::transform(raw.begin(), raw.end(), out.begin(), std::to_integer<std::uint8_t>);
        return out;
    }
    SyntaxId syntax(const char* field) {
        const Uuid id = uuid(field);
        return {id, u32(field)};
    }
    std::span<const std::byte> octets(std::size_t count, const char* field) {
        return take(count, field);
    }
    void align(std::size_t to) {
        const std::size_t skip = (to - at_ % to) % to;
        at_ = std::min(body_.size(), at_ + skip);
    }
    std::span<const std::byte> rest() const { return body_.subspan(at_); }

    Result<void> finish() const {
        if (missing_ != nullptr)
            return fail(RPC_S_PROTOCOL_ERROR, "the fragment ends in its field ", missing_);
        return ok();
    }
    bool failed() const { return missing_ != nullptr; }

private:
    std::span<const std::byte> take(std::size_t count, const char* field) {
        if (missing_ == nullptr && count > body_.size() - at_) missing_ = field;
        if (missing_ != nullptr) return {};
        const auto part = body_.subspan(at_, count);
        at_ += count;
        return part;
    }
    std::uint64_t number(std::size_t size, const char* field) {
        align(size);
        const auto raw = take(size, field);
        std::uint64_t value = 0;
        for (std::size_t i = raw.size(); i-- > 0;)
            value = value << 8 | std::to_integer<std::uint64_t>(raw[i]);
        return value;
    }

    std::span<const std::byte> body_;
    std::size_t at_ = 0;
    const char* missing_ = nullptr;
};

Error protocol_error(std::string_view what, std::uint64_t found) {
    return fail(RPC_S_PROTOCOL_ERROR, what, " is ", found);
}

bool is_known(std::uint8_t type) {
    return type == 0 || type == 2 || type == 3 || (type >= 11 && type <= 19);
}

} // namespace

Result<std::optional<Frame>> decode_frame(std::span<const std::byte> begin, std::size_t longest) {
    if (begin.size() < header_size) return std::optional<Frame>();
    PduReader fields(begin.first(header_size));
    if (const auto major = fields.u8("rpc_vers"); major != rpc_version)
        return protocol_error("the RPC version", major);
    if (const auto minor = fields.u8("rpc_vers_minor"); minor > highest_minor_version)
        return protocol_error("the RPC minor version", minor);
    const auto type = fields.u8("PTYPE");
    if (!is_known(type)) return protocol_error("the fragment's type", type);
    Frame frame;
    frame.header.type = static_cast<PduType>(type);
    frame.header.flags = fields.u8("pfc_flags");
    if (const auto representation = fields.octets(4, "packed_drep");
        representation[0] != little_endian_ascii)
        return protocol_error("the data representation",
                              std::to_integer<unsigned>(representation[0]));
    frame.length = fields.u16("frag_length");
    frame.token_size = fields.u16("auth_length");
    frame.header.call_id = fields.u32("call_id");
    const std::size_t needed =
        header_size + (frame.token_size == 0 ? 0 : security_trailer_size + frame.token_size);
    if (frame.length < needed || frame.length > longest)
        return fail(RPC_S_PROTOCOL_ERROR, "the fragment's length is ", frame.length, ", not ",
                    needed, "..", longest);
    return std::optional(frame);
}

Result<Fragment> split_fragment(std::span<const std::byte> fragment) {
    NTDSB_TRY(const auto frame, decode_frame(fragment, fragment.size()));
    if (!frame || frame->length != fragment.size())
        return fail(RPC_S_PROTOCOL_ERROR, "a fragment of ", fragment.size(),
                    " octets is not whole");
    Fragment split;
    split.header = frame->header;
    split.octets = fragment;
    const std::size_t token_size = frame->token_size;
    if (token_size == 0) {
        split.body = fragment.subspan(header_size);
        return split;
    }
    const std::size_t trailer_at = fragment.size() - token_size - security_trailer_size;
    PduReader trailer(fragment.subspan(trailer_at, security_trailer_size));
    SecurityTrailer security;
    security.type = trailer.u8("auth_type");
    security.level = trailer.u8("auth_level");
    security.padding = trailer.u8("auth_pad_length");
    trailer.u8("auth_reserved");
    security.context_id = trailer.u32("auth_context_id");
    if (security.padding > trailer_at - header_size)
        return protocol_error("the authentication padding", security.padding);
    split.security = security;
    split.body = fragment.subspan(header_size, trailer_at - header_size - security.padding);
    split.token = fragment.last(token_size);
    return split;
}

Result<Bind> decode_bind(std::span<const std::byte> body) {
    PduReader fields(body);
    Bind bind;
    bind.max_transmit = fields.u16("max_xmit_frag");
    bind.max_receive = fields.u16("max_recv_frag");
    bind.association_group = fields.u32("assoc_group_id");
    const auto count = fields.u8("n_context_elem");
    fields.octets(3, "reserved");
    for (unsigned i = 0; i < count && !fields.failed(); ++i) {
        ContextElement element;
        element.id = fields.u16("p_cont_id");
        const auto transfers = fields.u8("n_transfer_syn");
        fields.u8("reserved");
        element.abstract = fields.syntax("abstract_syntax");
        for (unsigned j = 0; j < transfers && !fields.failed(); ++j)
            element.transfers.push_back(fields.syntax("transfer_syntaxes"));
        bind.contexts.push_back(std::move(element));
    }
    NTDSB_CHECK(fields.finish());
    return bind;
}

Result<BindAck> decode_bind_ack(std::span<const std::byte> body) {
    PduReader fields(body);
    BindAck ack;
    ack.max_transmit = fields.u16("max_xmit_frag");
    ack.max_receive = fields.u16("max_recv_frag");
    ack.association_group = fields.u32("assoc_group_id");
    const auto address = fields.octets(fields.u16("sec_addr length"), "sec_addr");
    for (const std::byte octet : address) ack.secondary_address += std::to_integer<char>(octet);
    if (!ack.secondary_address.empty()) { // its last character is a NUL
        if (ack.secondary_address.back() != '\0')
            return fail(RPC_S_PROTOCOL_ERROR, "sec_addr does not end with a NUL");
        ack.secondary_address.pop_back();
    }
    fields.align(4);
    const auto count = fields.u8("n_results");
    fields.octets(3, "reserved");
    for (unsigned i = 0; i < count && !fields.failed(); ++i) {
        ContextResult result;
        result.outcome = static_cast<ContextOutcome>(fields.u16("result"));
        result.reason = fields.u16("reason");
        result.transfer = fields.syntax("transfer_syntax");
        ack.results.push_back(result);
    }
    NTDSB_CHECK(fields.finish());
    return ack;
}

Result<BindNak> decode_bind_nak(std::span<const std::byte> body) {
    PduReader fields(body);
    const BindNak nak{static_cast<BindRejection>(fields.u16("provider_reject_reason"))};
    NTDSB_CHECK(fields.finish()); // what versions are spoken there changes nothing
    return nak;
}

Result<WithStub<Request>> decode_request(const Fragment& fragment) {
    PduReader fields(fragment.body);
    Request request;
    request.allocation_hint = fields.u32("alloc_hint");
    request.context_id = fields.u16("p_cont_id");
    request.opnum = fields.u16("opnum");
    if (fragment.header.flags & has_object) request.object = fields.uuid("object");
    NTDSB_CHECK(fields.finish());
    return WithStub<Request>{request, fields.rest()};
}

Result<WithStub<Response>> decode_response(const Fragment& fragment) {
    PduReader fields(fragment.body);
    Response response;
    response.allocation_hint = fields.u32("alloc_hint");
    response.context_id = fields.u16("p_cont_id");
    response.cancel_count = fields.u8("cancel_count");
    fields.u8("reserved");
    NTDSB_CHECK(fields.finish());
    return WithStub<Response>{response, fields.rest()};
}

Result<Fault> decode_fault(std::span<const std::byte> body) {
    PduReader fields(body);
    Fault fault;
    fault.allocation_hint = fields.u32("alloc_hint");
    fault.context_id = fields.u16("p_cont_id");
    fault.cancel_count = fields.u8("cancel_count");
    fields.u8("reserved");
    fault.status = fields.u32("status");
    NTDSB_CHECK(fields.finish());
    return fault;
}

std::optional<std::uint16_t> negotiated_features(const SyntaxId& syntax) {
    const SyntaxId none = feature_syntax(0);
    constexpr std::size_t fixed = 8;
    if (syntax.version != none.version ||
        !std::equal(none.uuid.begin(), none.uuid.begin() + fixed, syntax.uuid.begin()))
        return std::nullopt;
    return static_cast<std::uint16_t>(syntax.uuid[fixed] | syntax.uuid[fixed + 1] << 8);
}

} // namespace ntdsb::rpc
