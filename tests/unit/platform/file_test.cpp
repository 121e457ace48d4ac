// platform/file.h: the codes, and above all that a replacement that fails at any step leaves the
// old file or the new one.
#include "platform/file.h"

#include "core/path.h"
#include "support/codes.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#ifndef _WIN32
#include <sys/stat.h>
#endif

namespace ntdsb::platform {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content_of(const fs::path& path) {
    const auto content = read_whole_file(path, 1 << 20);
    if (!content) return "error: " + content.error().what;
    return std::string(reinterpret_cast<const char*>(content.value().data()),
                       content.value().size());
}

class Files : public testing::Test {
protected:
    fs::path write(std::string_view name, std::string_view content) const {
        std::ofstream(folder_ / name, std::ios::binary) << content;
        return folder_ / name;
    }
    std::size_t entries() const { return list_folder(folder_.path()).value().size(); }

    test::TempFolder folder_;
};

TEST_F(Files, ReadsAtAnyOffset) {
    const auto file = File::open_read(write("a", "0123456789")).value();
    std::array<std::byte, 4> buffer{};
    EXPECT_EQ(file.read_at(3, buffer).value(), 4u);
    EXPECT_EQ(std::memcmp(buffer.data(), "3456", 4), 0);
    EXPECT_EQ(file.read_at(8, buffer).value(), 2u); // short at the end
    EXPECT_EQ(file.read_at(10, buffer).value(), 0u);
    EXPECT_EQ(file.read_at(std::uint64_t{1} << 40, buffer).value(), 0u);
    EXPECT_EQ(file.read_at(0, {}).value(), 0u);
    buffer.fill(std::byte{});
    EXPECT_EQ(file.read_alone(3, buffer).value(), 4u);
    EXPECT_EQ(std::memcmp(buffer.data(), "3456", 4), 0);
    EXPECT_EQ(file.read_alone(8, buffer).value(), 2u);
    EXPECT_EQ(file.read_alone(10, buffer).value(), 0u);
    EXPECT_EQ(file.read_alone(std::uint64_t{1} << 40, buffer).value(), 0u);
    EXPECT_EQ(file.size().value(), 10u);
}

TEST_F(Files, OpenErrorsHaveWin32CodesAndName) {
    const auto missing = File::open_read(folder_ / "missing");
    EXPECT_EQ(code_of(missing), ERROR_FILE_NOT_FOUND);
    EXPECT_NE(missing.error().what.find("missing"), std::string::npos);
    EXPECT_EQ(code_of(File::open_read(folder_.path())), ERROR_ACCESS_DENIED);
}

TEST_F(Files, CreatesOnlyWhatIsNew) {
    auto file = File::create_new(folder_ / "new").value();
    ASSERT_TRUE(file.write_at(0, bytes("hello")));
    ASSERT_TRUE(file.write_at(3, bytes("p!!")));
    ASSERT_TRUE(file.flush());
    std::array<std::byte, 6> buffer{};
    EXPECT_EQ(file.read_at(0, buffer).value(), 6u);
    EXPECT_EQ(std::memcmp(buffer.data(), "help!!", 6), 0);
    EXPECT_EQ(code_of(File::create_new(folder_ / "new")), ERROR_FILE_EXISTS);
}

TEST_F(Files, ReadersShareWithEverybody) {
    const auto path = write("a", "old");
    const auto reader = File::open_read(path).value();
    EXPECT_TRUE(File::open_read(path));
    std::fstream writer(path, std::ios::in | std::ios::out | std::ios::binary);
    EXPECT_TRUE(writer.is_open());
}

TEST_F(Files, MovedFileStaysOpen) {
    auto first = File::open_read(write("a", "x")).value();
    File second = std::move(first);
    EXPECT_EQ(second.size().value(), 1u);
    second = File::open_read(write("b", "xyz")).value();
    EXPECT_EQ(second.size().value(), 3u);
    EXPECT_EQ(second.path(), folder_ / "b");
}

TEST_F(Files, InfoOfFilesFoldersAndNothing) {
    EXPECT_EQ(file_info(write("a", "12345")).value()->size, 5u);
    EXPECT_FALSE(file_info(folder_ / "a").value()->is_folder);
    EXPECT_TRUE(file_info(folder_.path()).value()->is_folder);
    EXPECT_FALSE(file_info(folder_ / "none").value());
    EXPECT_FALSE(file_info(folder_ / "none" / "deeper").value());
    EXPECT_FALSE(file_info(folder_ / "a" / "in-a-file").value());
}

TEST_F(Files, ListsWhatIsThere) {
    write("a", "1");
    write("b", "22");
    fs::create_directory(folder_ / "c");
    auto listed = list_folder(folder_.path()).value();
    std::sort(listed.begin(), listed.end(),
              [](const auto& x, const auto& y) { return x.name < y.name; });
    ASSERT_EQ(listed.size(), 3u);
    EXPECT_EQ(listed[0].name, "a");
    EXPECT_EQ(listed[1].info.size, 2u);
    EXPECT_TRUE(listed[2].info.is_folder);
    EXPECT_TRUE(list_folder(folder_ / "c").value().empty());
    EXPECT_FALSE(list_folder(folder_ / "none"));
}

TEST_F(Files, NamesAreUnicode) {
    const auto path = folder_.path() / native_path(u"\u00e4\u20ac\U0001f600");
    ASSERT_TRUE(File::create_new(path));
    EXPECT_EQ(wire_path(list_folder(folder_.path()).value().at(0).name), u"\u00e4\u20ac\U0001f600");
}

TEST_F(Files, RenameReplaces) {
    const auto from = write("from", "new");
    const auto to = write("to", "old");
    ASSERT_TRUE(rename_replace(from, to));
    EXPECT_EQ(content_of(to), "new");
    EXPECT_FALSE(fs::exists(from));
    EXPECT_EQ(code_of(rename_replace(from, to)), ERROR_FILE_NOT_FOUND);
}

TEST_F(Files, RenameNewReplacesNothing) {
    const auto from = write("from", "new");
    const auto to = write("to", "old");
    EXPECT_EQ(code_of(rename_new(from, to)), ERROR_FILE_EXISTS);
    EXPECT_EQ(content_of(to), "old");
    ASSERT_TRUE(rename_new(from, folder_ / "free"));
    EXPECT_EQ(content_of(folder_ / "free"), "new");
    EXPECT_FALSE(fs::exists(from));
}

TEST_F(Files, RemovesAFileOnce) {
    const auto path = write("a", "x");
    ASSERT_TRUE(remove_file(path));
    EXPECT_EQ(code_of(remove_file(path)), ERROR_FILE_NOT_FOUND);
}

TEST_F(Files, CreatesFoldersWithTheirParents) {
    const auto deep = folder_ / "a" / "b" / "c";
    ASSERT_TRUE(create_private_folder(deep));
    EXPECT_TRUE(fs::is_directory(deep));
    EXPECT_TRUE(create_private_folder(deep)); // left as it is
    write("file", "x");
    EXPECT_FALSE(create_private_folder(folder_ / "file"));
    EXPECT_FALSE(create_private_folder(folder_ / "file" / "below"));
    ASSERT_TRUE(File::create_new(deep / "mine")); // its maker may use it
}

TEST_F(Files, FoldersBeyond260CharactersWork) {
    fs::path deep = folder_.path();
    for (int i = 0; i < 8; ++i) deep /= std::string(60, static_cast<char>('a' + i));
    ASSERT_TRUE(create_private_folder(deep));
    ASSERT_TRUE(replace_file_durably(deep / "file", bytes("deep")));
    EXPECT_EQ(content_of(deep / "file"), "deep");
    EXPECT_EQ(list_folder(deep).value().size(), 1u);
    EXPECT_EQ(file_info(deep / "file").value()->size, 4u);
    EXPECT_TRUE(remove_file(deep / "file"));
}

TEST_F(Files, WholeFileHasALimit) {
    const auto path = write("a", "12345");
    EXPECT_EQ(content_of(path), "12345");
    EXPECT_TRUE(read_whole_file(path, 5));
    EXPECT_EQ(code_of(read_whole_file(path, 4)), ERROR_INVALID_DATA);
    EXPECT_EQ(code_of(read_whole_file(folder_ / "none", 4)), ERROR_FILE_NOT_FOUND);
}

TEST_F(Files, ResolvesTheExistingPart) {
    const auto base = resolved_path(folder_.path()).value();
    EXPECT_EQ(resolved_path(write("a", "x")).value(), base / "a");
    EXPECT_EQ(resolved_path(folder_ / "x" / "y").value(), base / "x" / "y");
#ifdef _WIN32
    EXPECT_EQ(resolved_path(folder_ / "x" / ".." / "y").value(),
              base / "y"); // by name, as Win32 does
#else
    EXPECT_FALSE(resolved_path(folder_ / "x" / ".." / "y"));
#endif
}

TEST_F(Files, KnowsTheSameFile) {
    write("a", "x");
    write("b", "x");
    EXPECT_TRUE(is_same_file(folder_ / "a", folder_ / "." / "a").value());
    EXPECT_FALSE(is_same_file(folder_ / "a", folder_ / "b").value());
    EXPECT_FALSE(is_same_file(folder_ / "a", folder_ / "none"));
}

#ifndef _WIN32

TEST_F(Files, AreForTheirOwnerAlone) {
    ASSERT_TRUE(File::create_new(folder_ / "a"));
    EXPECT_EQ(fs::status(folder_ / "a").permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
    ASSERT_TRUE(create_private_folder(folder_ / "b"));
    EXPECT_EQ(fs::status(folder_ / "b").permissions(), fs::perms::owner_all);
}

TEST_F(Files, LinksAreToldAndNotFollowed) {
    write("target", "12345");
    fs::create_symlink(folder_ / "target", folder_ / "link");
    fs::create_symlink(folder_ / "nowhere", folder_ / "dangling");
    EXPECT_TRUE(file_info(folder_ / "link").value()->is_link);
    EXPECT_FALSE(file_info(folder_ / "target").value()->is_link);
    EXPECT_EQ(code_of(File::create_new(folder_ / "dangling")), ERROR_FILE_EXISTS);
    EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
    EXPECT_EQ(resolved_path(folder_ / "link").value(), resolved_path(folder_ / "target").value());
    EXPECT_EQ(code_of(resolved_path(folder_ / "dangling")), ERROR_CANT_RESOLVE_FILENAME);
    EXPECT_TRUE(is_same_file(folder_ / "link", folder_ / "target").value());
}

TEST_F(Files, AFifoIsNoFile) {
    ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(code_of(File::open_read(folder_ / "fifo")), ERROR_ACCESS_DENIED);
}

#endif

// --- The hook

// Which operation fails, counted from 0; the hook is a plain function and so are these.
int fail_at = -1;
int operations = 0;
std::vector<DiskOperation> seen;

Code failing_hook(DiskOperation operation, const Path&) {
    seen.push_back(operation);
    return operations++ == fail_at ? Code{ERROR_DISK_FULL} : Code{0};
}

class DurableReplace : public Files {
protected:
    Result<void> replace(int failing_operation) {
        fail_at = failing_operation;
        operations = 0;
        seen.clear();
        set_disk_hook(failing_hook);
        auto replaced = replace_file_durably(path_, bytes("new content"));
        set_disk_hook(nullptr);
        return replaced;
    }
    fs::path path_ = folder_ / "record";
};

TEST_F(DurableReplace, FlushesBeforeTheRenameAndTheFolderAfterIt) {
    ASSERT_TRUE(replace(-1));
    EXPECT_EQ(seen, (std::vector<DiskOperation>{DiskOperation::create, DiskOperation::write,
                                                DiskOperation::flush, DiskOperation::rename,
                                                DiskOperation::flush_folder}));
    EXPECT_EQ(content_of(path_), "new content");
    EXPECT_EQ(entries(), 1u);
}

TEST_F(DurableReplace, FailureAtAnyStepLeavesTheOldOrTheNewFile) {
    ASSERT_TRUE(replace(-1));
    const int steps = operations;
    for (int step = 0; step < steps; ++step) {
        write("record", "old content");
        const auto replaced = replace(step);
        ASSERT_FALSE(replaced);
        EXPECT_EQ(replaced.error().code, ERROR_DISK_FULL);
        const bool renamed = step > 3; // create, write, flush, rename come before
        EXPECT_EQ(content_of(path_), renamed ? "new content" : "old content") << "step " << step;
        EXPECT_EQ(entries(), 1u) << "step " << step; // nothing is left lying about
    }
}

TEST_F(DurableReplace, FailureBeforeTheRenameCreatesNothing) {
    for (int step = 0; step < 4; ++step) {
        ASSERT_FALSE(replace(step));
        EXPECT_EQ(entries(), 0u) << "step " << step;
    }
}

TEST_F(DurableReplace, ReplacesWhileTheOldFileIsRead) {
    write("record", "old content");
    const auto reader = File::open_read(path_).value();
    const auto replaced = replace(-1);
#ifdef _WIN32
    if (!replaced)
        GTEST_SKIP() << "this file system does not replace open files: " << replaced.error().what;
#endif
    ASSERT_TRUE(replaced);
    EXPECT_EQ(reader.size().value(), 11u);
    EXPECT_EQ(content_of(path_), "new content");
}

TEST_F(Files, EveryChangePassesTheHook) {
    const auto file = write("a", "x");
    set_disk_hook([](DiskOperation, const Path&) { return Code{ERROR_WRITE_PROTECT}; });
    const Code codes[] = {
        code_of(File::create_new(folder_ / "b")), code_of(rename_replace(file, folder_ / "b")),
        code_of(rename_new(file, folder_ / "b")), code_of(remove_file(file)),
        code_of(flush_folder(folder_.path())),    code_of(create_private_folder(folder_ / "c"))};
    set_disk_hook(nullptr);
    for (const Code code : codes) EXPECT_EQ(code, ERROR_WRITE_PROTECT);
    EXPECT_EQ(entries(), 1u);
    EXPECT_EQ(content_of(file), "x");
}

} // namespace
} // namespace ntdsb::platform
