// The verification trailer (verification_trailer.h).
#include "rpc/verification_trailer.h"

#include <algorithm>
#include <array>

namespace ntdsb::rpc {

namespace {

constexpr std::array<std::byte, 8> trailer_signature{
    std::byte{0x8a}, std::byte{0xe3}, std::byte{0x13}, std::byte{0x71},
    std::byte{0x02}, std::byte{0xf4}, std::byte{0x36}, std::byte{0x71}};
constexpr std::uint16_t command_bitmask = 1;
constexpr std::uint16_t command_context = 2;
constexpr std::uint16_t command_header = 3;
constexpr std::uint16_t command_number = 0x3fff;
constexpr std::uint16_t command_is_last = 0x4000;
constexpr std::uint16_t command_must_be_known = 0x8000;
constexpr std::uint32_t client_supports_header_signing = 1;
// Ours has 80 octets; what others add fits.
constexpr std::size_t longest_trailer = 1024;

template <std::unsigned_integral Number>
void put(Bytes& out, Number number) {
    for (std::size_t i = 0; i < sizeof number; ++i)
        out.push_back(static_cast<std::byte>(number >> (8 * i) & 0xff));
}

void put(Bytes& out, const SyntaxId& syntax) {
    for (const std::uint8_t octet : syntax.uuid) out.push_back(std::byte{octet});
    put(out, syntax.version);
}

// The values that the commands must have.
Bytes header_value(const CallFacts& call) {
    Bytes value;
    put(value, static_cast<std::uint8_t>(PduType::request));
    put(value, std::uint8_t{0});
    put(value, std::uint16_t{0});
    put(value, std::uint32_t{0x10}); // the data representation
    put(value, call.call_id);
    put(value, call.context_id);
    put(value, call.opnum);
    return value;
}

Bytes context_value(const CallFacts& call) {
    Bytes value;
    put(value, call.interface_of);
    put(value, call.transfer);
    return value;
}

Bytes bitmask_value(const CallFacts& call) {
    Bytes value;
    put(value, call.client_signs_headers ? client_supports_header_signing : std::uint32_t{0});
    return value;
}

void put_command(Bytes& out, unsigned command, const Bytes& value) {
    put(out, static_cast<std::uint16_t>(command));
    put(out, static_cast<std::uint16_t>(value.size()));
    out.insert(out.end(), value.begin(), value.end());
}

std::uint16_t u16_at(std::span<const std::byte> octets, std::size_t at) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(octets[at]) |
                                      std::to_integer<unsigned>(octets[at + 1]) << 8);
}

// From the end backwards: what ends the stub is the trailer, whatever the data before it holds.
std::optional<std::size_t> find_trailer(std::span<const std::byte> stub) {
    if (stub.size() < trailer_signature.size()) return std::nullopt;
    const std::size_t last = (stub.size() - trailer_signature.size()) / 4 * 4;
    const std::size_t first = stub.size() - std::min(stub.size(), longest_trailer);
    for (std::size_t at = last;; at -= 4) {
        if (std::ranges::equal(stub.subspan(at, trailer_signature.size()), trailer_signature))
            return at;
        if (at < first + 4) return std::nullopt;
    }
}

Error differs(std::string_view what) {
    return fail(ERROR_ACCESS_DENIED, "the request's verification trailer ", what);
}

Result<void> check_command(std::uint16_t command, std::span<const std::byte> value,
                           const CallFacts& call, VerifiedFacts& found) {
    switch (command & command_number) {
    case command_header:
        // The reserved octets and the rest of the data representation say nothing.
        if (!std::ranges::equal(value, header_value(call)))
            return differs("belongs to another call than its headers");
        found.header = true;
        return ok();
    case command_context:
        if (!std::ranges::equal(value, context_value(call)))
            return differs("belongs to another interface than its presentation context");
        found.context = true;
        return ok();
    case command_bitmask:
        if (value.size() != 4) return differs("has a bitmask of another size");
        // A client that signs headers has said so when it bound, unless somebody changed that.
        if ((std::to_integer<std::uint32_t>(value[0]) & client_supports_header_signing) != 0 &&
            !call.client_signs_headers)
            return differs("offers to sign headers, and the bind that came here did not");
        return ok();
    default:
        if ((command & command_must_be_known) != 0) return differs("has an unknown command");
        return ok();
    }
}

} // namespace

void append_verification_trailer(Bytes& stub, const CallFacts& call) {
    stub.resize((stub.size() + 3) / 4 * 4);
    stub.insert(stub.end(), trailer_signature.begin(), trailer_signature.end());
    put_command(stub, command_bitmask, bitmask_value(call));
    put_command(stub, command_context, context_value(call));
    put_command(stub, command_header | command_is_last, header_value(call));
}

Result<VerifiedFacts> cut_verification_trailer(Bytes& stub, const CallFacts& call) {
    VerifiedFacts found;
    const auto begin = find_trailer(stub);
    if (!begin) return found;
    const auto trailer = std::span<const std::byte>(stub).subspan(*begin);
    std::size_t at = trailer_signature.size();
    for (bool is_last = false; !is_last;) {
        if (trailer.size() - at < 4) return differs("does not end where the stub does");
        const std::uint16_t command = u16_at(trailer, at);
        const std::size_t size = u16_at(trailer, at + 2);
        at += 4;
        if (size > trailer.size() - at) return differs("does not end where the stub does");
        NTDSB_CHECK(check_command(command, trailer.subspan(at, size), call, found));
        at += size;
        is_last = (command & command_is_last) != 0;
    }
    if (at != trailer.size()) return differs("does not end where the stub does");
    stub.resize(*begin);
    return found;
}

} // namespace ntdsb::rpc
