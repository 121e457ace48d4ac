// Links::refused: no function of platform/file.h reaches anything through a link, whichever
// component of its path is one, and whenever it became one. Under Wine a link is the Unix system's.
#include "platform/file.h"

#include "core/path.h"
#include "support/codes.h"
#include "support/links.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>

#ifndef _WIN32
#include <atomic>
#include <chrono>
#include <thread>

#include <fcntl.h>
#endif

namespace ntdsb::platform {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
}

std::string content_of(const File& file) {
    std::array<std::byte, 16> buffer{};
    const auto got = file.read_at(0, buffer);
    if (!got) return "error: " + got.error().what;
    return std::string(reinterpret_cast<const char*>(buffer.data()), got.value());
}

// The functions that know Links, each on a folder with the files "file" and "other".
struct FileCall {
    const char* name;
    Result<void> (*run)(const fs::path& folder, Links links);
};
void PrintTo(const FileCall& call, std::ostream* out) { *out << call.name; }

template <class T>
Result<void> outcome(const Result<T>& result) {
    if (!result) return result.error();
    return ok();
}
// Another file than the one that was asked for would be an error of its own.
Result<void> expected(bool is_it) {
    return is_it ? Result<void>(ok()) : Result<void>(fail(ERROR_INVALID_DATA, "another"));
}

constexpr FileCall calls_on_a_file[] = {
    {"OpenRead", [](const fs::path& folder,
                    Links links) { return outcome(File::open_read(folder / "file", links)); }},
    {"Info",
     [](const fs::path& folder, Links links) -> Result<void> {
         NTDSB_TRY(const auto info, file_info(folder / "file", links));
         return expected(info && info->size == 6);
     }},
    {"IsSameFile",
     [](const fs::path& folder, Links links) -> Result<void> {
         NTDSB_TRY(const bool same, is_same_file(folder / "file", folder / "file", links));
         return expected(same);
     }},
    {"FlushFile",
     [](const fs::path& folder, Links links) { return flush_file(folder / "file", links); }},
};
constexpr FileCall calls_in_a_folder[] = {
    {"CreateShared",
     [](const fs::path& folder, Links links) {
         return outcome(File::create_shared(folder / "new", links));
     }},
    {"List",
     [](const fs::path& folder, Links links) -> Result<void> {
         NTDSB_TRY(const auto entries, list_folder(folder, links));
         return expected(entries.size() == 2);
     }},
    {"RenameNew",
     [](const fs::path& folder, Links links) {
         return rename_new(folder / "other", folder / "renamed", links);
     }},
    {"Remove",
     [](const fs::path& folder, Links links) { return remove_file(folder / "other", links); }},
#ifndef _WIN32 // where it does nothing
    {"FlushFolder",
     [](const fs::path& folder, Links links) { return flush_folder(folder, links); }},
#endif
};
const auto name_of_call = [](const testing::TestParamInfo<FileCall>& call) {
    return std::string(call.param.name);
};

class LinkTree : public testing::Test {
protected:
    LinkTree() {
        for (const auto& place : {folder(), outside() / "way" / "folder"}) {
            fs::create_directories(place);
            write(place / "file", place == folder() ? "inside" : "secret");
            write(place / "other", "other");
        }
    }
    fs::path way() const { return root_ / "way"; }
    fs::path folder() const { return way() / "folder"; }
    fs::path outside() const { return root_ / "outside"; }

    std::map<std::string, std::string> content(const fs::path& place) const {
        std::map<std::string, std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(place)) {
            if (entry.is_regular_file())
                files[entry.path().filename().string()] =
                    content_of(File::open_read(entry.path()).value());
        }
        return files;
    }
    // A link to `target` takes the place of what is at `path`. False: this system makes none.
    bool exchange(const fs::path& path, const fs::path& target) {
        fs::rename(path, root_ / "aside");
        return bool(link_.emplace(target, path));
    }

    const test::TempFolder temporary_;
    const fs::path root_ = resolved_path(temporary_.path()).value();
    std::optional<test::Link> link_;
};

class RefusedLinks : public LinkTree, public testing::WithParamInterface<FileCall> {};

TEST_P(RefusedLinks, PathWithoutOneIsReached) {
    EXPECT_EQ(code_of(GetParam().run(folder(), Links::refused)), S_OK);
}

TEST_P(RefusedLinks, LinkIsNotFollowedOnTheWay_ACC4) {
    const auto before = content(outside());
    if (!exchange(way(), outside() / "way")) GTEST_SKIP() << "this system makes no links";
    const auto refused = GetParam().run(folder(), Links::refused);
    EXPECT_EQ(code_of(refused), link_refused);
    EXPECT_EQ(content(outside()), before);
    EXPECT_EQ(code_of(GetParam().run(folder(), Links::followed)), S_OK);
}

