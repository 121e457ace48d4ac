// core/log.h: one line a call, with time, process, thread and level, shared files, and nothing
// forged.
#include "core/log.h"

#include "core/path.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <thread>

#ifndef _WIN32
#include <cerrno>
#endif

namespace ntdsb {
namespace {

class Log : public testing::Test {
protected:
    ~Log() override { (void)log::configure({}); } // off again

    void configure(log::Level level) { ASSERT_TRUE(log::configure({level, wire_path(file())})); }
    std::filesystem::path file() const { return folder_ / "test.log"; }
    std::vector<std::string> lines() const {
        std::ifstream in(file(), std::ios::binary);
        std::vector<std::string> all;
        for (std::string line; std::getline(in, line);) all.push_back(line);
        return all;
    }

    test::TempFolder folder_;
};

TEST_F(Log, IsOffByDefault) {
    ASSERT_TRUE(log::configure({log::Level::off, wire_path(file())}));
    EXPECT_FALSE(log::enabled(log::Level::error));
    log::error("nobody hears this");
    EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(Log, WritesTimeProcessThreadAndLevel) {
    configure(log::Level::info);
    log::warn("REG-8 ", 5, " ", hex(std::uint64_t{16}));
    ASSERT_EQ(lines().size(), 1u);
    const std::regex pattern(
        R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \d+ \d+ warning REG-8 5 0x10)");
    EXPECT_TRUE(std::regex_match(lines()[0], pattern)) << lines()[0];
}

TEST_F(Log, LeavesOutFinerLevels) {
    configure(log::Level::info);
    EXPECT_TRUE(log::enabled(log::Level::info));
    EXPECT_FALSE(log::enabled(log::Level::debug));
    log::debug("no");
    log::info("yes");
    ASSERT_EQ(lines().size(), 1u);
    EXPECT_TRUE(lines()[0].ends_with("info yes"));
}

TEST_F(Log, KeepsOneLineOneLine) {
    configure(log::Level::info);
    log::info("a\r\n2026-01-01 forged");
    ASSERT_EQ(lines().size(), 1u);
    EXPECT_NE(lines()[0].find("a\\u{000D}\\u{000A}2026"), std::string::npos) << lines()[0];
}

TEST_F(Log, DoesNotInterpretBraces) {
    configure(log::Level::info);
    log::info("{} {0} %s");
    EXPECT_TRUE(lines().at(0).ends_with("{} {0} %s"));
}

TEST_F(Log, AppendsToWhatIsThere) {
    std::ofstream(file(), std::ios::binary) << "before\n";
    configure(log::Level::info);
    log::info("after");
    ASSERT_EQ(lines().size(), 2u);
    EXPECT_EQ(lines()[0], "before");
}

TEST_F(Log, FileThatCannotBeOpenedIsNamed) {
    const auto nowhere = folder_ / "missing" / "test.log";
    const auto configured = log::configure({log::Level::error, wire_path(nowhere)});
    ASSERT_FALSE(configured);
    EXPECT_NE(configured.error().what.find("missing"), std::string::npos)
        << configured.error().what;
    EXPECT_TRUE(log::enabled(log::Level::error)); // goes on to standard error
}

TEST_F(Log, KeepsTheLastError) {
    configure(log::Level::info);
#ifdef _WIN32
    SetLastError(4711);
    log::info("x");
    EXPECT_EQ(GetLastError(), 4711u);
#else
    errno = 4711;
    log::info("x");
    EXPECT_EQ(errno, 4711);
#endif
}

TEST_F(Log, LinesOfSeveralThreadsDoNotMix) {
    configure(log::Level::info);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([] {
            for (int i = 0; i < 200; ++i) log::info("begin ", std::string(200, 'x'), " end");
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(lines().size(), 800u);
    for (const auto& line : lines())
        EXPECT_TRUE(line.ends_with("begin " + std::string(200, 'x') + " end"));
}

} // namespace
} // namespace ntdsb
