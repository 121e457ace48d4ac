// VER-7: putting the logs in their place, through failures at every step. Made files.
#include "restore_fixture.h"

#include "platform/file.h"
#include "support/codes.h"
#include "support/links.h"

#include <atomic>
#include <map>

#ifndef _WIN32
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace ntdsb {
namespace {

using test::EseLog;

// Fails the operation of this number and all after it, as a crash would end them.
int operations_left = 0;
Code fail_after(platform::DiskOperation, const platform::Path&) {
    return operations_left-- > 0 ? Code{0} : Code{ERROR_DISK_FULL};
}

const std::atomic<bool> going_on{false};

class PlaceLogs : public RestoreTest {
protected:
    ~PlaceLogs() override { platform::set_disk_hook(nullptr); }

    std::map<std::string, test::Bytes> content(const test::Path& folder) const {
        std::map<std::string, test::Bytes> files;
        for (const auto& entry : std::filesystem::directory_iterator(folder))
            files[entry.path().filename().string()] = test::read_file(entry.path());
        return files;
    }
    std::map<std::string, test::Bytes> expected() const {
        std::map<std::string, test::Bytes> files;
        for (std::uint32_t generation = 3; generation <= 6; ++generation)
            files[EseLog::name(generation)] = log(generation).bytes();
        files["edb.log"] = log(7).bytes();
        return files;
    }
};

TEST_F(PlaceLogs, CopiesWhatTheLogPathLacks) {
    write_sound_set();
    chain(3, 4).write(logs());
    const auto source = content(backup());
    const auto placed = ese::place_logs(verify(), going_on);
    ASSERT_TRUE(placed) << placed.error().what;
    EXPECT_EQ(content(logs()), expected());
    EXPECT_EQ(content(backup()), source);
    expect_sound();
    EXPECT_EQ(placed_names(), std::set<std::string>{});
}

std::optional<platform::DiskOperation> last_operation;

TEST_F(PlaceLogs, PlacesStayWhenTheMachineFails) { // the folder is flushed after its last change
    write_sound_set();
    const auto report = verify();
    platform::set_disk_hook([](platform::DiskOperation operation, const platform::Path&) {
        last_operation = operation;
        return Code{0};
    });
    ASSERT_TRUE(ese::place_logs(report, going_on));
    EXPECT_EQ(last_operation, platform::DiskOperation::flush_folder);
}

TEST_F(PlaceLogs, CancelledCopyLeavesNothingUnfinishedAndGoesOnLater) { // COM-11
    write_sound_set();
    chain(3, 4).write(logs());
    const auto before = content(logs());
    const std::atomic<bool> given_up{true};
    EXPECT_EQ(ese::place_logs(verify(), given_up).error().code, ERROR_OPERATION_ABORTED);
    EXPECT_EQ(content(logs()), before);
    ASSERT_TRUE(ese::place_logs(verify(), going_on));
    EXPECT_EQ(content(logs()), expected());
}

// ACC-4. A log that is placed already is compared with the one that it was copied from.
TEST_F(PlaceLogs, LinkInAPlacedLogsPlaceIsRefusedWhereLinksAre) {
    write_sound_set();
    set.links = platform::Links::refused;
    const auto report = verify();
    ASSERT_EQ(report.result, sound) << sentences(report);
    std::filesystem::copy_file(backup() / EseLog::name(3), logs() / EseLog::name(3));
    std::filesystem::rename(backup() / EseLog::name(3), root / "aside");
    const test::Link link(root / "aside", backup() / EseLog::name(3));
    if (!link) GTEST_SKIP() << "this system makes no links";
    EXPECT_EQ(code_of(ese::place_logs(report, going_on)), platform::link_refused);
    EXPECT_EQ(verify().result, platform::link_refused);
    set.links = platform::Links::followed;
    EXPECT_EQ(code_of(ese::place_logs(verify(), going_on)), S_OK);
}

#ifndef _WIN32
// The engine may run under an account of its own.
TEST_F(PlaceLogs, PlacedLogsBelongToTheirFoldersOwner) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    write_sound_set();
    std::filesystem::permissions(logs(), std::filesystem::perms(0750));
    ASSERT_EQ(::chown(logs().c_str(), 12345, 12346), 0);
    ASSERT_TRUE(ese::place_logs(verify(), going_on));
    struct stat placed {};
    ASSERT_EQ(::stat((logs() / "edb.log").c_str(), &placed), 0);
    EXPECT_EQ(placed.st_uid, 12345u);
    EXPECT_EQ(placed.st_gid, 12346u);
    EXPECT_EQ(placed.st_mode & 0777, 0640u);
}
#endif

TEST_F(PlaceLogs, NothingToPlaceTouchesNothing) {
    write(clean_database());
    operations_left = 0;
    platform::set_disk_hook(fail_after);
    EXPECT_TRUE(ese::place_logs(verify(), going_on));
}

TEST_F(PlaceLogs, RenamesTheHighestOfTheLogPath) {
    one_log_folder = true;
    write(dirty_database());
    range(3, 7);
    chain(3, 7).write(logs());
    const auto report = verify();
    ASSERT_TRUE(ese::place_logs(report, going_on));
    EXPECT_EQ(content(logs()), expected());
    ASSERT_TRUE(ese::place_logs(report, going_on)) << "again";
    EXPECT_EQ(content(logs()), expected());
    EXPECT_EQ(placed_names(), std::set<std::string>{});
}

TEST_F(PlaceLogs, NeverOverwritesWhatDiffers) {
    write_sound_set();
    const auto report = verify();
    for (const char* name : {"edb00005.log", "edb.log"}) {
        const test::Bytes other(100, std::byte{7});
        test::write_file(logs() / name, other);
        const auto placed = ese::place_logs(report, going_on);
        ASSERT_FALSE(placed);
        EXPECT_EQ(placed.error().code, static_cast<Code>(hrExistingLogFileHasBadSignature))
            << placed.error().what;
        EXPECT_EQ(test::read_file(logs() / name), other);
        std::filesystem::remove(logs() / name);
    }
}

TEST_F(PlaceLogs, NeverOverwritesByRenaming) {
    one_log_folder = true;
    write(dirty_database());
    range(3, 7);
    chain(3, 7).write(logs());
    const auto report = verify();
    log(8).write(logs() / "edb.log");
    const auto before = content(logs());
    const auto placed = ese::place_logs(report, going_on);
    ASSERT_FALSE(placed);
    EXPECT_EQ(placed.error().code, static_cast<Code>(hrExistingLogFileHasBadSignature))
        << placed.error().what;
    EXPECT_EQ(content(logs()), before);
}

TEST_F(PlaceLogs, FailureAtEveryStepIsToldAndMendedByRunningAgain) {
    write_sound_set();
    chain(3, 3).write(logs());
    const auto complete = expected();
    bool finished = false;
    int steps = 0;
    for (; !finished; ++steps) {
        ASSERT_LT(steps, 1000);
        for (const auto& entry : std::filesystem::directory_iterator(logs())) {
            if (entry.path().filename() != "edb00003.log") std::filesystem::remove(entry.path());
        }
        const auto report = verify();
        ASSERT_EQ(report.result, sound) << sentences(report);
        operations_left = steps;
        platform::set_disk_hook(fail_after);
        const auto placed = ese::place_logs(report, going_on);
        platform::set_disk_hook(nullptr);
        finished = placed.has_value();
        if (!finished) {
            EXPECT_EQ(placed.error().code, Code{ERROR_DISK_FULL}) << placed.error().what;
        }
        // No log stands under its name unless it is whole.
        for (const auto& [name, bytes] : content(logs())) {
            if (!complete.contains(name)) continue;
            EXPECT_EQ(bytes, complete.at(name)) << name << " after " << steps << " steps";
        }
        if (steps % 2 == 0) {
            ASSERT_TRUE(ese::place_logs(report, going_on)); // the same report again
        } else {
            const auto again = verify(); // or the whole verification again
            ASSERT_EQ(again.result, sound) << sentences(again);
            ASSERT_TRUE(ese::place_logs(again, going_on));
        }
        EXPECT_EQ(content(logs()), complete) << steps;
    }
    EXPECT_GT(steps, 16); // four copies of four operations, and the folder
}

TEST_F(PlaceLogs, UnfinishedCopiesOfAnEarlierRunAreRemovedAndOthersFilesKept) {
    write_sound_set();
    test::write_file(logs() / "ntdsb-restore-edb00005.log.unfinished", test::Bytes(10));
    test::write_file(logs() / "ntdsb-restore-edb0000F.log.unfinished", test::Bytes(10));
    test::write_file(logs() / "mine.unfinished", test::Bytes(10));
    ASSERT_TRUE(ese::place_logs(verify(), going_on));
    auto complete = expected();
    complete["mine.unfinished"] = test::Bytes(10);
    EXPECT_EQ(content(logs()), complete);
}

TEST_F(PlaceLogs, AbsentLogPathIsAFailure) {
    write_sound_set();
    std::filesystem::remove(logs());
    const auto report = verify();
    ASSERT_EQ(report.result, sound) << sentences(report);
    EXPECT_FALSE(ese::place_logs(report, going_on));
}

} // namespace
} // namespace ntdsb
