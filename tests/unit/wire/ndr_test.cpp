// The codec's constructions one by one, each against octets derived by hand from C706 chapter 14,
// and what decoding refuses.
#include "wire/ndr.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace ntdsb::wire {

namespace {

Bytes octets(std::initializer_list<int> values) {
    Bytes bytes;
    for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

void append_long(Bytes& bytes, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

Bytes longs(std::initializer_list<std::uint32_t> values) {
    Bytes bytes;
    for (const auto value : values) append_long(bytes, value);
    return bytes;
}

struct Text {
    std::u16string value;
    template <class Codec>
    void fields(Codec& codec) {
        codec(value);
    }
};
struct Token {
    std::optional<Bytes> value;
    template <class Codec>
    void fields(Codec& codec) {
        codec.counted_token(value);
    }
};
struct List {
    std::optional<std::u16string> value;
    template <class Codec>
    void fields(Codec& codec) {
        codec.counted_list(value);
    }
};
struct Map {
    std::vector<RestoreMapPair> value;
    template <class Codec>
    void fields(Codec& codec) {
        codec.counted_map(value);
    }
};
struct LongThenHyper {
    std::uint32_t first = 0;
    std::uint64_t second = 0;
    template <class Codec>
    void fields(Codec& codec) {
        codec(first), codec(second);
    }
};
struct TextThenHandle {
    std::u16string text;
    ContextHandle handle;
    template <class Codec>
    void fields(Codec& codec) {
        codec(text), codec(handle);
    }
};
struct TwoTokens {
    std::optional<Bytes> first;
    std::optional<Bytes> second;
    template <class Codec>
    void fields(Codec& codec) {
        codec.counted_token(first), codec.counted_token(second);
    }
};
struct Ranged {
    std::uint32_t value = 0;
    template <class Codec>
    void fields(Codec& codec) {
        codec.ranged(value, 2, 4);
    }
};

template <class Struct>
void expect_refused(const Bytes& stub, std::string_view part_of_the_sentence) {
    const auto result = decode<Struct>(stub);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, RPC_X_BAD_STUB_DATA);
    EXPECT_NE(result.error().what.find(part_of_the_sentence), std::string::npos)
        << result.error().what;
}

// A string of `actual` units, of which the last is NUL and the others are 'a'.
Bytes string_octets(std::uint32_t max, std::uint32_t offset, std::uint32_t actual) {
    auto bytes = longs({max, offset, actual});
    for (std::uint32_t i = 0; i < actual; ++i) {
        bytes.push_back(static_cast<std::byte>(i + 1 < actual ? 'a' : 0));
        bytes.push_back(std::byte{});
    }
    return bytes;
}

} // namespace

TEST(NdrString, IsConformantVaryingWithItsTerminatorCounted) {
    const auto expected = octets({3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'a', 0, 0xac, 0x20, 0, 0});
    EXPECT_EQ(encode(Text{u"a\u20ac"}), expected);
    EXPECT_EQ(decode<Text>(expected).value().value, u"a\u20ac");
}

TEST(NdrString, OfNoCharactersIsItsTerminator) {
    const auto expected = octets({1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0});
    EXPECT_EQ(encode(Text{}), expected);
    EXPECT_EQ(decode<Text>(expected).value().value, u"");
}

TEST(NdrString, KeepsLoneSurrogates) { // contract ABI-7
    const std::u16string lone{u'x', char16_t(0xd800), u'y', char16_t(0xdfff)};
    EXPECT_EQ(decode<Text>(encode(Text{lone})).value().value, lone);
}

TEST(NdrString, MayHaveAMaximumAboveItsActualCount) { // C706 14.3.3.4
    EXPECT_EQ(decode<Text>(string_octets(9, 0, 3)).value().value, u"aa");
}

TEST(NdrString, RefusesCountsThatContradict) {
    expect_refused<Text>(string_octets(2, 0, 3), "at offset 8 of 18");
    expect_refused<Text>(string_octets(3, 1, 3), "offset between 0 and 0, found 1");
    expect_refused<Text>(string_octets(3, 0, 0), "actual count between 1 and 3, found 0");
    expect_refused<Text>(string_octets(0, 0, 0), "maximum count");
}

TEST(NdrString, RefusesWithoutTerminator) {
    expect_refused<Text>(octets({1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'a', 0}), "found none");
}

TEST(NdrString, RefusesNulBeforeItsTerminator) {
    expect_refused<Text>(octets({3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'a', 0, 0, 0, 0, 0}),
                         "found one after 1");
    expect_refused<Text>(encode(Text{std::u16string(u"a\0b", 3)}), "found one after 1");
}

TEST(NdrString, TakesTheLongestPathAndNoLongerOne) { // contract PATH-1
    const std::u16string longest(32767, u'a');
    EXPECT_EQ(decode<Text>(encode(Text{longest})).value().value, longest);
    expect_refused<Text>(encode(Text{longest + u'a'}), "between 1 and 32768, found 32769");
}

TEST(NdrContextHandle, IsAttributesAndUuidAlignedToFour) {
    TextThenHandle value;
    value.handle.attributes = 0x04030201;
    for (std::uint8_t i = 0; i < 16; ++i)
        value.handle.uuid[i] = static_cast<std::uint8_t>(0xa0 + i);
    const auto expected =
        octets({1,    0,    0,    0,    0,    0,    0,    0,    1,    0,    0,    0,
                0,    0,    0,    0,    1,    2,    3,    4,    0xa0, 0xa1, 0xa2, 0xa3,
                0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf});
    EXPECT_EQ(encode(value), expected);
    EXPECT_EQ(decode<TextThenHandle>(expected).value().handle, value.handle);
}

TEST(NdrHyper, IsAlignedToEight) {
    const auto expected = octets({1, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1});
    EXPECT_EQ(encode(LongThenHyper{1, 0x0102030405060708}), expected);
    EXPECT_EQ(decode<LongThenHyper>(expected).value().second, 0x0102030405060708u);
}

TEST(NdrPadding, MayHoldAnything) { // C706 14.2.2
    const auto stub = octets({1, 0, 0, 0, 9, 9, 9, 9, 2, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(decode<LongThenHyper>(stub).value().second, 2u);
}

TEST(NdrUniquePointer, IsAReferentThenItsPointee) {
    const auto expected = octets({2, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0xaa, 0xbb});
    EXPECT_EQ(encode(Token{octets({0xaa, 0xbb})}), expected);
    EXPECT_EQ(decode<Token>(expected).value().value, octets({0xaa, 0xbb}));
}

TEST(NdrUniquePointer, IsZeroWhenNull) {
    EXPECT_EQ(encode(Token{}), longs({0, 0}));
    EXPECT_FALSE(decode<Token>(longs({0, 0})).value().value.has_value());
}

TEST(NdrUniquePointer, TellsNullFromEmpty) {
    EXPECT_EQ(encode(Token{Bytes{}}), longs({0, 0x20000, 0}));
    EXPECT_EQ(decode<Token>(longs({0, 0x20000, 0})).value().value, Bytes{});
}

TEST(NdrUniquePointer, HasAReferentOfItsOwn) { // C706 14.3.10: no two are equal
    EXPECT_EQ(encode(TwoTokens{Bytes{}, Bytes{}}), longs({0, 0x20000, 0, 0, 0x20004, 0}));
}

TEST(NdrUniquePointer, MayHaveAnyReferentButZero) {
    EXPECT_EQ(decode<Token>(longs({0, 1, 0})).value().value, Bytes{});
}

TEST(NdrUniquePointer, RefusesNullWithACount) {
    expect_refused<Token>(longs({1, 0}), "a pointer to 1 elements, found a null one");
    expect_refused<List>(longs({1, 0}), "a pointer to 1 elements, found a null one");
}

TEST(NdrUniquePointer, RefusesAConformanceOtherThanTheCount) {
    expect_refused<Token>(longs({4, 0x20000, 3, 0}), "conformance between 4 and 4, found 3");
    expect_refused<List>(longs({1, 0x20000, 2, 0}), "conformance between 1 and 1, found 2");
}

TEST(NdrToken, TakesTheLongestAndNoLongerOne) {
    const Bytes longest(max_token_bytes, std::byte{7});
    EXPECT_EQ(decode<Token>(encode(Token{longest})).value().value, longest);
    expect_refused<Token>(encode(Token{Bytes(max_token_bytes + 1)}),
                          "between 0 and 65536, found 65537");
}

TEST(NdrToken, IsNotAllocatedBeyondTheBytesThatAreThere) {
    expect_refused<Token>(longs({0x8000, 0x20000, 0x8000, 1}), "32768 bytes of a token, found 4");
    expect_refused<List>(longs({0x1000000, 0x20000, 0x1000000, 1}),
                         "33554432 bytes of a list, found 4");
}

TEST(NdrList, KeepsItsInnerNuls) { // contract ABI-5
    const std::u16string list(u"Da\0\x82"
                              u"b\0\0",
                              7);
    const auto expected = octets(
        {7, 0, 0, 0, 0, 0, 2, 0, 7, 0, 0, 0, 'D', 0, 'a', 0, 0, 0, 0x82, 0, 'b', 0, 0, 0, 0, 0});
    EXPECT_EQ(encode(List{list}), expected);
    EXPECT_EQ(decode<List>(expected).value().value, list);
}

TEST(NdrList, RefusesMoreCharactersThanItsLimit) {
    expect_refused<List>(longs({max_list_characters + 1, 0x20000, max_list_characters + 1}),
                         "between 0 and 16777216");
}

TEST(NdrMap, IsAnArrayOfReferentsThenTheStringsInOrder) { // C706 14.3.12.3
    const auto expected = octets({
        2, 0, 0, 0,                                        // count
        2, 0, 0, 0,                                        // conformance
        0, 0, 2, 0, 4,  0, 2, 0,                           // the first pair's referents
        8, 0, 2, 0, 12, 0, 2, 0,                           // the second pair's
        2, 0, 0, 0, 0,  0, 0, 0, 2, 0, 0, 0, 'a', 0, 0, 0, // "a"
        1, 0, 0, 0, 0,  0, 0, 0, 1, 0, 0, 0, 0,   0, 0, 0, // empty, and two of padding
        1, 0, 0, 0, 0,  0, 0, 0, 1, 0, 0, 0, 0,   0, 0, 0, // empty, and two of padding
        2, 0, 0, 0, 0,  0, 0, 0, 2, 0, 0, 0, 'b', 0, 0, 0, // "b"
    });
    const std::vector<RestoreMapPair> pairs{{u"a", u""}, {u"", u"b"}};
    EXPECT_EQ(encode(Map{pairs}), expected);
    EXPECT_EQ(decode<Map>(expected).value().value, pairs);
}

TEST(NdrMap, RefusesNoPairsAndTooMany) { // contract REG-3
    expect_refused<Map>(encode(Map{}), "between 1 and 1024, found 0");
    std::vector<RestoreMapPair> pairs(max_restore_map_pairs);
    EXPECT_EQ(decode<Map>(encode(Map{pairs})).value().value, pairs);
    pairs.emplace_back();
    expect_refused<Map>(encode(Map{pairs}), "between 1 and 1024, found 1025");
    expect_refused<Map>(longs({0xffffffff, 0xffffffff}), "found 4294967295");
}

TEST(NdrMap, RefusesAConformanceOtherThanTheCount) {
    expect_refused<Map>(longs({1, 2}), "conformance between 1 and 1, found 2");
}

TEST(NdrMap, RefusesANullMember) { // contract REG-3
    auto stub = encode(Map{{{u"a", u"b"}}});
    stub[12] = stub[14] = std::byte{}; // the second referent was 0x00020004
    expect_refused<Map>(stub,
                        "at offset 12 of 48: expected a pointer to a string, found a null one");
}

TEST(NdrRange, HoldsAtBothEnds) {
    expect_refused<Ranged>(longs({1}), "between 2 and 4, found 1");
    EXPECT_EQ(decode<Ranged>(longs({2})).value().value, 2u);
    EXPECT_EQ(decode<Ranged>(longs({4})).value().value, 4u);
    expect_refused<Ranged>(longs({5}), "between 2 and 4, found 5");
}

TEST(NdrDecoder, RefusesBytesLeftOver) {
    expect_refused<StatusReply>(longs({0, 0}),
                                "at offset 4 of 8: expected the end, found 4 more bytes");
    expect_refused<BackupPing::Request>(octets({0}), "expected the end, found 1 more bytes");
}

TEST(NdrDecoder, RefusesAReadOfNoBytesOrTooMany) {
    EXPECT_EQ(
        decode<BackupRead::Request>(encode(BackupRead::Request{{}, max_read_bytes})).value().size,
        max_read_bytes);
    expect_refused<BackupRead::Request>(encode(BackupRead::Request{{}, 0}), "found 0");
    expect_refused<BackupRead::Request>(encode(BackupRead::Request{{}, max_read_bytes + 1}),
                                        "found 16777217");
}

TEST(NdrEncoder, LeavesTheValueAsItWas) {
    const Map value{{{u"a", u"b"}}};
    encode(value);
    EXPECT_EQ(value.value, (std::vector<RestoreMapPair>{{u"a", u"b"}}));
}

} // namespace ntdsb::wire
