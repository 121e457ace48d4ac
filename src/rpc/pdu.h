// The fragments of connection-oriented DCE/RPC 5.0 (C706 chapter 12; MS-RPCE 2.2.2): one struct a
// kind, encoded and decoded here and nowhere else. Decoding is strict and never reads past the
// fragment. Knows no association, no security and no socket.
#pragma once

#include "core/result.h"
#include "wire/operations.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ntdsb::rpc {

using wire::Bytes;
using wire::Uuid;

enum class PduType : std::uint8_t {
    request = 0,
    response = 2,
    fault = 3,
    bind = 11,
    bind_ack = 12,
    bind_nak = 13,
    alter_context = 14,
    alter_context_response = 15,
    auth3 = 16,
    shutdown = 17,
    co_cancel = 18,
    orphaned = 19,
};

// pfc_flags
inline constexpr std::uint8_t first_fragment = 0x01;
inline constexpr std::uint8_t last_fragment = 0x02;
inline constexpr std::uint8_t pending_cancel = 0x04;      // of a request: a cancel came before it
inline constexpr std::uint8_t support_header_sign = 0x04; // the same bit in bind and its answers
inline constexpr std::uint8_t concurrent_multiplexing = 0x10;
inline constexpr std::uint8_t did_not_execute = 0x20;
inline constexpr std::uint8_t maybe_call = 0x40; // no answer is wanted
inline constexpr std::uint8_t has_object = 0x80;
inline constexpr std::uint8_t only_fragment = first_fragment | last_fragment;

inline constexpr std::size_t header_size = 16;
inline constexpr std::size_t security_trailer_size = 8; // before the authentication value
// C706 12.6.3.1: every implementation receives fragments of this size.
inline constexpr std::uint16_t must_receive_size = 1432;

// The fragment's own frame. Integers are little-endian: no other data representation is spoken
// here, and one that is not is a protocol error.
struct Header {
    PduType type{};
    std::uint8_t flags = only_fragment;
    std::uint32_t call_id = 0;
};

// An interface or a transfer syntax; the version's major number is its lower half.
struct SyntaxId {
    Uuid uuid{};
    std::uint32_t version = 0;
    bool operator==(const SyntaxId&) const = default;
};

extern const SyntaxId ndr_syntax; // NDR 2.0

// Bind-time feature negotiation (MS-RPCE 2.2.2.14): a transfer syntax that is none, whose last
// eight octets hold the features asked for.
inline constexpr std::uint16_t feature_security_multiplexing = 1;
inline constexpr std::uint16_t feature_keep_on_orphan = 2;
std::optional<std::uint16_t> negotiated_features(const SyntaxId& syntax);
SyntaxId feature_syntax(std::uint16_t features);

struct ContextElement {
    std::uint16_t id = 0;
    SyntaxId abstract;
    std::vector<SyntaxId> transfers;
    bool operator==(const ContextElement&) const = default;
};

// Also alter_context.
struct Bind {
    std::uint16_t max_transmit = 0;
    std::uint16_t max_receive = 0;
    std::uint32_t association_group = 0;
    std::vector<ContextElement> contexts;
    bool operator==(const Bind&) const = default;
};

enum class ContextOutcome : std::uint16_t {
    accepted = 0,
    user_rejected = 1,
    provider_rejected = 2,
    features = 3, // the reason is the bits of the features granted
};
inline constexpr std::uint16_t reason_abstract_syntax = 1;
inline constexpr std::uint16_t reason_transfer_syntaxes = 2;
inline constexpr std::uint16_t reason_local_limit = 3;

struct ContextResult {
    ContextOutcome outcome{};
    std::uint16_t reason = 0;
    SyntaxId transfer; // zero unless accepted
    bool operator==(const ContextResult&) const = default;
};

// Also alter_context_response.
struct BindAck {
    std::uint16_t max_transmit = 0;
    std::uint16_t max_receive = 0;
    std::uint32_t association_group = 0;
    std::string secondary_address; // the port in decimal; empty in alter_context_response
    std::vector<ContextResult> results;
    bool operator==(const BindAck&) const = default;
};

enum class BindRejection : std::uint16_t {
    not_specified = 0,
    temporary_congestion = 1,
    local_limit_exceeded = 2,
    protocol_version = 4,
    authentication_type = 8,
    invalid_checksum = 9,
};

struct BindNak {
    BindRejection reason{};
    bool operator==(const BindNak&) const = default;
};

