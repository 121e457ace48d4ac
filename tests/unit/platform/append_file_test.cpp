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

// What changes the disk goes through the seam (CONTRIBUTING, "Durability").
TEST(AppendFile, AnnouncesItsStepsAndObeys) {
    static std::vector<std::string_view> steps;
    static Code answer;
    steps.clear();
    answer = 0;
    const test::TempFolder folder;
    const auto path = folder / "x.log";
    set_disk_hook([](DiskOperation operation, const Path& file) {
        EXPECT_EQ(file.filename(), "x.log");
        steps.push_back(name_of(operation));
        return answer;
    });
    {
        auto file = AppendFile::open(path);
        ASSERT_TRUE(file) << file.error().what;
        EXPECT_TRUE(file.value().append("one\n"));
        EXPECT_TRUE(file.value().flush());
        EXPECT_EQ(steps, (std::vector<std::string_view>{"create", "write", "flush"}));
        answer = ERROR_DISK_FULL;
        EXPECT_FALSE(file.value().append("two\n"));
        EXPECT_FALSE(file.value().flush());
        EXPECT_TRUE(AppendFile::open(path)) << "it is there: nothing changes";
        std::filesystem::create_directory(folder / "empty");
        EXPECT_EQ(AppendFile::open(folder / "empty" / "x.log").error().code, ERROR_DISK_FULL);
    }
    set_disk_hook(nullptr);
    EXPECT_EQ(std::filesystem::file_size(path), 4u);
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
