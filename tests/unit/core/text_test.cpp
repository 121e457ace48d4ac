// core/text.h: sentences from parts, and nothing hostile in them.
#include "core/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace ntdsb {
namespace {

using namespace std::string_view_literals;

TEST(Text, JoinsPartsOfAllKinds) {
    EXPECT_EQ(text("generation ", 12u, " of ", std::int64_t{-3}, '!', std::string(" end")),
              "generation 12 of -3! end");
    EXPECT_EQ(text(), "");
}

TEST(Text, ShowsExtremeNumbers) {
    EXPECT_EQ(text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(text(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(Text, ShowsHexWithoutLeadingZeros) {
    EXPECT_EQ(text(hex(std::uint64_t{0})), "0x0");
    EXPECT_EQ(text(hex(std::uint64_t{0xabc})), "0xABC");
}

TEST(Text, ShowsNegativeCodesAs32Bits) { EXPECT_EQ(text(hex(std::int32_t{-2})), "0xFFFFFFFE"); }

TEST(Text, ShowsUtf16AsUtf8) {
    EXPECT_EQ(text(u"\u00fc\u20ac\U0001f600"sv), "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(Text, EscapesControlCharactersOfUtf16) {
    EXPECT_EQ(text(u"a\nb\x1b[0m\x7f\u0085"sv), "a\\u{000A}b\\u{001B}[0m\\u{007F}\\u{0085}");
}

TEST(Text, EscapesWhatReordersOrBreaksLines) {
    EXPECT_EQ(text(u"\u202e\u2028\u2066"sv), "\\u{202E}\\u{2028}\\u{2066}");
}

TEST(Text, EscapesLoneSurrogatesAndKeepsWhatFollows) {
    EXPECT_EQ(text(u"a\xd83d"sv), "a\\u{D83D}");
    EXPECT_EQ(text(u"\xd83dz"sv), "\\u{D83D}z");
    EXPECT_EQ(text(u"\xd83d\xd83d\xde00"sv), "\\u{D83D}\xf0\x9f\x98\x80");
    EXPECT_EQ(text(u"\xde00z"sv), "\\u{DE00}z");
}

} // namespace
} // namespace ntdsb
