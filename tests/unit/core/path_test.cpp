// core/path.h: the grammars of PATH-1 to PATH-3, both on every platform.
#include "core/path.h"

#include "core/upper_case.h"

#include <gtest/gtest.h>

namespace ntdsb {
namespace {

using namespace std::string_view_literals;
using enum PathStyle;

bool is_good(std::u16string_view path, PathStyle style) {
    const auto checked = check_path_grammar(path, "log path", style);
    if (!checked) {
        EXPECT_EQ(checked.error().code, ERROR_INVALID_PARAMETER);
        EXPECT_NE(checked.error().what.find("log path"), std::string::npos) << checked.error().what;
    }
    return checked.has_value();
}

TEST(PathArgument, RefusesEmptyPath) {
    EXPECT_EQ(check_path_argument(u"", "p").error().code, ERROR_INVALID_PARAMETER);
}

TEST(PathArgument, AcceptsUpToTheLimit) {
    EXPECT_TRUE(check_path_argument(std::u16string(max_path_characters, u'x'), "p"));
    EXPECT_EQ(check_path_argument(std::u16string(max_path_characters + 1, u'x'), "p").error().code,
              ERROR_INVALID_PARAMETER);
}

TEST(PathArgument, RefusesEveryControlCharacter) {
    for (char16_t c = 0; c < 0x20; ++c)
        EXPECT_FALSE(check_path_argument(u"C:\\a" + std::u16string(1, c), "p"))
            << static_cast<int>(c);
    EXPECT_FALSE(check_path_argument(u"/a\x7f", "p"));
    EXPECT_TRUE(check_path_argument(u"/a ", "p"));
}

TEST(PathArgument, AcceptsLoneSurrogates) {
    EXPECT_TRUE(check_path_argument(u"C:\\\xd800", "p"));
} // ABI-7

TEST(WindowsPath, AcceptsAbsoluteForms) {
    for (const auto path :
         {u"C:\\"sv, u"c:/"sv, u"C:\\NTDS\\ntds.dit"sv, u"C:/NTDS/ntds.dit"sv, u"C:\\NTDS\\"sv,
          u"\\\\server\\share"sv, u"\\\\server\\share\\"sv, u"//server/share/x"sv,
          u"\\\\server\\C$\\NTDS"sv, u"\\\\?\\C:\\NTDS"sv, u"//?/C:/NTDS"sv,
          u"\\\\?\\UNC\\server\\share\\x"sv, u"\\\\?\\unc\\server\\share"sv,
          u"\\\\?\\Volume{01234567-89ab-cdef-0123-456789abcdef}\\NTDS"sv,
          u"\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy1\\NTDS"sv, u"C:\\a\xd800"sv}) {
        EXPECT_TRUE(is_good(path, windows)) << text(path);
    }
}

TEST(WindowsPath, RefusesWhatIsNotAbsolute) {
    for (const auto path : {u"x"sv,
                            u"C:"sv,
                            u"C:x"sv,
                            u"\\x"sv,
                            u"/x"sv,
                            u"\\"sv,
                            u"..\\x"sv,
                            u"1:\\x"sv,
                            u"CC:\\x"sv,
                            u"\\\\"sv,
                            u"\\\\server"sv,
                            u"\\\\server\\"sv,
                            u"\\\\\\share"sv,
                            u"\\\\server\\\\share"sv,
                            u"\\\\.\\C:\\x"sv,
                            u"\\\\.\\PhysicalDrive0"sv,
                            u"\\\\?\\"sv,
                            u"\\\\?\\C:"sv,
                            u"\\\\?\\C:x"sv,
                            u"\\\\?\\x\\y"sv,
                            u"\\\\?\\UNC\\server"sv,
                            u"\\\\?\\UNC\\\\share"sv,
                            u"\\\\?\\PhysicalDrive0"sv,
                            u"\\??\\C:\\x"sv,
                            u"\\\\?\\\\C:\\x"sv}) {
        EXPECT_FALSE(is_good(path, windows)) << text(path);
    }
}

TEST(WindowsPath, RefusesReservedCharactersAfterThePrefix) {
    for (const char16_t c : u"*?\"<>|"sv) {
        for (const auto* prefix :
             {u"C:\\a", u"\\\\?\\C:\\a", u"\\\\server\\share\\a", u"\\\\ser"}) {
            EXPECT_FALSE(is_good(prefix + std::u16string(1, c) + u"b\\c", windows))
                << text(prefix, std::u16string_view(&c, 1));
        }
    }
}

TEST(PosixPath, AcceptsWhatStartsWithASlash) {
    for (const auto path : {u"/"sv, u"/srv/ntds"sv, u"//srv"sv, u"/a*?\"<>|\\b"sv})
        EXPECT_TRUE(is_good(path, posix)) << text(path);
}

TEST(PosixPath, RefusesEverythingElse) {
    for (const auto path : {u""sv, u"a"sv, u"./a"sv, u"C:\\a"sv, u"\\\\server\\share"sv, u"/a\n"sv})
        EXPECT_FALSE(is_good(path, posix)) << text(path);
}

struct Spelling {
    std::u16string_view path, normal;
};

TEST(WindowsPath, NormalizesToOneSpelling) {
    for (const auto& [path, normal] :
         {Spelling{u"C:/NTDS//x/./y/../z\\", u"C:\\NTDS\\x\\z"}, Spelling{u"C:\\", u"C:\\"},
          Spelling{u"C:\\a\\..", u"C:\\"}, Spelling{u"C:\\..\\..\\a", u"C:\\a"},
          Spelling{u"\\\\?\\C:\\a", u"C:\\a"}, Spelling{u"//?/C:/a/", u"C:\\a"},
          Spelling{u"\\\\?\\UNC\\s\\h\\a", u"\\\\s\\h\\a"}, Spelling{u"\\\\s\\h\\", u"\\\\s\\h"},
          Spelling{u"//s/h/../../a", u"\\\\s\\h\\a"},
          Spelling{u"\\\\?\\GLOBALROOT/Device/x", u"\\\\?\\GLOBALROOT\\Device\\x"},
          Spelling{u"C:\\a.\\b. .", u"C:\\a\\b"}, // what only \\?\ can say keeps it
          Spelling{u"\\\\?\\C:\\a.\\b ", u"\\\\?\\C:\\a.\\b "},
          Spelling{u"\\\\?\\UNC\\s\\h\\a.", u"\\\\?\\UNC\\s\\h\\a."}}) {
        EXPECT_EQ(text(normalize_path(path, windows)), text(normal));
    }
}

TEST(PosixPath, NormalizesToOneSpelling) {
    for (const auto& [path, normal] :
         {Spelling{u"/a//b/./c/../d/", u"/a/b/d"}, Spelling{u"/", u"/"}, Spelling{u"///", u"/"},
          Spelling{u"/..", u"/"}, Spelling{u"/a\\b", u"/a\\b"}, Spelling{u"/a. ", u"/a. "}}) {
        EXPECT_EQ(text(normalize_path(path, posix)), text(normal));
    }
}

TEST(Path, NormalizingTwiceChangesNothing) {
    for (const auto path :
         {u"C:/a/../b\\"sv, u"\\\\?\\UNC\\s\\h\\..\\x"sv, u"//s/h"sv, u"\\\\?\\Volume{1-2}\\a"sv}) {
        const auto once = normalize_path(path, windows);
        EXPECT_EQ(text(normalize_path(once, windows)), text(once));
    }
}

TEST(WindowsPath, ComparesWithoutCase) {
    EXPECT_TRUE(same_path(u"c:\\ntds\\NTDS.dit", u"C:/NTDS/ntds.DIT/", windows));
    EXPECT_TRUE(same_path(u"\\\\?\\C:\\\u00e4\u03c9\u0434", u"C:\\\u00c4\u03a9\u0414", windows));
    EXPECT_TRUE(same_path(u"\\\\?\\UNC\\S\\h\\x", u"//s/H/X", windows));
    EXPECT_FALSE(same_path(u"C:\\a", u"C:\\b", windows));
    EXPECT_FALSE(same_path(u"C:\\\u00df", u"C:\\SS", windows));
}

TEST(PosixPath, ComparesWithCase) {
    EXPECT_TRUE(same_path(u"/a/b", u"/a//b/", posix));
    EXPECT_FALSE(same_path(u"/a", u"/A", posix));
}

TEST(Path, WithinMeansWholeComponents) {
    EXPECT_TRUE(path_is_within(u"C:\\NTDS\\x", u"c:\\ntds", windows));
    EXPECT_TRUE(path_is_within(u"C:\\NTDS", u"C:\\NTDS\\", windows));
    EXPECT_TRUE(path_is_within(u"C:\\NTDS", u"C:\\", windows));
    EXPECT_FALSE(path_is_within(u"C:\\NTDS2", u"C:\\NTDS", windows));
    EXPECT_FALSE(path_is_within(u"C:\\", u"C:\\NTDS", windows));
    EXPECT_FALSE(path_is_within(u"C:\\NTDS\\..\\x", u"C:\\NTDS", windows));
    EXPECT_TRUE(path_is_within(u"\\\\s\\h\\x", u"\\\\s\\h", windows));
    EXPECT_FALSE(path_is_within(u"\\\\s\\h2", u"\\\\s\\h", windows));
    EXPECT_TRUE(path_is_within(u"/srv/x", u"/", posix));
    // A name that only \\\\?\\ can say lies where it lies (the fuzzer's find).
    EXPECT_TRUE(path_is_within(u"\\\\?\\C:\\NTDS\\state. ", u"C:\\NTDS", windows));
    EXPECT_TRUE(path_is_within(u"\\\\?\\UNC\\s\\h\\x.", u"\\\\s\\h", windows));
    EXPECT_FALSE(path_is_within(u"\\\\?\\C:\\NTDS.\\x", u"C:\\NTDS", windows));
    EXPECT_TRUE(paths_overlap(u"C:\\NTDS", u"\\\\?\\C:\\NTDS\\state.", windows));
    EXPECT_FALSE(path_is_within(u"/srv/../etc", u"/srv", posix));
    EXPECT_FALSE(path_is_within(u"/SRV/x", u"/srv", posix));
}

TEST(Path, JoinsWithOneSeparator) {
    EXPECT_EQ(join_path(u"C:\\", u"a", windows), u"C:\\a");
    EXPECT_EQ(join_path(u"C:\\b", u"a", windows), u"C:\\b\\a");
    EXPECT_EQ(join_path(u"C:/b/", u"a", windows), u"C:/b/a");
    EXPECT_EQ(join_path(u"/", u"a", posix), u"/a");
    EXPECT_EQ(join_path(u"/b\\", u"a", posix), u"/b\\/a");
}

TEST(Path, TakesNameAndParentApart) {
    EXPECT_EQ(path_file_name(u"C:\\a\\b.dit", windows), u"b.dit");
    EXPECT_EQ(path_file_name(u"C:/a/b/", windows), u"b");
    EXPECT_EQ(path_file_name(u"C:\\", windows), u"");
    EXPECT_EQ(path_file_name(u"\\\\s\\h", windows), u"");
    EXPECT_EQ(path_file_name(u"/a/b\\c", posix), u"b\\c");
    EXPECT_EQ(path_parent(u"C:\\a\\b.dit", windows), u"C:\\a");
    EXPECT_EQ(path_parent(u"C:\\a", windows), u"C:\\");
    EXPECT_EQ(path_parent(u"C:\\", windows), u"");
    EXPECT_EQ(path_parent(u"\\\\s\\h\\x", windows), u"\\\\s\\h");
    EXPECT_EQ(path_parent(u"/a", posix), u"/");
    EXPECT_EQ(path_parent(u"/", posix), u"");
}

TEST(NativePath, ComesBackUnchanged) {
    for (const auto path : {u"/srv/\u00e4\u20ac"sv, u"/srv/\xd800 x"sv, u"/srv/\U0001f600"sv})
        EXPECT_EQ(text(wire_path(native_path(path))), text(path));
}

#ifdef _WIN32
TEST(NativePath, PrefixesLongPathsOnly) {
    const std::u16string deep = u"C:\\" + std::u16string(300, u'x');
    EXPECT_EQ(native_path(u"C:\\x").native(), L"C:\\x");
    EXPECT_TRUE(native_path(deep).native().starts_with(L"\\\\?\\C:\\xxx"));
    EXPECT_EQ(wire_path(native_path(deep)), deep);
    const std::u16string far_away = u"\\\\s\\h\\" + std::u16string(300, u'x');
    EXPECT_TRUE(native_path(far_away).native().starts_with(L"\\\\?\\UNC\\s\\h\\xxx"));
    EXPECT_EQ(wire_path(native_path(far_away)), far_away);
}

TEST(UpperCase, AgreesWithTheSystem) {
    for (unsigned c = 1; c < 0x530; ++c) { // the scripts that no version of Windows disagrees on
        const wchar_t mine = static_cast<wchar_t>(upper_case(static_cast<char16_t>(c)));
        const wchar_t unit = static_cast<wchar_t>(c);
        EXPECT_EQ(CompareStringOrdinal(&unit, 1, &mine, 1, TRUE), CSTR_EQUAL) << c;
    }
}
#endif

TEST(UpperCase, MapsLettersAndNothingElse) {
    EXPECT_EQ(upper_case(u'a'), u'A');
    EXPECT_EQ(upper_case(u'z'), u'Z');
    EXPECT_EQ(upper_case(u'{'), u'{');
    EXPECT_EQ(upper_case(u'`'), u'`');
    EXPECT_EQ(upper_case(u'\u00ff'), u'\u0178');
    EXPECT_EQ(upper_case(u'\u0101'), u'\u0100');
    EXPECT_EQ(upper_case(u'\u0100'), u'\u0100');
    EXPECT_EQ(upper_case(u'\u0131'), u'\u0131'); // dotless i is no i
    EXPECT_EQ(upper_case(char16_t{0xd83d}), char16_t{0xd83d});
    EXPECT_EQ(upper_case(u'\uff41'), u'\uff21');
}

} // namespace
} // namespace ntdsb
