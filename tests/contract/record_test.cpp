// What the record of a restore allows, and what else stands in Register's and Prepare's way:
// contract REC, REG-6..8, REG-13, BPREP-4..6, BTRUNC-2, COM-13. Cell by cell, with every state that
// is not reached through the API: unit/service.
#include "made_directory.h"
#include "support/child_process.h"

#include <chrono>
#include <thread>

namespace contract {
namespace {

namespace fs = std::filesystem;

class Record : public testing::Test {
protected:
    HRESULT register_by_another() const { return Restore(token).register_whole(directory); }
    static HRESULT back_up_by_another() { return Backup().prepared(); }

    const MadeDirectory directory{Shape::dirty_with_logs};
    const Bytes token = directory.back_up();
};

TEST_F(Record, NoneAllowsBackupAndRegister_REC3) {
    EXPECT_CODE(back_up_by_another(), S_OK);
    EXPECT_CODE(register_by_another(), S_OK);
}

TEST_F(Record, OfALiveSessionAllowsNeither_REC4_REC9) {
    const Restore restore(token);
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    EXPECT_CODE(back_up_by_another(), hrRestoreInProgress);
    EXPECT_CODE(register_by_another(), hrRestoreInProgress);
}

TEST_F(Record, OutlivesItsSessionFromRegisterOn_REG13_REC5) {
    {
        Restore restore(token);
        ASSERT_CODE(restore.register_whole(directory), S_OK);
        EXPECT_CODE(restore.end(), S_OK);
    }
    EXPECT_CODE(back_up_by_another(), hrRestoreInProgress);
    EXPECT_CODE(register_by_another(), S_OK);
}

TEST_F(Record, CompletedAllowsBothAndNoTruncation_REC7_BTRUNC2) {
    const Restore restore(token);
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    ASSERT_CODE(restore.complete(), S_OK);
    {
        Backup backup;
        ASSERT_CODE(backup.prepared(), S_OK);
        backup.read_whole(backup.names()[0]);
        for (const ListEntry& log : backup.logs()) backup.read_whole(log);
        EXPECT_CODE(::DsBackupTruncateLogs(backup.handle()), hrRestoreInProgress)
            << "the restored directory has not started yet";
    }
    EXPECT_CODE(register_by_another(), S_OK);
}

// --- A running directory: ntdsbctl's gate holds it, as for any engine.

#ifdef NTDSB_TOOL

class Engine {
public:
    explicit Engine(const MadeDirectory& directory)
        : root_(directory.root()), gate_({"--child", "gate", root_.string()}) {
        for (int i = 0; i < 3000 && !fs::exists(root_ / "running"); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        EXPECT_TRUE(fs::exists(root_ / "running"));
    }
    ~Engine() {
        write_file(root_ / "stop", {});
        EXPECT_EQ(gate_.wait(), 0);
    }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

private:
    fs::path root_;
    ntdsb::test::ChildProcess gate_;
};

TEST_F(Record, RunningDirectoryIsOnlineAndRefusesBoth_REG6_BPREP4_ONL1) {
    BOOL online = FALSE;
    {
        const Engine engine(directory);
        EXPECT_CODE(::DsIsNTDSOnlineA("localhost", &online), S_OK);
        EXPECT_EQ(online, TRUE);
        EXPECT_CODE(register_by_another(), hrDatabaseInUse);
        EXPECT_CODE(back_up_by_another(), hrBackupNotAllowedYet);
    }
    EXPECT_CODE(::DsIsNTDSOnlineA("localhost", &online), S_OK);
    EXPECT_EQ(online, FALSE);
    EXPECT_CODE(back_up_by_another(), S_OK);
    EXPECT_CODE(register_by_another(), S_OK);
}

#endif

// --- The state folder

TEST(StateFolder, InsideTheDirectoryIsRefused_COM13) {
    if (std::getenv("NTDSB_TEST_SERVER")) GTEST_SKIP() << "no service would start";
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    for (const fs::path& place : {directory.ntds() / "state", directory.ntds(), directory.root()}) {
        std::string text = "[directory]\ndatabase = '" + directory.database() +
                           "'\nstate_path = '" + place.string() + "'\n";
        const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
        write_file(directory.config_file(), Bytes(bytes, bytes + text.size()));
        const Restore restore(token);
        EXPECT_CODE(restore.prepared(), hrError) << place;
        EXPECT_EQ(restore.handle(), nullptr);
        EXPECT_FALSE(fs::exists(place / "registration"));
    }
}

TEST(StateFolder, ThatIsAFileIsNoPlaceForARecord_COM13) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    fs::remove_all(directory.state());
    write_file(directory.state(), Bytes(10));
    EXPECT_CODE(Restore(token).prepared(), hrError);
    EXPECT_EQ(read_file(directory.state()), Bytes(10)) << "it is left as it was";
}

} // namespace

// `contract --child gate ROOT`: starts this executable as an engine, through the gate.
int run_gate([[maybe_unused]] const fs::path& root) {
#ifdef NTDSB_TOOL
    std::string command =
        "\"" NTDSB_TOOL "\" run -- \"" NTDSB_SELF "\" --child engine \"" + root.string() + "\"";
#ifdef _WIN32
    command = "\"" + command + "\""; // cmd.exe takes the outer pair away
#endif
    return std::system(command.c_str()) == 0 ? 0 : 1;
#else
    return 1;
#endif
}

// `contract --child engine ROOT`: runs until it is told to stop.
int run_engine(const fs::path& root) {
    write_file(root / "running", {});
    for (int i = 0; i < 6000 && !fs::exists(root / "stop"); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return 0;
}

} // namespace contract
