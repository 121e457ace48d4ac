// platform/append_file.h: the log's stream.
#include "platform/append_file.h"

#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace ntdsb::platform {
namespace {

TEST(AppendFile, AddsToWhatIsThere) {
    const test::TempFolder folder;
    const auto path = folder / "x.log";
    for (const char* line : {"one\n", "two\n"}) {
        auto file = AppendFile::open(path);
        ASSERT_TRUE(file) << file.error().what;
        EXPECT_TRUE(file.value().append(line));
    }
    std::ifstream in(path, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "one\ntwo\n");
}

#ifndef _WIN32
TEST(AppendFile, PipeWithoutAReaderIsNotWaitedFor) { // ABI-10: the host would hang
    const test::TempFolder folder;
    const auto path = folder / "pipe";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_FALSE(AppendFile::open(path));
}

TEST(AppendFile, PipeWithoutAReaderIsNoSignal) { // ABI-10: it would end the host
    const test::TempFolder folder;
    const auto path = folder / "pipe";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(reader, 0);
    auto file = AppendFile::open(path);
    ASSERT_TRUE(file) << file.error().what;
    EXPECT_TRUE(file.value().append("read\n"));
    ::close(reader);
    EXPECT_FALSE(file.value().append("nobody reads\n"));
    EXPECT_FALSE(file.value().append("nor this\n"));
}
#endif

} // namespace
} // namespace ntdsb::platform