TEST_P(RefusedLinks, LinkIsNotFollowedInTheFoldersPlace_ACC4) {
    const auto before = content(outside());
    if (!exchange(folder(), outside() / "way" / "folder"))
        GTEST_SKIP() << "this system makes no links";
    const auto refused = GetParam().run(folder(), Links::refused);
    EXPECT_EQ(code_of(refused), link_refused);
    EXPECT_EQ(content(outside()), before);
    EXPECT_EQ(code_of(GetParam().run(folder(), Links::followed)), S_OK);
}

INSTANTIATE_TEST_SUITE_P(OnAFile, RefusedLinks, testing::ValuesIn(calls_on_a_file), name_of_call);
INSTANTIATE_TEST_SUITE_P(InAFolder, RefusedLinks, testing::ValuesIn(calls_in_a_folder),
                         name_of_call);

class RefusedFileLinks : public RefusedLinks {};

TEST_P(RefusedFileLinks, LinkIsNotFollowedInTheFilesPlace_ACC4) {
    if (!exchange(folder() / "file", outside() / "way" / "folder" / "file"))
        GTEST_SKIP() << "this system makes no links";
    EXPECT_EQ(code_of(GetParam().run(folder(), Links::refused)), link_refused);
    EXPECT_NE(code_of(GetParam().run(folder(), Links::followed)), link_refused);
}

INSTANTIATE_TEST_SUITE_P(OnAFile, RefusedFileLinks, testing::ValuesIn(calls_on_a_file),
                         name_of_call);

TEST_F(LinkTree, WhatIsAbsentIsAbsentAsEver) {
    const fs::path absent = folder() / "none" / "deeper";
    EXPECT_FALSE(file_info(absent, Links::refused).value());
    EXPECT_FALSE(file_info(folder() / "file" / "below", Links::refused).value());
    EXPECT_EQ(code_of(File::open_read(folder() / "none", Links::refused)), ERROR_FILE_NOT_FOUND);
    EXPECT_EQ(code_of(File::create_shared(folder() / "file", Links::refused)), ERROR_FILE_EXISTS);
    EXPECT_EQ(code_of(rename_new(folder() / "other", folder() / "file", Links::refused)),
              ERROR_FILE_EXISTS);
}

TEST_F(LinkTree, NamesAreCounted) {
    EXPECT_EQ(File::open_read(folder() / "file").value().name_count().value(), 1u);
    fs::create_hard_link(folder() / "file", folder() / "second");
    EXPECT_EQ(File::open_read(folder() / "file").value().name_count().value(), 2u);
}

#ifndef _WIN32

// A name that is removed or renamed is the link itself.
TEST_F(LinkTree, LinkItselfIsRenamedAndRemoved) {
    fs::create_symlink(outside() / "way" / "folder" / "file", folder() / "link");
    ASSERT_TRUE(rename_new(folder() / "link", folder() / "moved", Links::refused));
    ASSERT_TRUE(remove_file(folder() / "moved", Links::refused));
    EXPECT_EQ(content(outside()).at("file"), "secret");
    EXPECT_FALSE(fs::exists(fs::symlink_status(folder() / "moved")));
}

TEST_F(LinkTree, UpwardsIsRefused) {
    EXPECT_EQ(code_of(File::open_read(folder() / ".." / "folder" / "file", Links::refused)),
              link_refused);
}

// A component and a link to what is outside change places all the time, with no moment between.
class ExchangedLinks : public LinkTree, public testing::WithParamInterface<const char*> {};

TEST_P(ExchangedLinks, LeadNowhereAtAnyMoment_ACC4) {
    using Clock = std::chrono::steady_clock;
    const fs::path exchanged = root_ / GetParam();
    const fs::path link = root_ / "link";
    fs::create_symlink(outside() / GetParam(), link);
    std::atomic<bool> ended{false};
    std::thread exchanger([&] {
        while (!ended)
            ::renameat2(AT_FDCWD, exchanged.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
    });
    int reached = 0;
    int refused = 0;
    const auto latest = Clock::now() + std::chrono::seconds(60);
    while ((reached < 200 || refused < 200) && Clock::now() < latest) {
        const auto file = File::open_read(folder() / "file", Links::refused);
        (file ? reached : refused) += 1;
        if (file) {
            EXPECT_EQ(content_of(file.value()), "inside");
        } else {
            EXPECT_EQ(file.error().code, link_refused) << file.error().what;
        }
        const auto made = File::create_shared(folder() / "new", Links::refused);
        while (made && !remove_file(folder() / "new", Links::refused)) {
        }
    }
    ended = true;
    exchanger.join();
    EXPECT_GE(reached, 200);
    EXPECT_GE(refused, 200);
    EXPECT_EQ(content(outside()).size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Components, ExchangedLinks,
                         testing::Values("way", "way/folder", "way/folder/file"),
                         [](const auto& component) {
                             return fs::path(component.param).filename().string();
                         });

#endif

} // namespace
} // namespace ntdsb::platform
