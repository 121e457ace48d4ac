// platform/ansi.h (contract ABI-6): strict both ways, whatever the code page.
#include "platform/ansi.h"

#include <gtest/gtest.h>

namespace ntdsb::platform {
namespace {

using namespace std::string_view_literals;

// Off Windows always UTF-8; there these tests need not ask.
unsigned code_page() {
#ifdef _WIN32
    return GetACP();
#else
    return 65001;
#endif
}

TEST(Ansi, ConvertsAsciiBothWays) {
    EXPECT_EQ(ansi_to_utf16("C:\\NTDS").value(), u"C:\\NTDS");
    EXPECT_EQ(utf16_to_ansi(u"C:\\NTDS").value(), "C:\\NTDS");
}

TEST(Ansi, EmptyStaysEmpty) {
    EXPECT_TRUE(ansi_to_utf16("").value().empty());
    EXPECT_TRUE(utf16_to_ansi(u"").value().empty());
}

TEST(Ansi, KeepsNulCharacters) {
    EXPECT_EQ(ansi_to_utf16("a\0b"sv).value(), u"a\0b"sv);
    EXPECT_EQ(utf16_to_ansi(u"a\0b"sv).value(), "a\0b"sv);
}

TEST(Ansi, LoneSurrogateIsNoTranslation) {
    EXPECT_EQ(utf16_to_ansi(u"a\xd800z"sv).error().code, ERROR_NO_UNICODE_TRANSLATION);
}

TEST(Ansi, CharacterOutsideTheCodePageIsNeverSubstituted) {
    const auto ansi =
        utf16_to_ansi(u"\u30bd\u0416\u0e01\u00e9"sv); // no single legacy code page has all four
    if (code_page() == 65001) {
        EXPECT_EQ(ansi_to_utf16(ansi.value()).value(), u"\u30bd\u0416\u0e01\u00e9"sv);
    } else {
        EXPECT_EQ(ansi.error().code, ERROR_NO_UNICODE_TRANSLATION);
    }
}

TEST(Ansi, BestFitIsNotTaken) {
    if (code_page() == 65001) GTEST_SKIP() << "UTF-8 has every character";
    EXPECT_EQ(utf16_to_ansi(u"\uff21"sv).has_value(),
              code_page() == 932 || code_page() == 936 || code_page() == 949 || code_page() == 950);
}

TEST(Ansi, IllFormedBytesAreNoTranslation) {
    const unsigned page = code_page();
    if (page == 1252) GTEST_SKIP() << "code page 1252 accepts every byte";
    EXPECT_EQ(ansi_to_utf16(page == 65001 ? "a\xff"sv : "a\x83"sv).error().code,
              ERROR_NO_UNICODE_TRANSLATION);
}

TEST(Ansi, CodePage932TrailByteIsNoBackslash) {
    if (code_page() != 932) GTEST_SKIP() << "the code page is " << code_page();
    EXPECT_EQ(ansi_to_utf16("\x83\x5c"sv).value(), u"\u30bd");
    EXPECT_EQ(utf16_to_ansi(u"\u30bd").value(), "\x83\x5c");
}

} // namespace
} // namespace ntdsb::platform
