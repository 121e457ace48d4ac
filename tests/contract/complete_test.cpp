// DsRestoreRegisterComplete and DsRestoreEnd: contract CMPL, END, REC, and of VER what is seen
// through the API (each rule alone: unit/ese).
#include "made_directory.h"

namespace contract {
namespace {

class DsRestoreRegisterComplete : public testing::TestWithParam<Shape> {
protected:
    DsRestoreRegisterComplete()
        : directory(GetParam()), token(directory.back_up()), restore(token) {}
    void SetUp() override { ASSERT_CODE(restore.prepared(), S_OK); }
    // Another session's Register tells what the record allows: S_OK or hrRestoreInProgress.
    HRESULT register_by_another() const { return Restore(token).register_whole(directory); }
    // A live backup tells whether the record is none, started or completed (REC-3..REC-8).
    static HRESULT backup_by_another() { return Backup().prepared(); }

    MadeDirectory directory;
    Bytes token;
    Restore restore;
};
INSTANTIATE_TEST_SUITE_P(Directories, DsRestoreRegisterComplete,
                         testing::Values(Shape::clean_without_logs, Shape::dirty_with_logs),
                         [](const auto& tested) {
                             return tested.param == Shape::clean_without_logs
                                        ? std::string("clean")
                                        : std::string("dirty");
                         });

TEST_P(DsRestoreRegisterComplete, RestoresTheSameBytes_CMPL3) {
    const Bytes original = read_file(directory.database_file());
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    write_file(directory.database_file(), Bytes(4096, std::byte{0xdb}));
    directory.copy_back();
    EXPECT_CODE(restore.complete(), S_OK);
    EXPECT_EQ(read_file(directory.database_file()), original);
    EXPECT_CODE(backup_by_another(), S_OK);
}

TEST_P(DsRestoreRegisterComplete, PutsTheLogsWhereTheEngineRecoversFrom_VER7) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    EXPECT_CODE(restore.complete(), S_OK);
    const bool has_logs = GetParam() == Shape::dirty_with_logs;
    for (const char* name : {"edb00003.log", "edb00004.log", "edb.log"}) {
        EXPECT_EQ(std::filesystem::exists(directory.ntds() / name), has_logs) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(directory.ntds() / "edb00005.log"))
        << "the highest is placed as edb.log instead";
    if (has_logs) {
        EXPECT_EQ(read_file(directory.ntds() / "edb.log"),
                  read_file(directory.backup() / "edb00005.log"));
    }
}

TEST_P(DsRestoreRegisterComplete, RefusesWhatIsNotSoundAndMayBeCalledAgain_CMPL4) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    std::filesystem::remove(directory.database_file());
    EXPECT_CODE(restore.complete(), hrDatabaseNotFound);
    write_file(directory.database_file(), Bytes(65536, std::byte{0x11}));
    EXPECT_CODE(restore.complete(), hrInvalidDatabase);
    EXPECT_CODE(register_by_another(), hrRestoreInProgress);
    EXPECT_CODE(backup_by_another(), hrRestoreInProgress);
    directory.copy_back();
    EXPECT_CODE(restore.complete(), S_OK);
}

TEST_P(DsRestoreRegisterComplete, FindsADamagedPage_VER6) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    Bytes database = read_file(directory.database_file());
    database[database.size() - 100] ^= std::byte{1};
    write_file(directory.database_file(), database);
    EXPECT_CODE(restore.complete(), hrReadVerifyFailure);
    EXPECT_CODE(restore.complete(hrError), S_OK);
}

TEST_P(DsRestoreRegisterComplete, KeepsTheDirectoryBlockedAfterAFailure_CMPL2_REC6) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    EXPECT_CODE(restore.complete(hrError), S_OK);
    EXPECT_CODE(backup_by_another(), hrRestoreInProgress);
    EXPECT_CODE(restore.complete(), ERROR_INVALID_PARAMETER) << "no longer registered";
    EXPECT_CODE(register_by_another(), S_OK) << "the interlock is released";
}

