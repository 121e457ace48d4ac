// Encoding of fragments (pdu.h).
#include "rpc/pdu.h"

#include "core/text.h"

#include <algorithm>

namespace ntdsb::rpc {

namespace {

constexpr std::size_t frag_length_at = 8;
constexpr std::size_t auth_length_at = 10;

// Writes one fragment; `finish` sets its length. A fragment is never longer than its u16 length: the callers cut stubs to the negotiated size.
class PduWriter {
public:
    explicit PduWriter(const Header& header) {
        bytes_.reserve(usual_size);
        u8(5), u8(0); // rpc_vers
        u8(static_cast<std::uint8_t>(header.type)), u8(header.flags);
        u8(0x10), u8(0), u8(0), u8(0); // little-endian, ASCII, IEEE
        u16(0), u16(0);                // frag_length, auth_length
        u32(header.call_id);
    }
    void u8(std::uint8_t value) { bytes_.push_back(std::byte{value}); }
    void u16(std::uint16_t value) { put(value, 2); }
    void u32(std::uint32_t value) { put(value, 4); }
    void uuid(const Uuid& id) {
        for (const std::uint8_t octet : id) u8(octet);
    }
    void syntax(const SyntaxId& id) { uuid(id.uuid), u32(id.version); }
    void octets(std::span<const std::byte> part) {
        bytes_.insert(bytes_.end(), part.begin(), part.end());
    }
    void align(std::size_t to) {
        while (bytes_.size() % to != 0) u8(0);
    }
    Bytes finish() {
        bytes_[frag_length_at] = std::byte(bytes_.size() & 0xff);
        bytes_[frag_length_at + 1] = std::byte(bytes_.size() >> 8 & 0xff);
        return std::move(bytes_);
    }

private:
    static constexpr std::size_t usual_size = 128;
    void put(std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
            u8(static_cast<std::uint8_t>(value >> (8 * i) & 0xff));
    }
    Bytes bytes_;
};

template <class Number>
void overwrite(Bytes& bytes, std::size_t at, Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        bytes[at + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

} // namespace

// 8a885d04-1ceb-11c9-9fe8-08002b104860 v2.0
const SyntaxId ndr_syntax{{0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00,
                           0x2b, 0x10, 0x48, 0x60},
                          2};

// 6cb71c2c-9812-4540-xxxx-xxxxxxxxxxxx v1.0
SyntaxId feature_syntax(std::uint16_t features) {
    SyntaxId syntax{{0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45}, 1};
    syntax.uuid[8] = static_cast<std::uint8_t>(features & 0xff);
    syntax.uuid[9] = static_cast<std::uint8_t>(features >> 8);
    return syntax;
}

Bytes encode(const Header& header, const Bind& bind) {
    PduWriter writer(header);
    writer.u16(bind.max_transmit), writer.u16(bind.max_receive);
    writer.u32(bind.association_group);
    writer.u8(static_cast<std::uint8_t>(bind.contexts.size()));
    writer.u8(0), writer.u16(0);
    for (const ContextElement& element : bind.contexts) {
        writer.u16(element.id);
        writer.u8(static_cast<std::uint8_t>(element.transfers.size())), writer.u8(0);
        writer.syntax(element.abstract);
        for (const SyntaxId& transfer : element.transfers) writer.syntax(transfer);
    }
    return writer.finish();
}

Bytes encode(const Header& header, const BindAck& ack) {
    PduWriter writer(header);
    writer.u16(ack.max_transmit), writer.u16(ack.max_receive);
    writer.u32(ack.association_group);
    if (ack.secondary_address.empty()) {
        writer.u16(0);
    } else {
        writer.u16(static_cast<std::uint16_t>(ack.secondary_address.size() + 1));
        for (const char c : ack.secondary_address) writer.u8(static_cast<std::uint8_t>(c));
        writer.u8(0);
    }
    writer.align(4);
    writer.u8(static_cast<std::uint8_t>(ack.results.size()));
    writer.u8(0), writer.u16(0);
    for (const ContextResult& result : ack.results) {
        writer.u16(static_cast<std::uint16_t>(result.outcome)), writer.u16(result.reason);
        writer.syntax(result.transfer);
    }
    return writer.finish();
}

Bytes encode(const Header& header, const BindNak& nak) {
    PduWriter writer(header);
    writer.u16(static_cast<std::uint16_t>(nak.reason));
    writer.u8(1), writer.u8(5), writer.u8(0); // one version: 5.0
    writer.align(4);
    return writer.finish();
}

Bytes encode(const Header& header, const Request& request, std::span<const std::byte> stub) {
    PduWriter writer(header);
    writer.u32(request.allocation_hint);
    writer.u16(request.context_id), writer.u16(request.opnum);
    if (request.object) writer.uuid(*request.object);
    writer.octets(stub);
    return writer.finish();
}

Bytes encode(const Header& header, const Response& response, std::span<const std::byte> stub) {
    PduWriter writer(header);
    writer.u32(response.allocation_hint);
    writer.u16(response.context_id), writer.u8(response.cancel_count), writer.u8(0);
    writer.octets(stub);
    return writer.finish();
}

void encode_before(std::span<std::byte> fragment, const Header& header, const Response& response) {
    Bytes head = encode(header, response, {});
    overwrite(head, frag_length_at, static_cast<std::uint16_t>(fragment.size()));
    std::ranges::copy(head, fragment.begin());
}

Bytes encode(const Header& header, const Fault& fault) {
    PduWriter writer(header);
    writer.u32(fault.allocation_hint);
    writer.u16(fault.context_id), writer.u8(fault.cancel_count), writer.u8(0);
    writer.u32(fault.status), writer.u32(0);
    return writer.finish();
}

Bytes encode(const Header& header) { return PduWriter(header).finish(); }

std::size_t append_security(Bytes& fragment, SecurityTrailer trailer, std::size_t token_size,
                            std::size_t stub_begin, std::size_t alignment) {
    const std::size_t stub = fragment.size() - stub_begin;
    trailer.padding = static_cast<std::uint8_t>((alignment - stub % alignment) % alignment);
    if (stub == 0) trailer.padding = static_cast<std::uint8_t>(alignment);
    fragment.resize(fragment.size() + trailer.padding);
    for (const std::uint8_t octet : {trailer.type, trailer.level, trailer.padding, std::uint8_t{0}})
        fragment.push_back(std::byte{octet});
    const std::size_t token_at = fragment.size() + sizeof trailer.context_id;
    fragment.resize(token_at + token_size);
    overwrite(fragment, token_at - sizeof trailer.context_id, trailer.context_id);
    overwrite(fragment, frag_length_at, static_cast<std::uint16_t>(fragment.size()));
    overwrite(fragment, auth_length_at, static_cast<std::uint16_t>(token_size));
    return token_at;
}

void shorten_token(Bytes& fragment, std::size_t token_size) {
    const auto room = std::to_integer<std::size_t>(fragment[auth_length_at]) |
                      std::to_integer<std::size_t>(fragment[auth_length_at + 1]) << 8;
    fragment.resize(fragment.size() - (room - token_size));
    overwrite(fragment, frag_length_at, static_cast<std::uint16_t>(fragment.size()));
    overwrite(fragment, auth_length_at, static_cast<std::uint16_t>(token_size));
}

} // namespace ntdsb::rpc
