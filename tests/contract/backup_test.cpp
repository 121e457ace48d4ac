// The backup functions: contract BPREP, BLIST, BOPEN, BREAD, BCLOSE, BTRUNC, BEND, ONL, CURLOG.
#include "made_directory.h"

#include <algorithm>

namespace contract {
namespace {

template <class Form>
class DsBackupPrepare : public testing::Test {};
TYPED_TEST_SUITE(DsBackupPrepare, BothForms, FormName);

TYPED_TEST(DsBackupPrepare, AcceptsOnlyAFullBackup_BPREP1_ABI9) {
    const MadeDirectory directory;
    const auto server = TypeParam::text("localhost");
    struct Case {
        ULONG grbit, type;
        HRESULT code;
    };
    for (const Case& row :
         {Case{0, BACKUP_TYPE_FULL, S_OK}, Case{1, BACKUP_TYPE_FULL, ERROR_INVALID_PARAMETER},
          Case{0, 0, ERROR_INVALID_PARAMETER},
          Case{0, BACKUP_TYPE_LOGS_ONLY, ERROR_INVALID_PARAMETER},
          Case{0, BACKUP_TYPE_INCREMENTAL, ERROR_INVALID_PARAMETER},
          Case{0, BACKUP_TYPE_FULL | BACKUP_TYPE_LOGS_ONLY, ERROR_INVALID_PARAMETER},
          Case{0xffffffff, 0xffffffff, ERROR_INVALID_PARAMETER}}) {
        PVOID token = &token;
        DWORD size = 77;
        HBC hbc = &token;
        EXPECT_CODE(
            TypeParam::backup_prepare(server.c_str(), row.grbit, row.type, &token, &size, &hbc),
            row.code)
            << row.grbit << " " << row.type;
        EXPECT_EQ(token != nullptr, row.code == S_OK);
        EXPECT_EQ(size != 0, row.code == S_OK);
        EXPECT_EQ(hbc != nullptr, row.code == S_OK);
        ::DsBackupFree(token);
        if (row.code == S_OK) {
            EXPECT_CODE(::DsBackupEnd(hbc), S_OK);
        }
    }
}

TYPED_TEST(DsBackupPrepare, TellsWhichPointerIsNull_COM2_COM4) {
    const MadeDirectory directory;
    const auto server = TypeParam::text("localhost");
    PVOID token = nullptr;
    DWORD size = 0;
    HBC hbc = nullptr;
    EXPECT_CODE(
        TypeParam::backup_prepare(server.c_str(), 0, BACKUP_TYPE_FULL, nullptr, &size, &hbc),
        hrInvalidParam);
    EXPECT_CODE(
        TypeParam::backup_prepare(server.c_str(), 0, BACKUP_TYPE_FULL, &token, nullptr, &hbc),
        hrInvalidParam);
    EXPECT_CODE(
        TypeParam::backup_prepare(server.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, nullptr),
        ERROR_INVALID_PARAMETER);
    EXPECT_CODE(TypeParam::backup_prepare(nullptr, 0, BACKUP_TYPE_FULL, &token, &size, &hbc),
                ERROR_INVALID_PARAMETER);
}

TYPED_TEST(DsBackupPrepare, RefusesASecondBackupAtOnce_BPREP5) {
    const MadeDirectory directory;
    Backup first;
    ASSERT_CODE(first.prepared(), S_OK);
    EXPECT_CODE(Backup().prepared(), hrBackupInProgress);
    EXPECT_CODE(first.end(), S_OK);
    EXPECT_CODE(Backup().prepared(), S_OK);
}

TEST(DsBackupPrepareSnapshot, ReadsTheSnapshotAndListsTheLivePaths_BPREP3) {
    const MadeDirectory directory;
    const auto snapshot = directory.root() / "snapshot";
    std::filesystem::copy(directory.ntds(), snapshot);
    const Bytes original = read_file(directory.database_file());
    write_file(directory.database_file(), Bytes(8192, std::byte{0x77}));
    directory.configure("snapshot_path = '" + snapshot.string() + "'");
    const Backup backup;
    ASSERT_CODE(backup.prepared(), S_OK);
    const auto names = backup.names();
    ASSERT_EQ(names.size(), 1u);
    EXPECT_EQ(names[0], (ListEntry{0x44, directory.database()}));
    EXPECT_EQ(backup.read_whole(names[0]), original);
}

TEST(DsBackupPrepareRecord, RefusesADirectoryInMidRestore_BPREP6) {
    const MadeDirectory directory;
    Restore restore(directory.back_up());
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    EXPECT_CODE(Backup().prepared(), hrRestoreInProgress);
    EXPECT_CODE(restore.complete(hrError), S_OK);
    EXPECT_CODE(Backup().prepared(), hrRestoreInProgress);
}

TEST(DsBackupPrepareFiles, AreFoundAndJudgedHere_BLIST3) {
    const MadeDirectory directory(Shape::dirty_with_logs);
    const Bytes log = read_file(directory.ntds() / "edb00004.log");
    Bytes damaged = log;
    damaged[100] ^= std::byte{1};
    write_file(directory.ntds() / "edb00004.log", damaged);
    EXPECT_CODE(Backup().prepared(), hrLogFileCorrupt);
    std::filesystem::remove(directory.ntds() / "edb00004.log");
    EXPECT_CODE(Backup().prepared(), hrLogFileNotFound);
    write_file(directory.ntds() / "edb00004.log", log);
    EXPECT_CODE(Backup().prepared(), S_OK);
    std::filesystem::remove(directory.database_file());
    EXPECT_CODE(Backup().prepared(), hrDatabaseNotFound);
}

TEST(DsBackupPrepareToken, IsOneThatARestoreTakes_BPREP2) {
    const MadeDirectory directory;
    const Backup backup;
    Bytes token = backup.token();
    ASSERT_FALSE(token.empty());
    EXPECT_CODE(::DsRestoreCheckExpiryToken(token.data(), static_cast<DWORD>(token.size())), S_OK);
}

template <class Form>
class DsBackupLists : public testing::Test {};
TYPED_TEST_SUITE(DsBackupLists, BothForms, FormName);

TYPED_TEST(DsBackupLists, NameTheDatabaseThenTheLogsUpToTheCurrentOne_BLIST1_BLIST2) {
    const MadeDirectory directory(Shape::dirty_with_logs);
    const Backup backup;
    ASSERT_CODE(backup.prepared(), S_OK);
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    ASSERT_CODE(TypeParam::database_names(backup.handle(), &list, &size), S_OK);
    EXPECT_EQ(split_list<TypeParam>(list, size),
              (std::vector<ListEntry>{{0x44, directory.database()}}));
    // BLIST-2: the out-pointer need not be NULL before the call.
    auto* first = list;
    ASSERT_CODE(TypeParam::backup_logs(backup.handle(), &list, &size), S_OK);
    ::DsBackupFree(first);
    std::vector<ListEntry> logs;
    for (const char* name : {"edb00003.log", "edb00004.log", "edb00005.log"})
        logs.push_back({0x21, (directory.ntds() / name).string()});
    EXPECT_EQ(split_list<TypeParam>(list, size), logs);
    ::DsBackupFree(list);
}

TYPED_TEST(DsBackupLists, AreTwoNulsWhereThereIsNothing_ABI5) {
    const MadeDirectory directory;
    const Backup backup;
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    ASSERT_CODE(TypeParam::backup_logs(backup.handle(), &list, &size), S_OK);
    EXPECT_EQ(size, 2 * sizeof(typename TypeParam::Char));
    EXPECT_EQ(list[0], 0);
    EXPECT_EQ(list[1], 0);
    ::DsBackupFree(list);
}

TYPED_TEST(DsBackupLists, DefineOutParametersOnFailure_COM1_COM2_ABI10) {
    const MadeDirectory directory;
    const Backup backup;
    const Restore restore({});
    for (auto function : {&TypeParam::database_names, &TypeParam::backup_logs}) {
        for (const HBC hbc :
             {HBC{nullptr}, restore.handle(), reinterpret_cast<HBC>(std::uintptr_t{0x77})}) {
            auto* list = reinterpret_cast<typename TypeParam::Char*>(std::uintptr_t{16});
            DWORD size = 77;
            EXPECT_CODE(function(hbc, &list, &size), ERROR_INVALID_PARAMETER);
            EXPECT_EQ(list, nullptr);
            EXPECT_EQ(size, 0u);
        }
        DWORD size = 77;
        EXPECT_CODE(function(backup.handle(), nullptr, &size), ERROR_INVALID_PARAMETER);
        typename TypeParam::Char* list = nullptr;
        EXPECT_CODE(function(backup.handle(), &list, nullptr), ERROR_INVALID_PARAMETER);
        EXPECT_EQ(list, nullptr);
    }
}

template <class Form>
class DsBackupOpenFile : public testing::Test {
protected:
    HRESULT open(const ListEntry& entry, bool with_prefix, DWORD hint = 0) {
        typename Form::String name;
        if (with_prefix) name += static_cast<typename Form::Char>(entry.bft);
        name += Form::text(entry.path);
        LARGE_INTEGER size;
        size.QuadPart = 77;
        const HRESULT code = Form::open_file(backup.handle(), name.c_str(), hint, &size);
        opened_size = size.QuadPart;
        return code;
    }
    MadeDirectory directory{Shape::dirty_with_logs};
    Backup backup;
    long long opened_size = 0;
};
TYPED_TEST_SUITE(DsBackupOpenFile, BothForms, FormName);

TYPED_TEST(DsBackupOpenFile, TakesAListedNameWithOrWithoutPrefixAndAnyHint_BOPEN1) {
    for (const ListEntry& entry : {this->backup.names()[0], this->backup.logs()[2]}) {
        for (const bool with_prefix : {true, false}) {
            for (const DWORD hint : {0u, 1u, 4096u, 0xffffffffu}) {
                EXPECT_CODE(this->open(entry, with_prefix, hint), S_OK);
                EXPECT_GT(this->opened_size, 0);
                EXPECT_CODE(::DsBackupClose(this->backup.handle()), S_OK);
            }
        }
    }
}

TYPED_TEST(DsBackupOpenFile, FindsOnlyWhatIsListed_BOPEN2) {
    for (const std::string& path :
         {this->directory.config_file().string(), (this->directory.ntds() / "edb.log").string(),
          (this->directory.ntds() / "edb00009.log").string(), this->directory.log_path(),
          std::string("ntds.dit")}) {
        EXPECT_CODE(this->open({0x44, path}, false), ERROR_FILE_NOT_FOUND) << path;
        EXPECT_EQ(this->opened_size, 0) << path;
    }
}

TYPED_TEST(DsBackupOpenFile, OpensOneFileAtATime_BOPEN3) {
    EXPECT_CODE(this->open(this->backup.names()[0], true), S_OK);
    EXPECT_CODE(this->open(this->backup.logs()[0], true), hrAlreadyOpen);
    EXPECT_EQ(this->opened_size, 0);
    EXPECT_CODE(::DsBackupClose(this->backup.handle()), S_OK);
    EXPECT_CODE(this->open(this->backup.logs()[0], true), S_OK);
}

TYPED_TEST(DsBackupOpenFile, RejectsNullNamesPointersAndForeignHandles_COM1_COM2) {
    LARGE_INTEGER size;
    const auto name = TypeParam::text(this->directory.database());
    const Restore restore({});
    EXPECT_CODE(TypeParam::open_file(this->backup.handle(), nullptr, 0, &size),
                ERROR_INVALID_PARAMETER);
    EXPECT_CODE(TypeParam::open_file(this->backup.handle(), name.c_str(), 0, nullptr),
                ERROR_INVALID_PARAMETER);
    EXPECT_CODE(TypeParam::open_file(nullptr, name.c_str(), 0, &size), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(TypeParam::open_file(restore.handle(), name.c_str(), 0, &size),
                ERROR_INVALID_PARAMETER);
}

class DsBackupRead : public testing::Test {
protected:
    void open_database() {
        const std::string name = directory.database();
        LARGE_INTEGER size;
        ASSERT_CODE(::DsBackupOpenFileA(backup.handle(), name.c_str(), 0, &size), S_OK);
    }
    MadeDirectory directory{Shape::dirty_with_logs};
    Backup backup;
};

TEST_F(DsBackupRead, GivesTheSameBytesWhateverTheBuffer_BREAD1) {
    const Bytes original = read_file(directory.database_file());
    for (const DWORD bytes : {1000u, 4096u, 4097u, 8192u, 12288u, 65536u, 1u << 20})
        EXPECT_EQ(backup.read_whole(backup.names()[0], bytes), original) << bytes;
    for (const ListEntry& log : backup.logs()) {
        auto source = std::filesystem::path(log.path);
        if (!std::filesystem::exists(source)) source = directory.ntds() / "edb.log";
        EXPECT_EQ(backup.read_whole(log), read_file(source)) << log.path;
    }
}

TEST_F(DsBackupRead, EndsWithHandleEofAndNoBytes_BREAD2) {
    open_database();
    Bytes buffer(1 << 20);
    DWORD read = 77;
    while (::DsBackupRead(backup.handle(), buffer.data(), static_cast<DWORD>(buffer.size()),
                          &read) == S_OK)
        ASSERT_GT(read, 0u);
    EXPECT_CODE(::DsBackupRead(backup.handle(), buffer.data(), 4096, &read), ERROR_HANDLE_EOF);
    EXPECT_EQ(read, 0u);
}

TEST_F(DsBackupRead, NeedsAnOpenFile_BREAD3_BCLOSE1) {
    Bytes buffer(4096);
    DWORD read = 77;
    EXPECT_CODE(::DsBackupRead(backup.handle(), buffer.data(), 4096, &read), hrInvalidHandle);
    EXPECT_EQ(read, 0u);
    EXPECT_CODE(::DsBackupClose(backup.handle()), hrInvalidHandle);
}

TEST_F(DsBackupRead, RejectsNoBytesNullPointersAndForeignHandles_BREAD1_COM1_COM2) {
    open_database();
    Bytes buffer(4096);
    DWORD read = 77;
    EXPECT_CODE(::DsBackupRead(backup.handle(), buffer.data(), 0, &read), ERROR_INVALID_PARAMETER);
    EXPECT_EQ(read, 0u);
    EXPECT_CODE(::DsBackupRead(backup.handle(), nullptr, 4096, &read), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsBackupRead(backup.handle(), buffer.data(), 4096, nullptr),
                ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsBackupRead(nullptr, buffer.data(), 4096, &read), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsBackupClose(nullptr), ERROR_INVALID_PARAMETER);
}

TEST_F(DsBackupRead, FindsADamagedPage_BREAD4) {
    Bytes database = read_file(directory.database_file());
    database[database.size() - 50] ^= std::byte{4};
    write_file(directory.database_file(), database);
    open_database();
    Bytes buffer(8192);
    DWORD read = 0;
    HRESULT code = S_OK;
    while (code == S_OK)
        code = ::DsBackupRead(backup.handle(), buffer.data(), static_cast<DWORD>(buffer.size()),
                              &read);
    EXPECT_CODE(code, hrReadVerifyFailure);
    EXPECT_EQ(read, 0u);
}

TEST(DsBackupTruncateLogs, NeedsAWholeBackup_BTRUNC1) {
    const MadeDirectory directory(Shape::dirty_with_logs);
    const Backup backup;
    EXPECT_CODE(::DsBackupTruncateLogs(backup.handle()), hrInvalidBackupSequence);
    backup.read_whole(backup.names()[0]);
    EXPECT_CODE(::DsBackupTruncateLogs(backup.handle()), hrInvalidBackupSequence);
    for (const ListEntry& log : backup.logs()) backup.read_whole(log);
    EXPECT_CODE(::DsBackupTruncateLogs(backup.handle()), S_OK);
    for (const char* name : {"edb00003.log", "edb00004.log", "edb.log"})
        EXPECT_TRUE(std::filesystem::exists(directory.ntds() / name)) << "still required: " << name;
    EXPECT_FALSE(std::filesystem::exists(directory.ntds() / "edb00002.log"))
        << "below checkpoint and lowest required";
    EXPECT_CODE(::DsBackupTruncateLogs(nullptr), ERROR_INVALID_PARAMETER);
}

TEST(DsBackupEnd, ClosesAnOpenFileAndFreesTheHandleOnce_BEND1_COM1) {
    const MadeDirectory directory;
    Backup backup;
    const std::string name = directory.database();
    LARGE_INTEGER size;
    ASSERT_CODE(::DsBackupOpenFileA(backup.handle(), name.c_str(), 0, &size), S_OK);
    const HBC hbc = backup.handle();
    EXPECT_CODE(backup.end(), S_OK);
    EXPECT_CODE(::DsBackupEnd(hbc), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsBackupEnd(nullptr), ERROR_INVALID_PARAMETER);
    const Restore restore({});
    EXPECT_CODE(::DsBackupEnd(restore.handle()), ERROR_INVALID_PARAMETER);
}

template <class Form>
class DsIsNTDSOnline : public testing::Test {};
TYPED_TEST_SUITE(DsIsNTDSOnline, BothForms, FormName);

TYPED_TEST(DsIsNTDSOnline, AnswersForAStoppedDirectory_ONL1_ONL2) {
    const MadeDirectory directory;
    const auto server = TypeParam::text("\\\\localhost");
    BOOL online = 77;
    EXPECT_CODE(TypeParam::is_online(server.c_str(), &online), S_OK);
    EXPECT_EQ(online, FALSE);
    directory.configure("online = \"yes\"");
    EXPECT_CODE(TypeParam::is_online(server.c_str(), &online), S_OK);
    EXPECT_EQ(online, TRUE);
}

TYPED_TEST(DsIsNTDSOnline, RejectsNullAndUnknownServers_COM2_COM4_COM5_COM6) {
    const MadeDirectory directory;
    BOOL online = TRUE;
    EXPECT_CODE(TypeParam::is_online(nullptr, &online), ERROR_INVALID_PARAMETER);
    EXPECT_EQ(online, FALSE);
    EXPECT_CODE(TypeParam::is_online(TypeParam::text("localhost").c_str(), nullptr),
                ERROR_INVALID_PARAMETER);
    EXPECT_CODE(TypeParam::is_online(TypeParam::text("local_host").c_str(), &online),
                hrCouldNotConnect);
    EXPECT_CODE(TypeParam::is_online(TypeParam::text("elsewhere.example").c_str(), &online),
                RPC_S_INVALID_BINDING);
}

TYPED_TEST(DsIsNTDSOnline, DoesNotNeedAStateFolder_ONL1) {
    const MadeDirectory directory;
    BOOL online = TRUE;
    EXPECT_CODE(TypeParam::is_online(TypeParam::text("localhost").c_str(), &online), S_OK);
    EXPECT_EQ(online, FALSE);
}

template <class Form>
class DsSetCurrentBackupLog : public testing::Test {};
TYPED_TEST_SUITE(DsSetCurrentBackupLog, BothForms, FormName);

TYPED_TEST(DsSetCurrentBackupLog, PersistsAndClearsTheNumber_CURLOG1) {
    const MadeDirectory directory;
    const auto server = TypeParam::text("localhost");
    for (const DWORD number :
         {0u, 5u, 0xfffffu, 0xfffffffeu, static_cast<unsigned>(BACKUP_DISABLE_INCREMENTAL)})
        EXPECT_CODE(TypeParam::set_current_log(server.c_str(), number), S_OK) << number;
    EXPECT_CODE(TypeParam::set_current_log(nullptr, 1), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(TypeParam::set_current_log(TypeParam::text("elsewhere.example").c_str(), 1),
                RPC_S_INVALID_BINDING);
}

} // namespace
} // namespace contract