TEST_P(DsRestoreRegisterComplete, NeedsTheSessionThatRegistered_CMPL1) {
    EXPECT_CODE(restore.complete(), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(restore.complete(hrError), ERROR_INVALID_PARAMETER);
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    const Restore other(token);
    EXPECT_CODE(other.complete(), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsRestoreRegisterComplete(nullptr, S_OK), ERROR_INVALID_PARAMETER);
    const Restore restricted({});
    EXPECT_CODE(restricted.complete(), hrMissingExpiryToken);
}

TEST_P(DsRestoreRegisterComplete, LetsTheSessionRegisterAgain_CMPL5) {
    for (int round = 0; round < 2; ++round) {
        ASSERT_CODE(restore.register_whole(directory), S_OK) << round;
        directory.copy_back();
        ASSERT_CODE(restore.complete(), S_OK) << round;
    }
}

TEST_P(DsRestoreRegisterComplete, ReportsADatabaseThatTheTokenDoesNotKnow_VER5_PREP6) {
    const MadeDirectory other(GetParam());
    const Bytes other_token = other.back_up();
    directory.configure("");
    const Restore wrong(other_token);
    ASSERT_CODE(wrong.register_whole(directory), S_OK);
    directory.copy_back();
    EXPECT_CODE(wrong.complete(), hrBadDbSignature);
}

TEST_P(DsRestoreRegisterComplete, ReportsADatabaseOfAnotherSize_VER5_PREP6) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    Bytes database = read_file(directory.database_file());
    database.resize(database.size() + 8192);
    write_file(directory.database_file(), database);
    EXPECT_CODE(restore.complete(), hrBadBackupDatabaseSize);
}

class DsRestoreRegisterCompleteWithLogs : public DsRestoreRegisterComplete {};
INSTANTIATE_TEST_SUITE_P(Directories, DsRestoreRegisterCompleteWithLogs,
                         testing::Values(Shape::dirty_with_logs),
                         [](const auto&) { return std::string("dirty"); });

TEST_P(DsRestoreRegisterCompleteWithLogs, ReportsMissingAndDamagedLogs_VER2) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    const Bytes log = read_file(directory.backup() / "edb00004.log");
    std::filesystem::remove(directory.backup() / "edb00004.log");
    EXPECT_CODE(restore.complete(), hrMissingRestoreLogFiles);
    Bytes damaged = log;
    damaged[100] ^= std::byte{1};
    write_file(directory.backup() / "edb00004.log", damaged);
    EXPECT_CODE(restore.complete(), hrLogFileCorrupt);
    write_file(directory.backup() / "edb00004.log", log);
    EXPECT_CODE(restore.complete(), S_OK);
}

TEST_P(DsRestoreRegisterCompleteWithLogs, ReportsARangeThatRecoveryCannotUse_VER3) {
    const std::string database = directory.database();
    EDB_RSTMAPA map{};
    map.szDatabaseName = map.szNewDatabaseName = const_cast<char*>(database.c_str());
    const std::string logs = directory.log_path(), backup = directory.backup_path();
    directory.copy_back();
    ASSERT_CODE(::DsRestoreRegisterA(restore.handle(), logs.c_str(), logs.c_str(), &map, 1,
                                     backup.c_str(), 4, 5),
                S_OK);
    EXPECT_CODE(restore.complete(), hrRestoreLogTooHigh);
    EXPECT_CODE(restore.complete(hrError), S_OK);
    ASSERT_CODE(::DsRestoreRegisterA(restore.handle(), logs.c_str(), logs.c_str(), &map, 1,
                                     backup.c_str(), 3, 4),
                S_OK);
    EXPECT_CODE(restore.complete(), hrRestoreLogTooLow);
}