// The stub of these three is what lies behind their fixed part; it is not in the struct, since it
// is encrypted in place.
struct Request {
    std::uint32_t allocation_hint = 0;
    std::uint16_t context_id = 0;
    std::uint16_t opnum = 0;
    std::optional<Uuid> object; // with has_object
    bool operator==(const Request&) const = default;
};
struct Response {
    std::uint32_t allocation_hint = 0;
    std::uint16_t context_id = 0;
    std::uint8_t cancel_count = 0;
    bool operator==(const Response&) const = default;
};
struct Fault {
    std::uint32_t allocation_hint = 0;
    std::uint16_t context_id = 0;
    std::uint8_t cancel_count = 0;
    std::uint32_t status = 0;
    bool operator==(const Fault&) const = default;
};
inline constexpr std::size_t request_size = 8; // behind the header, without an object
inline constexpr std::size_t response_size = 8;
inline constexpr std::size_t response_stub_at = header_size + response_size;

struct SecurityTrailer {
    std::uint8_t type = 0;
    std::uint8_t level = 0;
    std::uint8_t padding = 0; // octets between the stub and this trailer
    std::uint32_t context_id = 0;
    bool operator==(const SecurityTrailer&) const = default;
};

// One received fragment, split but for its kind's own fields. The spans point into what was parsed.
struct Fragment {
    Header header;
    std::span<const std::byte> octets; // all of it
    std::span<const std::byte> body;   // behind the header, up to the padding of the trailer
    std::optional<SecurityTrailer> security;
    std::span<const std::byte> token; // the authentication value
};

// What the first header_size octets say.
struct Frame {
    Header header;
    std::size_t length = 0;     // of the whole fragment
    std::size_t token_size = 0; // of the authentication value; 0: no security
};

// The frame of the fragment that begins with these octets, or nothing while fewer than header_size
// are there. A protocol error if it is none: another version, another data representation, or a
// length that cannot be. `longest` is the most that is received.
Result<std::optional<Frame>> decode_frame(std::span<const std::byte> begin, std::size_t longest);

// Splits a whole fragment. Every decode error is RPC_S_PROTOCOL_ERROR with a sentence that names
// the field.
Result<Fragment> split_fragment(std::span<const std::byte> fragment);

Result<Bind> decode_bind(std::span<const std::byte> body);
Result<BindAck> decode_bind_ack(std::span<const std::byte> body);
Result<BindNak> decode_bind_nak(std::span<const std::byte> body);
// These also give the stub behind their fixed part.
template <class Fixed>
struct WithStub {
    Fixed fixed;
    std::span<const std::byte> stub;
};
Result<WithStub<Request>> decode_request(const Fragment& fragment);
Result<WithStub<Response>> decode_response(const Fragment& fragment);
Result<Fault> decode_fault(std::span<const std::byte> body);

// Whole fragments without security; header.type decides between bind and alter_context. Behind the
// fixed part of a request or response comes `stub`.
Bytes encode(const Header& header, const Bind& bind);
Bytes encode(const Header& header, const BindAck& ack);
Bytes encode(const Header& header, const BindNak& nak);
Bytes encode(const Header& header, const Request& request, std::span<const std::byte> stub);
Bytes encode(const Header& header, const Response& response, std::span<const std::byte> stub);
Bytes encode(const Header& header, const Fault& fault);
// Into the first response_stub_at octets of `fragment`, behind which its stub lies already.
void encode_before(std::span<std::byte> fragment, const Header& header, const Response& response);
// auth3, shutdown, co_cancel and orphaned have nothing of their own.
Bytes encode(const Header& header);

// What comes before a security trailer is padded to these: stubs (MS-RPCE 2.2.2.11) and the rest.
inline constexpr std::size_t stub_alignment = 16;
inline constexpr std::size_t token_alignment = 4;

// Appends padding, so that what begins at `stub_begin` is a multiple of `alignment`, the trailer and
// room for a token, and mends the fragment's lengths. Returns where the token begins. Without a stub there is padding all the same: some
// mechanisms protect no empty message.
std::size_t append_security(Bytes& fragment, SecurityTrailer trailer, std::size_t token_size,
                            std::size_t stub_begin, std::size_t alignment = stub_alignment);
// The token turned out shorter than its room.
void shorten_token(Bytes& fragment, std::size_t token_size);

} // namespace ntdsb::rpc
