// See operations.h.
#include "operations.h"

#include "service/expiry_token.h"
#include "service/interlock.h"

#include <chrono>
#include <thread>

namespace faults {

using namespace ntdsb;
using contract::Bytes;
using service::RecordState;

namespace {

constexpr const char* server = "localhost";

// Out-parameters are defined: something to free after success, nothing after failure.
HRESULT checked(HRESULT code, void* given, DWORD size) {
    EXPECT_EQ(given != nullptr, code == S_OK);
    EXPECT_EQ(size != 0, code == S_OK);
    DsBackupFree(given);
    return code;
}
// A list is another for each directory, by the folder that it is in.
std::string without_root(std::string list, const Caller& caller) {
    const std::string root = caller.directory.root().string();
    for (auto at = list.find(root); at != std::string::npos; at = list.find(root, at))
        list.replace(at, root.size(), "ROOT");
    return list;
}
HRESULT with_list(HRESULT (*ask)(HBC, LPSTR*, LPDWORD), Caller& caller) {
    LPSTR list = reinterpret_cast<LPSTR>(&caller);
    DWORD size = 1;
    const HRESULT code = ask(caller.handle, &list, &size);
    if (code == S_OK) caller.given = without_root(std::string(list, size), caller);
    return checked(code, list, size);
}

// --- the calls

HRESULT is_online(Caller& caller) {
    BOOL online = 2;
    const HRESULT code = DsIsNTDSOnlineA(server, &online);
    EXPECT_NE(online, 2);
    EXPECT_TRUE(code == S_OK || online == FALSE);
    caller.given = text("online: ", online);
    return code;
}
HRESULT prepare_restore(Caller& caller) {
    caller.handle = reinterpret_cast<HBC>(1);
    const HRESULT code = DsRestorePrepareA(server, 0, caller.token.data(),
                                           static_cast<DWORD>(caller.token.size()), &caller.handle);
    EXPECT_EQ(caller.handle != nullptr, code == S_OK);
    return code;
}
HRESULT prepare_backup(Caller& caller) {
    PVOID token = &caller;
    DWORD size = 1;
    caller.handle = reinterpret_cast<HBC>(1);
    caller.is_backup = true;
    const HRESULT code =
        DsBackupPrepareA(server, 0, BACKUP_TYPE_FULL, &token, &size, &caller.handle);
    EXPECT_EQ(caller.handle != nullptr, code == S_OK);
    return checked(code, token, size);
}
HRESULT register_restore(Caller& caller) {
    std::string database = caller.directory.database(), logs = caller.directory.log_path();
    EDB_RSTMAPA map{database.data(), database.data()};
    return DsRestoreRegisterA(caller.handle, logs.c_str(), logs.c_str(), &map, 1,
                              caller.directory.backup_path().c_str(), 3, 5);
}
HRESULT complete(Caller& caller) { return DsRestoreRegisterComplete(caller.handle, S_OK); }
HRESULT locations(Caller& caller) { return with_list(DsRestoreGetDatabaseLocationsA, caller); }
HRESULT end_session(Caller& caller) { return caller.end(); }
HRESULT set_current_log(Caller&) { return DsSetCurrentBackupLogA(server, 7); }
HRESULT check_token(Caller& caller) {
    return DsRestoreCheckExpiryToken(caller.token.data(), static_cast<DWORD>(caller.token.size()));
}
HRESULT database_names(Caller& caller) { return with_list(DsBackupGetDatabaseNamesA, caller); }
HRESULT backup_logs(Caller& caller) { return with_list(DsBackupGetBackupLogsA, caller); }
HRESULT open_file(Caller& caller) {
    LARGE_INTEGER size;
    size.QuadPart = -1;
    const HRESULT code =
        DsBackupOpenFileA(caller.handle, caller.directory.database().c_str(), 0, &size);
    EXPECT_NE(size.QuadPart, -1);
    EXPECT_TRUE(code == S_OK || size.QuadPart == 0);
    caller.given = text("size: ", size.QuadPart);
    return code;
}
HRESULT read(Caller& caller) {
    std::vector<std::byte> buffer(6000);
    DWORD count = 1;
    const HRESULT code = DsBackupRead(caller.handle, buffer.data(), 6000, &count);
    EXPECT_LE(count, 6000u);
    EXPECT_TRUE(code == S_OK || count == 0);
    const auto file = contract::read_file(caller.directory.database_file());
    const bool same = std::equal(buffer.begin(), buffer.begin() + count, file.begin());
    caller.given = text(count, same ? " octets of the file" : " octets of something else");
    return code;
}
HRESULT close(Caller& caller) { return DsBackupClose(caller.handle); }
HRESULT truncate(Caller& caller) { return DsBackupTruncateLogs(caller.handle); }

// --- how a caller comes to them

void nothing(Caller&) {}
void with_token(Caller& caller) { caller.token = caller.directory.back_up(); }
// One that takes several fragments, as that of a directory of many databases.
void with_long_token(Caller& caller) {
    with_token(caller);
    auto token = service::decode_token(caller.token).value();
    token.databases.resize(70, token.databases.front());
    caller.token = service::encode_token(token);
}
void restoring(Caller& caller) {
    with_token(caller);
    ASSERT_CODE(prepare_restore(caller), S_OK);
}
void registered(Caller& caller) {
    restoring(caller);
    ASSERT_CODE(register_restore(caller), S_OK);
}
void backing_up(Caller& caller) { ASSERT_CODE(prepare_backup(caller), S_OK); }
void with_open_file(Caller& caller) {
    backing_up(caller);
    ASSERT_CODE(open_file(caller), S_OK);
}
void backed_up(Caller& caller) {
    backing_up(caller);
    for (auto* const ask : {DsBackupGetDatabaseNamesA, DsBackupGetBackupLogsA}) {
        LPSTR list = nullptr;
        DWORD size = 0;
        ASSERT_CODE(ask(caller.handle, &list, &size), S_OK);
        for (const auto& file : contract::split_list<contract::AnsiForm>(list, size)) {
            LARGE_INTEGER left;
            ASSERT_CODE(DsBackupOpenFileA(caller.handle, file.path.c_str(), 0, &left), S_OK);
            std::vector<std::byte> buffer(65536);
            DWORD count = 0;
            while (DsBackupRead(caller.handle, buffer.data(), 65536, &count) == S_OK) {
            }
            ASSERT_CODE(DsBackupClose(caller.handle), S_OK);
        }
        DsBackupFree(list);
    }
}

} // namespace

HRESULT Caller::end() {
    const HBC ending = std::exchange(handle, nullptr);
    if (ending == nullptr) return S_OK;
    const HRESULT code = is_backup ? DsBackupEnd(ending) : DsRestoreEnd(ending);
    // END-1, BEND-1: whatever happened, the handle is no more.
    EXPECT_CODE(is_backup ? DsBackupEnd(ending) : DsRestoreEnd(ending), ERROR_INVALID_PARAMETER);
    return code;
}

const std::vector<Operation>& operations() {
    constexpr auto of_restore = wire::Interface::restore, of_backup = wire::Interface::backup;
    const State none, is_registered = RecordState::registered, done = RecordState::completed;
    static const std::vector<Operation> all{
        {"IsDirectoryOnline", of_restore, 0, nothing, is_online, none, none, false},
        {"RestorePrepare", of_restore, 1, with_long_token, prepare_restore, none, none, false, 3},
        {"RestoreRegister", of_restore, 2, restoring, register_restore, none, is_registered, true,
         4},
        {"RestoreRegisterComplete", of_restore, 3, registered, complete, is_registered, done, true},
        {"RestoreGetDatabaseLocations", of_restore, 4, restoring, locations, none, none, true, 1,
         3},
        {"RestoreEnd", of_restore, 5, registered, end_session, is_registered, is_registered, false},
        {"SetCurrentLogNumber", of_restore, 6, nothing, set_current_log, none, none, false},
        {"CheckExpiryToken", of_restore, 7, with_long_token, check_token, none, none, false, 3},
        {"BackupPrepare", of_backup, 0, nothing, prepare_backup, none, none, false},
        {"BackupEnd", of_backup, 1, with_open_file, end_session, none, none, false},
        {"BackupGetDatabaseNames", of_backup, 2, backing_up, database_names, none, none, true, 1,
         2},
        {"BackupOpenFile", of_backup, 3, backing_up, open_file, none, none, true, 2},
        {"BackupRead", of_backup, 4, with_open_file, read, none, none, true, 1, 5},
        {"BackupClose", of_backup, 5, with_open_file, close, none, none, true},
        {"BackupGetBackupLogs", of_backup, 6, backing_up, backup_logs, none, none, true, 1, 3},
        {"BackupTruncateLogs", of_backup, 7, backed_up, truncate, none, none, true},
        {"BackupGetDatabaseLocations", of_backup, 9, backing_up, locations, none, none, true, 1, 3},
    };
    return all;
}

State recorded(const contract::MadeDirectory& directory) {
    auto config = parse_config("[directory]\ndatabase = '" + directory.database() +
                                   "'\nstate_path = '" + directory.state().string() + "'\n",
                               "the test");
    const auto instance =
        service::Instance::open(std::make_shared<const Config>(std::move(config).value()), u"");
    if (!instance) {
        ADD_FAILURE() << instance.error().what;
        return {};
    }
    // Over a network a session ends a moment after its client.
    for (int i = 0; i < 1000; ++i) {
        const auto status = service::interlock_status(*instance.value());
        if (!status) {
            ADD_FAILURE() << status.error().what;
            return {};
        }
        const auto& facts = status.value();
        if (!facts.restore_session_alive && !facts.backup) {
            EXPECT_EQ(facts.record_problem, "");
            const State state = facts.record ? State(facts.record->state) : State();
            const bool blocks = state == RecordState::registered || state == RecordState::failed;
            EXPECT_EQ(facts.start_blocked.has_value(), blocks) << "nothing is half-registered";
            return state;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "a session outlives its client";
    return {};
}

void expect_goes_on(const contract::MadeDirectory& directory) {
    BOOL online = TRUE;
    EXPECT_CODE(DsIsNTDSOnlineA(server, &online), S_OK);
    if (!std::filesystem::exists(directory.backup() / "token.bin")) return;
    Caller next(directory);
    next.token = contract::read_file(directory.backup() / "token.bin");
    EXPECT_CODE(prepare_restore(next), S_OK);
    EXPECT_CODE(register_restore(next), S_OK);
    EXPECT_CODE(DsRestoreRegisterComplete(next.handle, hrDatabaseCorrupted), S_OK);
    EXPECT_EQ(recorded(directory), RecordState::failed);
}

} // namespace faults
