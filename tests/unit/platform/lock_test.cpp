// platform/lock.h: exclusion between handles and processes, death, the holder's line.
#include "platform/lock.h"

#include "child_process.h"
#include "core/path.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#ifdef _WIN32
#include <windows.h>
#else
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>
#endif

namespace ntdsb::platform {
namespace {

namespace fs = std::filesystem;

class LockFile : public testing::Test {
protected:
    std::optional<Lock> take(std::string_view holder = "test") {
        auto lock = platform::try_lock(path_, holder);
        EXPECT_TRUE(lock) << (lock ? "" : lock.error().what);
        return lock ? std::move(lock).value() : std::nullopt;
    }

    test::TempFolder folder_;
    fs::path path_ = folder_ / "engine.lock";
};

TEST_F(LockFile, ExcludesASecondHandleOfTheProcess) {
    auto first = take();
    ASSERT_TRUE(first);
    EXPECT_FALSE(take());
    first.reset();
    EXPECT_TRUE(take());
}

TEST_F(LockFile, MovesWithItsLock) {
    auto first = take();
    ASSERT_TRUE(first);
    Lock second = std::move(*first);
    first.reset();
    EXPECT_FALSE(take());
    Lock third = std::move(*platform::try_lock(folder_ / "other.lock", "test").value());
    second = std::move(third); // frees the first
    EXPECT_TRUE(take());
    EXPECT_FALSE(platform::try_lock(folder_ / "other.lock", "test").value());
}

#ifndef _WIN32
// A host may fork a helper while a session is open; the helper knows nothing of the lock.
TEST_F(LockFile, IsFreeOnceItGoesThoughAForkedChildLives) {
    for (const bool is_handed_on : {false, true}) {
        auto lock = take();
        ASSERT_TRUE(lock);
        if (is_handed_on) lock->hand_on();
        const pid_t child = ::fork();
        if (child == 0) {
            ::pause();
            ::_exit(0);
        }
        ASSERT_GT(child, 0);
        lock.reset();
        EXPECT_EQ(take().has_value(), !is_handed_on);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        EXPECT_TRUE(take());
    }
}

TEST_F(LockFile, OfTheParentIsNotFreedByAForkedChild) {
    auto lock = take();
    ASSERT_TRUE(lock);
    const pid_t child = ::fork();
    if (child == 0) {
        lock.reset();
        ::_exit(0);
    }
    ASSERT_GT(child, 0);
    ::waitpid(child, nullptr, 0);
    EXPECT_FALSE(take());
}
#else
// A virus scanner reads the file for a moment: that is no holder.
TEST_F(LockFile, IsTakenThoughAnotherProgramReadsItForAMoment) {
    { ASSERT_TRUE(take()); }
    const HANDLE scanner = CreateFileW(path_.c_str(), GENERIC_READ,
                                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                       nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
    ASSERT_NE(scanner, INVALID_HANDLE_VALUE);
    const auto refused = platform::try_lock(path_, "test");
    ASSERT_FALSE(refused) << "it stays open";
    EXPECT_EQ(refused.error().code, ERROR_LOCK_VIOLATION);
    std::thread later([&] {
        Sleep(50);
        CloseHandle(scanner);
    });
    EXPECT_TRUE(take());
    later.join();
}
#endif

TEST_F(LockFile, ExcludesAnotherProcessUntilItIsKilled) {
    test::ChildProcess child({u"hold", wire_path(path_), wire_path(folder_ / "ready")});
    ASSERT_TRUE(test::wait_until([&] { return fs::exists(folder_ / "ready"); }));
    EXPECT_FALSE(take());
    EXPECT_EQ(read_lock_holder(path_), "the child");
    child.kill();
    EXPECT_TRUE(take());
}

TEST_F(LockFile, NamesItsHolderWhileItIsHeld) {
    const auto lock = take("backup live, process 5, someone");
    EXPECT_EQ(read_lock_holder(path_), "backup live, process 5, someone");
}

TEST_F(LockFile, LaterHolderReplacesALongerLine) {
    take("a long line of the first holder");
    EXPECT_EQ(read_lock_holder(path_), "a long line of the first holder");
    take("short");
    EXPECT_EQ(read_lock_holder(path_), "short");
}

TEST_F(LockFile, HolderIsOneLine) {
    take("first\nforged");
    EXPECT_EQ(read_lock_holder(path_), "first");
}

TEST_F(LockFile, FailedAttemptLeavesTheHoldersLine) {
    const auto lock = take("holder");
    EXPECT_FALSE(take("intruder"));
    EXPECT_EQ(read_lock_holder(path_), "holder");
}

TEST_F(LockFile, UnknownHolderIsEmpty) { EXPECT_EQ(read_lock_holder(folder_ / "none.lock"), ""); }

TEST_F(LockFile, MissingFolderIsAnError) {
    const auto lock = platform::try_lock(folder_ / "missing" / "x.lock", "test");
    ASSERT_FALSE(lock);
    EXPECT_TRUE(lock.error().code == ERROR_FILE_NOT_FOUND ||
                lock.error().code == ERROR_PATH_NOT_FOUND)
        << lock.error().what;
}

TEST_F(LockFile, AFolderInItsPlaceIsAnErrorAndNotHeld) {
    fs::create_directory(path_);
    EXPECT_FALSE(platform::try_lock(path_, "test"));
}

TEST_F(LockFile, WaitingTakesAFreeLockAtOnce) { EXPECT_TRUE(wait_lock(path_, "test", 0)); }

TEST_F(LockFile, WaitingGivesUpAndNamesTheHolder) {
    const auto lock = take("decide, process 7");
    const auto waited = wait_lock(path_, "test", 20);
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code, ERROR_LOCK_VIOLATION);
    EXPECT_NE(waited.error().what.find("decide, process 7"), std::string::npos)
        << waited.error().what;
}

TEST_F(LockFile, WaitingGetsALockThatIsFreedMeanwhile) {
    auto lock = take();
    std::atomic<bool> got{false};
    std::thread waiter([&] { got = wait_lock(path_, "waiter", 60000).has_value(); });
    lock.reset();
    waiter.join();
    EXPECT_TRUE(got);
}

TEST_F(LockFile, ThreadsNeverHoldItTogether) {
    std::atomic<int> inside{0};
    std::atomic<int> worst{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round) {
                const auto lock = wait_lock(path_, "thread", 60000);
                ASSERT_TRUE(lock);
                const int now = ++inside;
                if (now > worst) worst = now;
                --inside;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(worst, 1);
}

TEST_F(LockFile, CreationPassesTheDiskHook) {
    set_disk_hook([](DiskOperation operation, const Path&) {
        return operation == DiskOperation::create ? Code{ERROR_DISK_FULL} : Code{0};
    });
    const auto lock = platform::try_lock(path_, "test");
    set_disk_hook(nullptr);
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().code, ERROR_DISK_FULL);
    EXPECT_FALSE(fs::exists(path_));
}

TEST_F(LockFile, FailureToNameTheHolderFreesTheLock) {
    set_disk_hook([](DiskOperation operation, const Path&) {
        return operation == DiskOperation::write ? Code{ERROR_DISK_FULL} : Code{0};
    });
    const auto lock = platform::try_lock(path_, "test");
    set_disk_hook(nullptr);
    ASSERT_FALSE(lock);
    EXPECT_TRUE(take());
}

#ifndef _WIN32
TEST_F(LockFile, NeverFollowsALink) {
    std::ofstream(folder_ / "victim") << "precious";
    fs::create_symlink(folder_ / "victim", path_);
    const auto lock = platform::try_lock(path_, "test");
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().code, ERROR_CANT_RESOLVE_FILENAME);
    EXPECT_EQ(fs::file_size(folder_ / "victim"), 8u);
    EXPECT_EQ(read_lock_holder(path_), "");
}

TEST_F(LockFile, IsForItsOwnerAlone) {
    take();
    EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(LockFile, RemovedFileIsNotMistakenForTheLock) {
    const auto old_lock = take();
    fs::remove(path_);
    EXPECT_TRUE(take()); // a new file of the same name is another lock
}
#endif

} // namespace
} // namespace ntdsb::platform
