// The interlock between processes: races that exactly one wins, and holders that are killed
// (contract REG-8, REC-5, END-3; design point 9).
#include "restore_directory.h"
#include "roles.h"
#include "support/child_process.h"

namespace ntdsb::service {
namespace {

class Processes : public testing::Test {
protected:
    Processes() {
        static_cast<void>(directory.instance());
    } // the state folder is there for all of them

    test::ChildProcess start(const std::string& role) {
        signals.push_back(directory.root() / text("signal", signals.size()));
        return test::ChildProcess(
            {role, directory.root().string(), go().string(), signals.back().string()});
    }
    platform::Path go() const { return directory.root() / "go"; }
    void wait_for_all() const {
        wait_until([&] {
            return std::all_of(signals.begin(), signals.end(),
                               [](const auto& file) { return std::filesystem::exists(file); });
        });
    }
    // Starts all roles at once. How many won; the rest must have been refused.
    unsigned winners(const std::vector<std::string>& roles) {
        std::vector<test::ChildProcess> children;
        for (const auto& role : roles) children.push_back(start(role));
        signal_by_file(go());
        wait_for_all();
        signal_by_file(directory.root() / "end");
        unsigned won = 0;
        for (auto& child : children) {
            const int status = child.wait();
            EXPECT_TRUE(status == role_won || status == role_refused) << status;
            won += status == role_won;
        }
        return won;
    }
    // A process that holds what the role takes, until it is killed.
    test::ChildProcess holder(const std::string& role) {
        auto child = start(role);
        signal_by_file(go());
        wait_for_all();
        return child;
    }

    RestoreDirectory directory;
    std::vector<platform::Path> signals;
};

TEST_F(Processes, OneOfSeveralRegisters) { // REG-8
    EXPECT_EQ(winners({"take-restore", "take-restore", "take-restore", "take-restore"}), 1u);
}

TEST_F(Processes, OneOfSeveralEnginesStarts) {
    EXPECT_EQ(winners({"take-engine", "take-engine", "take-engine"}), 1u);
}

TEST_F(Processes, EngineRestoreAndLiveBackupExcludeEachOther) { // REG-6, REG-7, BPREP-3, BPREP-6
    EXPECT_EQ(
        winners({"take-engine", "take-restore", "take-backup", "take-engine", "take-restore"}), 1u);
}

TEST_F(Processes, KilledRestoreLeavesTheDirectoryBlockedAndItsPlaceFree) { // END-3, REC-5
    auto child = holder("take-restore");
    EXPECT_EQ(code_of(directory.enter()), hrRestoreInProgress);
    EXPECT_TRUE(directory.session_alive());
    child.kill();
    EXPECT_FALSE(directory.session_alive());
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    EXPECT_EQ(directory.start_blocked(), hrRestoreInProgress);
    auto entered = directory.enter();
    ASSERT_TRUE(entered) << "it is taken over";
    ASSERT_TRUE(entered.value().complete());
    EXPECT_EQ(directory.start_blocked(), S_OK);
}

TEST_F(Processes, KilledEngineIsOffline) {
    auto child = holder("take-engine");
    EXPECT_EQ(code_of(directory.enter()), hrDatabaseInUse);
    child.kill();
    EXPECT_TRUE(directory.enter());
}

TEST_F(Processes, KilledBackupIsOver) {
    auto child = holder("take-backup");
    EXPECT_EQ(code_of(directory.enter()), hrBackupInProgress);
    child.kill();
    EXPECT_TRUE(directory.enter());
}

TEST_F(Processes, RefusalNamesTheHolder) {
    const auto child = holder("take-restore");
    const auto refused = directory.enter();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("registered by pid "), std::string::npos)
        << refused.error().what;
    EXPECT_EQ(refused.error().what.find(text("pid ", platform::process_id(), " on ")),
              std::string::npos)
        << refused.error().what;
}

} // namespace
} // namespace ntdsb::service
