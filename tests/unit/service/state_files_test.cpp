// The files of the state folder: for their owner alone, and never links (design point 8, issue 3:
// access).
#include "restore_directory.h"

#include <set>

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/stat.h>
#endif

namespace ntdsb::service {
namespace {

namespace fs = std::filesystem;

class StateFiles : public testing::Test {
protected:
    // All files that a state folder ever holds.
    void make_all() {
        const auto instance = directory.instance();
        EXPECT_TRUE(directory.enter().value().record_failure(failed_restore));
        test::flip_bit(directory.record_file(), 20);
        { EXPECT_TRUE(directory.enter()) << "the unreadable record is kept aside"; }
        EXPECT_TRUE(directory.enter().value().complete());
        EXPECT_TRUE(start_directory(*instance));
        EXPECT_TRUE(BackupClaim::enter(*instance, BackupSource::live));
        EXPECT_TRUE(set_current_log_number(directory.shared_config(), {u"", 7}));
    }
    std::set<std::string> names() const {
        std::set<std::string> found;
        for (const auto& entry : fs::directory_iterator(directory.state()))
            found.insert(entry.path().filename().string());
        return found;
    }
    // Every operation that uses the state folder.
    void expect_refused(const std::string& name) {
        const auto config = directory.shared_config();
        const auto opened = Instance::open(config, u"");
        ASSERT_FALSE(opened) << name;
        EXPECT_EQ(opened.error().code, static_cast<Code>(hrError));
        EXPECT_NE(opened.error().what.find(name), std::string::npos) << opened.error().what;
        EXPECT_FALSE(is_directory_online(config, u"")) << name;
        EXPECT_EQ(code_of(set_current_log_number(config, {u"", 8})), static_cast<Code>(hrError));
    }

    RestoreDirectory directory;
};

TEST_F(StateFiles, AreAllKnown) { // what the tests below go through
    make_all();
    std::set<std::string> expected{"platform",    "registration", "decide.lock", "engine.lock",
                                   "backup.lock", "restore.lock", "current-log", "history.log"};
#ifdef _WIN32
    for (const char* lock : {"decide.lock", "engine.lock", "backup.lock", "restore.lock"})
        expected.insert(std::string(lock) + ".holder");
#endif
    auto found = names();
    std::erase_if(found,
                  [](const auto& name) { return name.starts_with("registration.unreadable-"); });
    EXPECT_EQ(found.size() + 1, names().size());
    EXPECT_EQ(found, expected);
}

#ifndef _WIN32

TEST_F(StateFiles, AreTheOwnersAloneWhateverTheUmask) {
    const auto umask_before = ::umask(0);
    make_all();
    ::umask(umask_before);
    EXPECT_EQ(fs::status(directory.state()).permissions(), fs::perms::owner_all);
    for (const auto& entry : fs::directory_iterator(directory.state()))
        EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write)
            << entry.path();
}

TEST_F(StateFiles, LinkInAnyFilesPlaceIsRefused) {
    make_all();
    const auto elsewhere = directory.root() / "elsewhere";
    fs::create_directory(elsewhere);
    for (const auto& name : names()) {
        fs::rename(directory.state() / name, elsewhere / name);
        for (const auto& target : {elsewhere / name, directory.root() / "nowhere"}) {
            fs::create_symlink(target, directory.state() / name);
            const auto content = test::read_file(elsewhere / name);
            expect_refused(name);
            EXPECT_EQ(test::read_file(elsewhere / name), content);
            EXPECT_FALSE(fs::exists(directory.root() / "nowhere"));
            fs::remove(directory.state() / name);
        }
        fs::rename(elsewhere / name, directory.state() / name);
    }
    EXPECT_TRUE(Instance::open(directory.shared_config(), u""));
}

TEST_F(StateFiles, LinkedFolderAmongThemIsRefused) {
    make_all();
    fs::create_directory_symlink(directory.ntds(), directory.state() / "history");
    expect_refused("history");
}

#else

// A symbolic link, which Windows tells apart from files as it does a junction: a reparse point.
bool make_link(const fs::path& link, const fs::path& target) {
    constexpr DWORD unprivileged = 2; // SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE
    if (!CreateSymbolicLinkW(link.c_str(), target.c_str(),
                             SYMBOLIC_LINK_FLAG_DIRECTORY | unprivileged))
        return false;
    const DWORD attributes = GetFileAttributesW(link.c_str()); // Wine 8 says that it made one
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT);
}

TEST_F(StateFiles, LinkAmongThemOrInTheirFoldersPlaceIsRefused) {
    make_all();
    if (!make_link(directory.state() / "link", directory.ntds()))
        GTEST_SKIP() << "this system makes no links";
    expect_refused("link");
    fs::remove(directory.state() / "link");
    fs::rename(directory.state(), directory.root() / "elsewhere");
    ASSERT_TRUE(make_link(directory.state(), directory.root() / "elsewhere"));
    expect_refused("default");
}

#endif

} // namespace
} // namespace ntdsb::service
