// The two session kinds' state x call tables, cell by cell (contract section 3 "Whole table, state
// x call, is a test", section 4).
#include "made_directory.h"

#include <functional>

namespace contract {
namespace {

constexpr HRESULT invalid = ERROR_INVALID_PARAMETER;

// --- restore sessions

enum class RestoreState {
    restricted,
    prepared,
    registered,
    completed,
    failed,
    other_registered,
    ended
};
constexpr const char* restore_state_names[] = {
    "restricted", "prepared", "registered", "completed", "failed", "other_registered", "ended"};

struct RestoreRow {
    RestoreState state;
    HRESULT locations, register_whole, complete_ok, complete_failure, end, backup_function;
};

void PrintTo(const RestoreRow& row, std::ostream* out) {
    *out << restore_state_names[static_cast<int>(row.state)];
}

constexpr RestoreRow restore_table[] = {
    // state                          locations register             complete(S_OK)
    // complete(failure)     end      DsBackupGetDatabaseNames
    {RestoreState::restricted, S_OK, hrMissingExpiryToken, hrMissingExpiryToken,
     hrMissingExpiryToken, S_OK, invalid},
    {RestoreState::prepared, S_OK, S_OK, invalid, invalid, S_OK, invalid},
    {RestoreState::registered, S_OK, hrRestoreInProgress, S_OK, S_OK, S_OK, invalid},
    {RestoreState::completed, S_OK, S_OK, invalid, invalid, S_OK, invalid},
    {RestoreState::failed, S_OK, S_OK, invalid, invalid, S_OK, invalid},
    {RestoreState::other_registered, S_OK, hrRestoreInProgress, invalid, invalid, S_OK, invalid},
    {RestoreState::ended, invalid, invalid, invalid, invalid, invalid, invalid},
};

class RestoreStateTable : public testing::TestWithParam<RestoreRow> {
protected:
    // Runs one cell: a fresh directory and session, brought into the row's state, then the call.
    void cell(const char* call, HRESULT expected,
              const std::function<HRESULT(Restore&, const MadeDirectory&, HBC)>& function) {
        const MadeDirectory directory;
        const Bytes token = directory.back_up();
        const RestoreState state = GetParam().state;
        Restore other(token);
        Restore restore(state == RestoreState::restricted ? Bytes{} : token);
        const HBC hbc = restore.handle();
        ASSERT_CODE(restore.prepared(), S_OK);
        if (state == RestoreState::other_registered) {
            ASSERT_CODE(other.register_whole(directory), S_OK);
        }
        if (state == RestoreState::registered || state == RestoreState::completed ||
            state == RestoreState::failed) {
            ASSERT_CODE(restore.register_whole(directory), S_OK);
        }
        if (state == RestoreState::completed) {
            ASSERT_CODE(restore.complete(), S_OK);
        }
        if (state == RestoreState::failed) {
            ASSERT_CODE(restore.complete(hrError), S_OK);
        }
        if (state == RestoreState::ended) {
            ASSERT_CODE(restore.end(), S_OK);
        }
        EXPECT_CODE(function(restore, directory, hbc), expected)
            << restore_state_names[static_cast<int>(state)] << " x " << call;
    }
};
INSTANTIATE_TEST_SUITE_P(States, RestoreStateTable, testing::ValuesIn(restore_table),
                         [](const auto& row) {
                             return std::string(
                                 restore_state_names[static_cast<int>(row.param.state)]);
                         });

TEST_P(RestoreStateTable, AnswersEveryCall) {
    const RestoreRow& row = GetParam();
    cell("GetDatabaseLocations", row.locations, [](Restore&, const MadeDirectory&, HBC hbc) {
        char* list = nullptr;
        DWORD size = 0;
        const HRESULT code = ::DsRestoreGetDatabaseLocationsA(hbc, &list, &size);
        ::DsBackupFree(list);
        return code;
    });
    cell("Register", row.register_whole, [](Restore& restore, const MadeDirectory& directory, HBC) {
        return restore.register_whole(directory);
    });
    cell("RegisterComplete(S_OK)", row.complete_ok, [](Restore&, const MadeDirectory&, HBC hbc) {
        return ::DsRestoreRegisterComplete(hbc, S_OK);
    });
    cell("RegisterComplete(failure)", row.complete_failure,
         [](Restore&, const MadeDirectory&, HBC hbc) {
             return ::DsRestoreRegisterComplete(hbc, hrError);
         });
    cell("End", row.end, [](Restore& restore, const MadeDirectory&, HBC hbc) {
        return restore.handle() != nullptr ? restore.end() : ::DsRestoreEnd(hbc);
    });
    cell("DsBackupGetDatabaseNames", row.backup_function,
         [](Restore&, const MadeDirectory&, HBC hbc) {
             char* list = nullptr;
             DWORD size = 0;
             return ::DsBackupGetDatabaseNamesA(hbc, &list, &size);
         });
}

// --- backup sessions

enum class BackupState { prepared, file_open, at_end, all_delivered, truncated, ended };
constexpr const char* backup_state_names[] = {"prepared",      "file_open", "at_end",
                                              "all_delivered", "truncated", "ended"};

struct BackupRow {
    BackupState state;
    HRESULT names, logs, open, read, close, truncate, locations, end, restore_function;
};

void PrintTo(const BackupRow& row, std::ostream* out) {
    *out << backup_state_names[static_cast<int>(row.state)];
}

constexpr HRESULT eof = ERROR_HANDLE_EOF;
constexpr BackupRow backup_table[] = {
    // state                       names    logs     open           read             close truncate
    // locations end      DsRestoreRegister
    {BackupState::prepared, S_OK, S_OK, S_OK, hrInvalidHandle, hrInvalidHandle,
     hrInvalidBackupSequence, S_OK, S_OK, invalid},
    {BackupState::file_open, S_OK, S_OK, hrAlreadyOpen, S_OK, S_OK, hrInvalidBackupSequence, S_OK,
     S_OK, invalid},
    {BackupState::at_end, S_OK, S_OK, hrAlreadyOpen, eof, S_OK, hrInvalidBackupSequence, S_OK, S_OK,
     invalid},
    {BackupState::all_delivered, S_OK, S_OK, S_OK, hrInvalidHandle, hrInvalidHandle, S_OK, S_OK,
     S_OK, invalid},
    {BackupState::truncated, S_OK, S_OK, S_OK, hrInvalidHandle, hrInvalidHandle, S_OK, S_OK, S_OK,
     invalid},
    {BackupState::ended, invalid, invalid, invalid, invalid, invalid, invalid, invalid, invalid,
     invalid},
};

class BackupStateTable : public testing::TestWithParam<BackupRow> {
protected:
    static HRESULT open_database(const MadeDirectory& directory, HBC hbc) {
        LARGE_INTEGER size;
        return ::DsBackupOpenFileA(hbc, directory.database().c_str(), 0, &size);
    }
    static HRESULT read(HBC hbc) {
        static Bytes buffer(1 << 20);
        DWORD count = 0;
        return ::DsBackupRead(hbc, buffer.data(), static_cast<DWORD>(buffer.size()), &count);
    }
    void cell(const char* call, HRESULT expected,
              const std::function<HRESULT(const MadeDirectory&, HBC)>& function) {
        const MadeDirectory directory(Shape::dirty_with_logs);
        const BackupState state = GetParam().state;
        Backup backup;
        const HBC hbc = backup.handle();
        ASSERT_CODE(backup.prepared(), S_OK);
        if (state == BackupState::file_open || state == BackupState::at_end) {
            ASSERT_CODE(open_database(directory, hbc), S_OK);
        }
        if (state == BackupState::at_end)
            while (read(hbc) == S_OK) {
            }
        if (state == BackupState::all_delivered || state == BackupState::truncated) {
            backup.read_whole(backup.names()[0]);
            for (const ListEntry& log : backup.logs()) backup.read_whole(log);
        }
        if (state == BackupState::truncated) {
            ASSERT_CODE(::DsBackupTruncateLogs(hbc), S_OK);
        }
        if (state == BackupState::ended) {
            ASSERT_CODE(backup.end(), S_OK);
        }
        EXPECT_CODE(function(directory, hbc), expected)
            << backup_state_names[static_cast<int>(state)] << " x " << call;
        if (std::string(call) == "End" && expected == S_OK) backup.forget();
    }
};
INSTANTIATE_TEST_SUITE_P(States, BackupStateTable, testing::ValuesIn(backup_table),
                         [](const auto& row) {
                             return std::string(
                                 backup_state_names[static_cast<int>(row.param.state)]);
                         });

HRESULT list_call(HRESULT (*function)(HBC, char**, DWORD*), HBC hbc) {
    char* list = nullptr;
    DWORD size = 0;
    const HRESULT code = function(hbc, &list, &size);
    ::DsBackupFree(list);
    return code;
}

TEST_P(BackupStateTable, AnswersEveryCall) {
    const BackupRow& row = GetParam();
    cell("GetDatabaseNames", row.names,
         [](const MadeDirectory&, HBC hbc) { return list_call(AnsiForm::database_names, hbc); });
    cell("GetBackupLogs", row.logs,
         [](const MadeDirectory&, HBC hbc) { return list_call(AnsiForm::backup_logs, hbc); });
    cell("OpenFile", row.open, open_database);
    cell("Read", row.read, [](const MadeDirectory&, HBC hbc) { return read(hbc); });
    cell("Close", row.close, [](const MadeDirectory&, HBC hbc) { return ::DsBackupClose(hbc); });
    cell("TruncateLogs", row.truncate,
         [](const MadeDirectory&, HBC hbc) { return ::DsBackupTruncateLogs(hbc); });
    cell("GetDatabaseLocations", row.locations,
         [](const MadeDirectory&, HBC hbc) { return list_call(AnsiForm::locations, hbc); });
    cell("End", row.end, [](const MadeDirectory&, HBC hbc) { return ::DsBackupEnd(hbc); });
    cell("DsRestoreRegister", row.restore_function, [](const MadeDirectory& directory, HBC hbc) {
        std::string database = directory.database();
        EDB_RSTMAPA map{database.data(), database.data()};
        return ::DsRestoreRegisterA(hbc, directory.log_path().c_str(), directory.log_path().c_str(),
                                    &map, 1, directory.backup_path().c_str(), 0, 0);
    });
}

} // namespace
} // namespace contract
