// platform/process.h: clock, environment, names, rights.
#include "platform/process.h"

#include "core/path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#ifdef _WIN32
#include "platform/windows/wine.h"
#else
#include <cerrno>
#include <cstdlib>
#endif

namespace ntdsb::platform {
namespace {

constexpr std::uint64_t ticks_per_second = 10'000'000;

void set_last_error(int value) {
#ifdef _WIN32
    SetLastError(static_cast<DWORD>(value));
#else
    errno = value;
#endif
}

int last_error() {
#ifdef _WIN32
    return static_cast<int>(GetLastError());
#else
    return errno;
#endif
}

TEST(ThreadStateKeeper, PutsTheValueBack) { // ABI-10
    set_last_error(17);
    {
        const ThreadStateKeeper keeper;
        set_last_error(99);
    }
    EXPECT_EQ(last_error(), 17);
}

TEST(Time, FormatsFiletimes) {
    EXPECT_EQ(format_filetime(0), "1601-01-01T00:00:00Z");
    EXPECT_EQ(format_filetime(116444736000000000), "1970-01-01T00:00:00Z");
    EXPECT_EQ(format_filetime(116444736000000000 + 951826333 * ticks_per_second + 5),
              "2000-02-29T12:12:13Z");
}

TEST(Time, FormatsAnyFiletimeWithoutFailing) {
    EXPECT_FALSE(format_filetime(~std::uint64_t{0}).empty());
}

TEST(Time, NowIsAfterThisWasWrittenAndGoesOn) {
    const auto now = now_filetime();
    EXPECT_GT(format_filetime(now), "2024-01-01");
    EXPECT_LE(now, now_filetime() + ticks_per_second);
}

TEST(Process, RandomBytesDiffer) {
    std::array<std::byte, 16> a{};
    std::array<std::byte, 16> b{};
    ASSERT_TRUE(random_bytes(a));
    ASSERT_TRUE(random_bytes(b));
    EXPECT_NE(a, b);
    std::vector<std::byte> many(1000);
    ASSERT_TRUE(random_bytes(many));
    EXPECT_GT(std::count_if(many.begin() + 900, many.end(),
                            [](std::byte value) { return value != std::byte{0}; }),
              0);
    EXPECT_TRUE(random_bytes({}));
}

TEST(Process, ReadsTheEnvironmentAsItIsNow) {
    const std::string long_value(2000, 'x');
#ifdef _WIN32
    ASSERT_TRUE(SetEnvironmentVariableW(L"NTDSB_TEST_VARIABLE", L"\u20ac"));
    EXPECT_EQ(environment("NTDSB_TEST_VARIABLE"), u"\u20ac");
    ASSERT_TRUE(SetEnvironmentVariableA("NTDSB_TEST_VARIABLE", long_value.c_str()));
    EXPECT_EQ(environment("NTDSB_TEST_VARIABLE"), std::u16string(2000, u'x'));
    ASSERT_TRUE(SetEnvironmentVariableW(L"NTDSB_TEST_VARIABLE", nullptr));
#else
    ASSERT_EQ(::setenv("NTDSB_TEST_VARIABLE", "\xe2\x82\xac", 1), 0);
    EXPECT_EQ(environment("NTDSB_TEST_VARIABLE"), u"\u20ac");
    ASSERT_EQ(::setenv("NTDSB_TEST_VARIABLE", long_value.c_str(), 1), 0);
    EXPECT_EQ(environment("NTDSB_TEST_VARIABLE"), std::u16string(2000, u'x'));
    ASSERT_EQ(::setenv("NTDSB_TEST_VARIABLE", "", 1), 0);
    EXPECT_EQ(environment("NTDSB_TEST_VARIABLE"), u"");
    ASSERT_EQ(::unsetenv("NTDSB_TEST_VARIABLE"), 0);
#endif
    EXPECT_FALSE(environment("NTDSB_TEST_VARIABLE"));
}

TEST(Process, DefaultPlacesAreAbsolute) {
    EXPECT_TRUE(check_path_grammar(default_config_file(), "file"));
    EXPECT_TRUE(check_path_grammar(default_state_folder(), "folder"));
    EXPECT_EQ(path_file_name(default_config_file()), u"ntdsbcli.toml");
}

TEST(Process, KnowsItsComputerInLowerCase) {
    const auto names = computer_names();
    ASSERT_FALSE(names.empty());
    for (const auto& name : names) {
        EXPECT_FALSE(name.empty());
        EXPECT_EQ(std::count_if(name.begin(), name.end(),
                                [](char16_t c) { return c >= u'A' && c <= u'Z'; }),
                  0);
        EXPECT_EQ(std::count(names.begin(), names.end(), name), 1);
    }
}

TEST(Process, HasANumber) { EXPECT_NE(process_id(), 0u); }

#ifdef _WIN32

TEST(PlatformMarker, TellsWineFromWindows) {
    const std::string marker = platform_marker();
    EXPECT_EQ(marker == "windows", !is_wine());
    if (is_wine()) {
        EXPECT_TRUE(marker.starts_with("wine ") && marker.size() > 5) << marker;
    }
    EXPECT_EQ(marker, platform_marker());
}

// Whether the privilege is enabled in the thread's own token; std::nullopt: the thread has none.
std::optional<bool> enabled_in_thread_token(const wchar_t* name) {
    HANDLE token = nullptr;
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token)) return std::nullopt;
    PRIVILEGE_SET wanted{};
    wanted.PrivilegeCount = 1;
    wanted.Control = PRIVILEGE_SET_ALL_NECESSARY;
    BOOL enabled = FALSE;
    LookupPrivilegeValueW(nullptr, name, &wanted.Privilege[0].Luid);
    PrivilegeCheck(token, &wanted, &enabled);
    CloseHandle(token);
    return enabled != FALSE;
}

TEST(ThreadPrivileges, AreOnATemporaryThreadTokenOnly) { // ACC-1
    if (!check_right(Right::restore)) GTEST_SKIP() << "this user may not restore";
    EXPECT_FALSE(enabled_in_thread_token(L"SeRestorePrivilege"));
    {
        const ThreadPrivileges privileges;
        EXPECT_TRUE(enabled_in_thread_token(L"SeRestorePrivilege").value_or(false));
        EXPECT_TRUE(enabled_in_thread_token(L"SeBackupPrivilege").value_or(false));
        { const ThreadPrivileges inner; }
        EXPECT_TRUE(enabled_in_thread_token(L"SeRestorePrivilege")
                        .value_or(false)); // what was there is back
    }
    EXPECT_FALSE(enabled_in_thread_token(L"SeRestorePrivilege"));
}

TEST(CheckRight, AnonymousThreadHasNone) { // ACC-1: the calling thread's token counts
    if (!ImpersonateAnonymousToken(GetCurrentThread()))
        GTEST_SKIP() << "there is no anonymous token here";
    const auto backup = check_right(Right::backup);
    const auto restore = check_right(Right::restore);
    RevertToSelf();
    EXPECT_FALSE(backup);
    EXPECT_FALSE(restore);
}

#else

TEST(PlatformMarker, IsPosix) { EXPECT_EQ(platform_marker(), "posix"); }

TEST(CheckRight, FilesDecideOffWindows) { // ACC-2
    EXPECT_TRUE(check_right(Right::backup));
    EXPECT_TRUE(check_right(Right::restore));
}

TEST(Environment, IsTrustedWithoutSetUid) { EXPECT_TRUE(environment_is_trusted()); }

#endif

} // namespace
} // namespace ntdsb::platform
