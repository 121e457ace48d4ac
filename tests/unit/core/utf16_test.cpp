// core/utf16.h: strict where the contract is strict (ABI-6), lossless where it must carry (ABI-7).
#include "core/utf16.h"

#include <gtest/gtest.h>

#include <random>

namespace ntdsb {
namespace {

using namespace std::string_view_literals;

std::u16string random_utf16(std::mt19937& generator) {
    // Mostly units at the edges, so that pairs, lone halves and boundaries meet often.
    static constexpr char16_t edges[] = {0,      0x41,   0x7f,   0x80,   0x7ff,  0x800,  0xd7ff,
                                         0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfffd, 0xffff};
    std::uniform_int_distribution<std::size_t> length(0, 24);
    std::uniform_int_distribution<std::size_t> edge(0, std::size(edges));
    std::uniform_int_distribution<int> any(0, 0xffff);
    std::u16string out(length(generator), u'\0');
    for (char16_t& unit : out) {
        const std::size_t choice = edge(generator);
        unit = choice < std::size(edges) ? edges[choice] : static_cast<char16_t>(any(generator));
    }
    return out;
}

bool has_lone_surrogate(std::u16string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool high = text[i] >= 0xd800 && text[i] <= 0xdbff;
        const bool low = text[i] >= 0xdc00 && text[i] <= 0xdfff;
        if (low) return true;
        if (!high) continue;
        if (i + 1 == text.size() || text[i + 1] < 0xdc00 || text[i + 1] > 0xdfff) return true;
        ++i;
    }
    return false;
}

TEST(Utf16, ConvertsEveryWidth) {
    const auto utf8 = utf16_to_utf8(u"a\u00fc\u20ac\U0001f600"sv);
    ASSERT_TRUE(utf8);
    EXPECT_EQ(utf8.value(), "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
    EXPECT_EQ(utf8_to_utf16(utf8.value()).value(), u"a\u00fc\u20ac\U0001f600"sv);
}

TEST(Utf16, KeepsNulCharacters) { EXPECT_EQ(utf16_to_utf8(u"a\0b"sv).value(), "a\0b"sv); }

// AUTH-1: a password's copy does not move while it grows, and so leaves none behind.
TEST(Utf16, AppendsInPlaceWhereThereIsRoom) {
    for (const std::u16string_view letter : {u"k", u"\u00f6", u"\u20ac", u"\U0001f511"}) {
        std::u16string password;
        for (int i = 0; i < 200; ++i) password += letter;
        std::string out;
        out.reserve(most_utf8_size(password));
        const char* const place = out.data();
        ASSERT_TRUE(append_utf8(out, password));
        EXPECT_EQ(out.data(), place);
        EXPECT_EQ(out, utf16_to_utf8(password).value());
        out.clear();
        append_wtf8(out, password);
        EXPECT_EQ(out.data(), place);
        EXPECT_EQ(out, utf16_to_wtf8(password));
    }
}

TEST(Utf16, StrictRefusesLoneSurrogates) {
    for (const auto bad : {u"\xd800"sv, u"\xdc00"sv, u"a\xd800z"sv, u"\xdc00\xd800"sv}) {
        const auto utf8 = utf16_to_utf8(bad);
        ASSERT_FALSE(utf8);
        EXPECT_EQ(utf8.error().code, ERROR_NO_UNICODE_TRANSLATION);
    }
}

TEST(Utf16, StrictRefusesIllFormedUtf8) {
    // Lone continuation, cut short, overlong, a surrogate, beyond U+10FFFF, bytes that UTF-8 has
    // not.
    for (const auto bad : {"\x80"sv, "\xe2\x82"sv, "\xc0\x80"sv, "\xed\xa0\x80"sv,
                           "\xf4\x90\x80\x80"sv, "\xff"sv, "a\xc3z"sv}) {
        const auto utf16 = utf8_to_utf16(bad);
        ASSERT_FALSE(utf16);
        EXPECT_EQ(utf16.error().code, ERROR_NO_UNICODE_TRANSLATION);
    }
}

TEST(Utf16, StrictSaysWhere) {
    EXPECT_NE(utf8_to_utf16("abc\xff"sv).error().what.find("byte 3"), std::string::npos);
}

TEST(Utf16, Wtf8WritesLoneSurrogatesAsThreeBytes) {
    EXPECT_EQ(utf16_to_wtf8(u"\xd800x"sv), "\xed\xa0\x80x"sv);
    EXPECT_EQ(wtf8_to_utf16("\xed\xa0\x80x"sv), u"\xd800x"sv);
}

TEST(Utf16, Wtf8ReplacesOtherBytes) {
    EXPECT_EQ(wtf8_to_utf16("a\xff\xc3z"sv), u"a\ufffd\ufffdz"sv);
    EXPECT_EQ(wtf8_to_utf16("\xe2\x82"sv), u"\ufffd\ufffd"sv);
}

TEST(Utf16, Wtf8DoesNotJoinHalvesOfAPair) {
    EXPECT_EQ(wtf8_to_utf16("\xed\xa0\xbd\xed\xb8\x80"sv), u"\xd83d\ufffd\ufffd\ufffd"sv);
}

TEST(Utf16, Wtf8CarriesAnyUtf16ThereAndBack) {
    std::mt19937 generator(20261123);
    for (int round = 0; round < 20000; ++round) {
        const auto text = random_utf16(generator);
        ASSERT_EQ(wtf8_to_utf16(utf16_to_wtf8(text)), text);
    }
}

TEST(Utf16, StrictAcceptsExactlyWellFormedText) {
    std::mt19937 generator(19991231);
    for (int round = 0; round < 20000; ++round) {
        const auto text = random_utf16(generator);
        const auto utf8 = utf16_to_utf8(text);
        ASSERT_EQ(utf8.has_value(), !has_lone_surrogate(text));
        if (!utf8) continue;
        ASSERT_EQ(utf8.value(), utf16_to_wtf8(text));
        ASSERT_EQ(utf8_to_utf16(utf8.value()).value(), text);
    }
}

TEST(Utf16, StrictRefusesWhatDoesNotComeBack) {
    std::mt19937 generator(4711);
    std::uniform_int_distribution<int> byte(0, 255);
    std::uniform_int_distribution<std::size_t> length(0, 6);
    for (int round = 0; round < 50000; ++round) {
        std::string bytes(length(generator), '\0');
        for (char& c : bytes) c = static_cast<char>(byte(generator) | (round % 2 ? 0x80 : 0));
        const auto utf16 = utf8_to_utf16(bytes);
        if (utf16) {
            ASSERT_EQ(utf16_to_utf8(utf16.value()).value(), bytes);
        }
        (void)wtf8_to_utf16(bytes); // takes anything
    }
}

} // namespace
} // namespace ntdsb
