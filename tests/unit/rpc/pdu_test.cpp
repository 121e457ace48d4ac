// Fragments of DCE/RPC (rpc/pdu.h): published bytes, round trips, and what is no fragment.
#include "rpc/pdu.h"

#include "rpc_test_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

namespace ntdsb::rpc {
namespace {

constexpr std::size_t longest_fragment = 65535;

std::string hex(std::span<const std::byte> bytes) {
    std::string out;
    char digits[3];
    for (const std::byte octet : bytes) {
        std::snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(octet));
        out += digits;
    }
    return out;
}

Bind a_bind() { return {5840, 5840, 7, {{0, restore_interface, {ndr_syntax, feature_syntax(3)}}}}; }
BindAck an_ack() {
    return {5840,
            4280,
            9,
            "49152",
            {{ContextOutcome::accepted, 0, ndr_syntax},
             {ContextOutcome::provider_rejected, reason_transfer_syntaxes, {}}}};
}

Fragment split(const Bytes& bytes) {
    const auto fragment = split_fragment(bytes);
    EXPECT_TRUE(fragment) << fragment.error().what;
    return fragment ? fragment.value() : Fragment{};
}

// Laid out by hand from C706 12.6.4.3.
TEST(Pdu, BindHasThePublishedBytes) {
    EXPECT_EQ(hex(encode({PduType::bind, only_fragment, 1},
                         Bind{4280, 4280, 0, {{2, restore_interface, {ndr_syntax}}}})),
              "05000b03"
              "10000000"
              "4800"
              "0000"
              "01000000"
              "b810"
              "b810"
              "00000000"
              "01000000"
              "0200"
              "01"
              "00"
              "8c3cfea895687d42a91c95cc81b46064"
              "01000000"
              "045d888aeb1cc9119fe808002b104860"
              "02000000");
}

// C706 12.6.4.4: the secondary address is counted with its NUL and padded to 4.
TEST(Pdu, BindAckHasThePublishedBytes) {
    EXPECT_EQ(
        hex(encode({PduType::bind_ack, only_fragment, 1},
                   BindAck{4280, 4280, 5, "135", {{ContextOutcome::accepted, 0, ndr_syntax}}})),
        "05000c03"
        "10000000"
        "3c00"
        "0000"
        "01000000"
        "b810"
        "b810"
        "05000000"
        "0400"
        "31333500"
        "0000"
        "01000000"
        "0000"
        "0000"
        "045d888aeb1cc9119fe808002b104860"
        "02000000");
}

TEST(Pdu, RequestHasThePublishedBytes) {
    EXPECT_EQ(
        hex(encode({PduType::request, first_fragment, 3}, Request{5, 0, 8, {}}, octets("hello"))),
        "05000001"
        "10000000"
        "1d00"
        "0000"
        "03000000"
        "05000000"
        "0000"
        "0800"
        "68656c6c6f");
}

TEST(Pdu, FaultHasThePublishedBytes) {
    EXPECT_EQ(hex(encode({PduType::fault, only_fragment | did_not_execute, 3},
                         Fault{0, 1, 0, 0x1c010002})),
              "05000323"
              "10000000"
              "2000"
              "0000"
              "03000000"
              "00000000"
              "0100"
              "00"
              "00"
              "0200011c"
              "00000000");
}

TEST(Pdu, BindComesBack) {
    const Bytes bytes = encode({PduType::bind, only_fragment, 1}, a_bind());
    EXPECT_EQ(decode_bind(split(bytes).body).value(), a_bind());
}

TEST(Pdu, BindAckComesBackWithAnyAddress) {
    for (const char* address : {"", "1", "12", "135", "49152"}) {
        BindAck ack = an_ack();
        ack.secondary_address = address;
        const Bytes bytes = encode({PduType::bind_ack, only_fragment, 1}, ack);
        EXPECT_EQ(decode_bind_ack(split(bytes).body).value(), ack) << address;
    }
}

TEST(Pdu, BindNakComesBack) {
    const BindNak nak{BindRejection::local_limit_exceeded};
    const Bytes bytes = encode({PduType::bind_nak, only_fragment, 1}, nak);
    EXPECT_EQ(decode_bind_nak(split(bytes).body).value(), nak);
}

TEST(Pdu, RequestComesBackWithAndWithoutAnObject) {
    const Bytes stub = octets("stub data");
    const Request plain{9, 4, 2, std::nullopt};
    const Bytes bytes = encode({PduType::request, only_fragment, 1}, plain, stub);
    const auto found = decode_request(split(bytes)).value();
    EXPECT_EQ(found.fixed, plain);
    EXPECT_TRUE(std::ranges::equal(found.stub, stub));

    const Request of_object{9, 4, 2, wire::backup_interface_uuid};
    const Bytes more = encode({PduType::request, only_fragment | has_object, 1}, of_object, stub);
    const auto with_object = decode_request(split(more)).value();
    EXPECT_EQ(with_object.fixed, of_object);
    EXPECT_TRUE(std::ranges::equal(with_object.stub, stub));
}

TEST(Pdu, ResponseAndFaultComeBack) {
    const Bytes stub = octets("reply");
    const Response response{5, 1, 2};
    const auto bytes = encode({PduType::response, last_fragment, 8}, response, stub);
    const Fragment fragment = split(bytes);
    EXPECT_EQ(fragment.header.flags, last_fragment);
    EXPECT_EQ(fragment.header.call_id, 8u);
    EXPECT_EQ(decode_response(fragment).value().fixed, response);
    EXPECT_TRUE(std::ranges::equal(decode_response(fragment).value().stub, stub));

    const Fault fault{0, 1, 2, 1783};
    EXPECT_EQ(decode_fault(split(encode({PduType::fault, only_fragment, 8}, fault)).body).value(),
              fault);
}

TEST(Pdu, SecurityIsPaddedTo16AndComesBack) { // MS-RPCE 2.2.2.11
    for (std::size_t size = 0; size <= 33; ++size) {
        const Bytes stub(size, std::byte{0xaa}), token = octets("signature......!");
        Bytes bytes = encode({PduType::request, only_fragment, 1}, Request{}, stub);
        const std::size_t stub_at = header_size + request_size;
        const std::size_t token_at = append_security(bytes, {10, 6, 0, 99}, token.size(), stub_at);
        std::ranges::copy(token, bytes.begin() + static_cast<std::ptrdiff_t>(token_at));
        EXPECT_EQ((token_at - security_trailer_size - stub_at) % 16, 0u) << size;
        EXPECT_EQ(token_at + token.size(), bytes.size());

        const Fragment fragment = split(bytes);
        ASSERT_TRUE(fragment.security);
        EXPECT_EQ(fragment.security->type, 10);
        EXPECT_EQ(fragment.security->level, 6);
        EXPECT_EQ(fragment.security->context_id, 99u);
        EXPECT_TRUE(std::ranges::equal(fragment.token, token));
        EXPECT_TRUE(std::ranges::equal(decode_request(fragment).value().stub, stub)) << size;
    }
}

TEST(Pdu, FeaturesAreToldFromOtherSyntaxes) { // MS-RPCE 2.2.2.14
    EXPECT_EQ(negotiated_features(feature_syntax(3)), 3);
    EXPECT_EQ(negotiated_features(feature_syntax(0x1234)), 0x1234);
    EXPECT_EQ(negotiated_features(ndr_syntax), std::nullopt);
    SyntaxId other_version = feature_syntax(3);
    other_version.version = 2;
    EXPECT_EQ(negotiated_features(other_version), std::nullopt);
}

// --- hostile octets

const std::vector<Bytes> every_kind{
    encode({PduType::bind, only_fragment, 1}, a_bind()),
    encode({PduType::bind_ack, only_fragment, 1}, an_ack()),
    encode({PduType::bind_nak, only_fragment, 1}, BindNak{}),
    encode({PduType::request, only_fragment | has_object, 1}, Request{0, 0, 0, Uuid{}}, {}),
    encode({PduType::response, only_fragment, 1}, Response{}, {}),
    encode({PduType::fault, only_fragment, 1}, Fault{}),
};

// What the kind's own decoder says of the fragment.
bool decodes(const Fragment& fragment) {
    switch (fragment.header.type) {
    case PduType::bind:
        return decode_bind(fragment.body).has_value();
    case PduType::bind_ack:
        return decode_bind_ack(fragment.body).has_value();
    case PduType::bind_nak:
        return decode_bind_nak(fragment.body).has_value();
    case PduType::request:
        return decode_request(fragment).has_value();
    case PduType::response:
        return decode_response(fragment).has_value();
    case PduType::fault:
        return decode_fault(fragment.body).has_value();
    default:
        return true;
    }
}

// What decoders need of each kind; octets behind it are allowed.
std::size_t needed_octets(PduType type, std::size_t whole) {
    switch (type) {
    case PduType::bind_nak:
        return header_size + 2;
    case PduType::fault:
        return header_size + 12;
    default:
        return whole;
    }
}

TEST(Pdu, EveryFragmentCutShortIsAnErrorThatNamesTheField) {
    for (const Bytes& whole : every_kind) {
        const PduType type = split(whole).header.type;
        for (std::size_t size = header_size; size < needed_octets(type, whole.size()); ++size) {
            Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            cut[8] = static_cast<std::byte>(size & 0xff);
            cut[9] = static_cast<std::byte>(size >> 8);
            EXPECT_FALSE(decodes(split(cut))) << static_cast<int>(type) << " at " << size;
        }
        EXPECT_TRUE(decodes(split(whole)));
    }
}

TEST(Pdu, EveryAlteredOctetIsReadWithoutHarm) { // with the sanitizers' eyes
    for (const Bytes& whole : every_kind) {
        for (std::size_t at = 0; at < whole.size(); ++at) {
            for (const unsigned value : {0u, 1u, 0x7fu, 0x80u, 0xffu}) {
                Bytes altered = whole;
                altered[at] = static_cast<std::byte>(value);
                if (const auto fragment = split_fragment(altered)) decodes(fragment.value());
            }
        }
    }
}

TEST(Pdu, LengthIsKnownFromTheHeaderAlone) {
    const Bytes whole = every_kind[0];
    for (std::size_t size = 0; size < header_size; ++size)
        EXPECT_FALSE(decode_frame(std::span(whole).first(size), longest_fragment).value());
    EXPECT_EQ(decode_frame(std::span(whole).first(header_size), longest_fragment).value()->length,
              whole.size());
}

struct BadHeader {
    const char* name;
    std::size_t at;
    unsigned value;
    const char* said;
};
void PrintTo(const BadHeader& row, std::ostream* out) { *out << row.name; }

class PduHeader : public testing::TestWithParam<BadHeader> {};

TEST_P(PduHeader, IsAProtocolError) {
    Bytes bytes = every_kind[0];
    bytes[GetParam().at] = static_cast<std::byte>(GetParam().value);
    const auto frame = decode_frame(bytes, 1432);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().code, RPC_S_PROTOCOL_ERROR);
    EXPECT_NE(frame.error().what.find(GetParam().said), std::string::npos) << frame.error().what;
}

INSTANTIATE_TEST_SUITE_P(Rows, PduHeader,
                         testing::Values(BadHeader{"Version", 0, 4, "RPC version is 4"},
                                         BadHeader{"MinorVersion", 1, 2, "minor version is 2"},
                                         BadHeader{"Type", 2, 1, "type is 1"},
                                         BadHeader{"TypeAbove", 2, 20, "type is 20"},
                                         BadHeader{"BigEndian", 4, 0, "representation is 0"},
                                         BadHeader{"Ebcdic", 4, 0x11, "representation is 17"},
                                         BadHeader{"TooLong", 9, 6, "length is"},
                                         BadHeader{"TooShort", 8, 15, "length is 15"},
                                         BadHeader{"SecurityBeyondIt", 10, 255, "length is"}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Pdu, PaddingBeyondTheBodyIsAProtocolError) {
    Bytes bytes = encode({PduType::response, only_fragment, 1}, Response{}, octets("x"));
    append_security(bytes, {10, 6, 0, 0}, 16, header_size + response_size);
    bytes[bytes.size() - 16 - security_trailer_size + 2] = std::byte{200}; // auth_pad_length
    EXPECT_FALSE(split_fragment(bytes));
}

} // namespace
} // namespace ntdsb::rpc