TEST_P(DsRestoreRegisterCompleteWithLogs, ZeroToZeroIsARestoreWithoutLogs_REG10) {
    const std::string logs = directory.log_path(), backup = directory.backup_path();
    std::string database = directory.database();
    EDB_RSTMAPA map{database.data(), database.data()};
    directory.copy_back();
    ASSERT_CODE(::DsRestoreRegisterA(restore.handle(), logs.c_str(), logs.c_str(), &map, 1,
                                     backup.c_str(), 0, 0),
                S_OK);
    EXPECT_NE(restore.complete(), S_OK) << "a dirty database needs its logs";
    EXPECT_CODE(restore.complete(hrError), S_OK);
    ASSERT_CODE(::DsRestoreRegisterA(restore.handle(), logs.c_str(), logs.c_str(), &map, 1,
                                     backup.c_str(), 0, 5),
                S_OK);
    EXPECT_CODE(restore.complete(), S_OK) << "from the lowest required generation on";
}

TEST_P(DsRestoreRegisterCompleteWithLogs, ChecksACheckpointThatIsThere_VER4) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    write_file(directory.ntds() / "edb.chk", Bytes(8192, std::byte{7}));
    EXPECT_CODE(restore.complete(), hrCheckpointCorrupt);
    std::filesystem::remove(directory.ntds() / "edb.chk");
    EXPECT_CODE(restore.complete(), S_OK);
}

TEST_P(DsRestoreRegisterCompleteWithLogs, AnswersTheFirstOfManyFaultsInTheirOrder_VER1_VER8) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    const Bytes database = read_file(directory.database_file());
    std::filesystem::rename(directory.backup() / "edb00004.log", directory.root() / "aside");
    std::filesystem::remove(directory.database_file());
    EXPECT_CODE(restore.complete(), hrDatabaseNotFound);
    write_file(directory.database_file(), Bytes(65536, std::byte{'x'}));
    EXPECT_CODE(restore.complete(), hrInvalidDatabase);
    write_file(directory.database_file(), database);
    EXPECT_CODE(restore.complete(), hrMissingRestoreLogFiles);
    std::filesystem::rename(directory.root() / "aside", directory.backup() / "edb00004.log");
    EXPECT_CODE(restore.complete(), S_OK);
}

TEST_P(DsRestoreRegisterCompleteWithLogs, NeverOverwritesALogThatDiffers_VER2_VER7) {
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    Bytes other = read_file(directory.backup() / "edb00003.log");
    other[other.size() - 1] ^= std::byte{1};
    write_file(directory.ntds() / "edb00003.log", other);
    EXPECT_CODE(restore.complete(), hrExistingLogFileHasBadSignature);
    EXPECT_EQ(read_file(directory.ntds() / "edb00003.log"), other);
}

TEST(DsRestoreEnd, FreesTheHandleOnce_END1_COM1) {
    const MadeDirectory directory;
    HBC hbc = nullptr;
    ASSERT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &hbc), S_OK);
    EXPECT_CODE(::DsRestoreEnd(hbc), S_OK);
    EXPECT_CODE(::DsRestoreEnd(hbc), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsRestoreEnd(nullptr), ERROR_INVALID_PARAMETER);
    char* list = nullptr;
    DWORD size = 0;
    EXPECT_CODE(::DsRestoreGetDatabaseLocationsA(hbc, &list, &size), ERROR_INVALID_PARAMETER);
}

TEST(DsRestoreEnd, RefusesABackupHandle_COM1) {
    const MadeDirectory directory;
    Backup backup;
    ASSERT_CODE(backup.prepared(), S_OK);
    EXPECT_CODE(::DsRestoreEnd(backup.handle()), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(backup.end(), S_OK);
}

TEST(DsRestoreEnd, LeavesARegisteredDirectoryBlockedAndReleasesTheInterlock_END2_REC5) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    Restore restore(token);
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    EXPECT_CODE(restore.end(), S_OK);
    EXPECT_CODE(Backup().prepared(), hrRestoreInProgress);
    EXPECT_CODE(Restore(token).register_whole(directory), S_OK);
}

} // namespace
} // namespace contract
