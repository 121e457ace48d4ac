// The exports of a backup (ntdsbcli.h): each traces, defines its out-parameters, checks handle and
// arguments, makes one client call. A and W are two names of one template.
#include "api/entry.h"

namespace ntdsb::api {

namespace {

template <class Form>
HRESULT backup_prepare(std::string_view name, const typename Form::Char* server, ULONG grbit,
                       ULONG type, PVOID* token, DWORD* token_size, HBC* hbc) {
    trace(name, StringArgument<Form>{server}, std::uint32_t{grbit}, std::uint32_t{type}, token,
          token_size, hbc);
    store(token, nullptr);
    store(token_size, 0);
    store(hbc, nullptr);
    return run(name, [&]() -> Result<void> {
        NTDSB_CHECK(check_pointer(token, "ppvExpiryToken", hrInvalidParam));
        NTDSB_CHECK(check_pointer(token_size, "pcbExpiryTokenSize", hrInvalidParam));
        NTDSB_CHECK(check_pointer(hbc, "phbc"));
        NTDSB_TRY(const auto server_name, read_server<Form>(server));
        NTDSB_TRY(const auto prepared, client::prepare_backup(server_name, grbit, type));
        try {
            store(token, hand_out(prepared.token));
        } catch (...) { // the caller gets no handle to end
            static_cast<void>(client::end_session(prepared.handle, client::SessionKind::backup));
            throw;
        }
        store(token_size, static_cast<DWORD>(prepared.token.size()));
        store(hbc, hbc_of(prepared.handle));
        return ok();
    });
}

// DsBackupGetDatabaseNames and DsBackupGetBackupLogs differ in the question alone.
template <class Form>
HRESULT backup_list(std::string_view name, Result<std::u16string> (client::BackupSession::*ask)(),
                    HBC hbc, typename Form::Char** list, DWORD* size) {
    trace(name, hbc, list, size);
    store(list, nullptr);
    store(size, 0);
    return run(name, [&]() -> Result<void> {
        NTDSB_TRY(const auto session, client::find_backup(handle_of(hbc)));
        NTDSB_CHECK(check_pointer(list, "the pointer for the list"));
        NTDSB_CHECK(check_pointer(size, "pcbSize"));
        return hand_out_list<Form>((*session.*ask)(), list, size);
    });
}

template <class Form>
HRESULT backup_open_file(std::string_view name, HBC hbc, const typename Form::Char* file,
                         DWORD hint, LARGE_INTEGER* size) {
    trace(name, hbc, StringArgument<Form>{file}, std::uint32_t{hint}, size);
    LARGE_INTEGER answer;
    answer.QuadPart = 0;
    store(size, answer);
    return run(name, [&]() -> Result<void> {
        NTDSB_TRY(const auto session, client::find_backup(handle_of(hbc)));
        NTDSB_TRY(auto listed, read_listed_name<Form>(file));
        NTDSB_CHECK(check_pointer(size, "pliFileSize"));
        NTDSB_TRY(const auto bytes, session->open_file(std::move(listed), hint));
        answer.QuadPart = static_cast<LONGLONG>(bytes);
        store(size, answer);
        return ok();
    });
}

// The calls on a backup handle that have no other argument.
HRESULT backup_call(std::string_view name, Result<void> (client::BackupSession::*call)(), HBC hbc) {
    trace(name, hbc);
    return run(name, [&]() -> Result<void> {
        NTDSB_TRY(const auto session, client::find_backup(handle_of(hbc)));
        return (*session.*call)();
    });
}

} // namespace
} // namespace ntdsb::api

using namespace ntdsb::api;
using ntdsb::client::BackupSession;

extern "C" {

HRESULT NTDSBCLI_API DsBackupPrepareA(LPCSTR szBackupServer, ULONG grbit, ULONG btFlag,
                                      PVOID* ppvExpiryToken, LPDWORD pcbExpiryTokenSize,
                                      HBC* phbc) {
    return backup_prepare<Ansi>("DsBackupPrepareA", szBackupServer, grbit, btFlag, ppvExpiryToken,
                                pcbExpiryTokenSize, phbc);
}
HRESULT NTDSBCLI_API DsBackupPrepareW(LPCWSTR szBackupServer, ULONG grbit, ULONG btFlag,
                                      PVOID* ppvExpiryToken, LPDWORD pcbExpiryTokenSize,
                                      HBC* phbc) {
    return backup_prepare<Wide>("DsBackupPrepareW", szBackupServer, grbit, btFlag, ppvExpiryToken,
                                pcbExpiryTokenSize, phbc);
}

HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesA(HBC hbc, LPSTR* pszAttachmentInfo, LPDWORD pcbSize) {
    return backup_list<Ansi>("DsBackupGetDatabaseNamesA", &BackupSession::database_names, hbc,
                             pszAttachmentInfo, pcbSize);
}
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesW(HBC hbc, LPWSTR* pszAttachmentInfo,
                                               LPDWORD pcbSize) {
    return backup_list<Wide>("DsBackupGetDatabaseNamesW", &BackupSession::database_names, hbc,
                             pszAttachmentInfo, pcbSize);
}

HRESULT NTDSBCLI_API DsBackupGetBackupLogsA(HBC hbc, LPSTR* pszBackupLogFiles, LPDWORD pcbSize) {
    return backup_list<Ansi>("DsBackupGetBackupLogsA", &BackupSession::backup_logs, hbc,
                             pszBackupLogFiles, pcbSize);
}
HRESULT NTDSBCLI_API DsBackupGetBackupLogsW(HBC hbc, LPWSTR* pszBackupLogFiles, LPDWORD pcbSize) {
    return backup_list<Wide>("DsBackupGetBackupLogsW", &BackupSession::backup_logs, hbc,
                             pszBackupLogFiles, pcbSize);
}

HRESULT NTDSBCLI_API DsBackupOpenFileA(HBC hbc, LPCSTR szAttachmentName, DWORD cbReadHintSize,
                                       LARGE_INTEGER* pliFileSize) {
    return backup_open_file<Ansi>("DsBackupOpenFileA", hbc, szAttachmentName, cbReadHintSize,
                                  pliFileSize);
}
HRESULT NTDSBCLI_API DsBackupOpenFileW(HBC hbc, LPCWSTR szAttachmentName, DWORD cbReadHintSize,
                                       LARGE_INTEGER* pliFileSize) {
    return backup_open_file<Wide>("DsBackupOpenFileW", hbc, szAttachmentName, cbReadHintSize,
                                  pliFileSize);
}

HRESULT NTDSBCLI_API DsBackupRead(HBC hbc, PVOID pvBuffer, DWORD cbBuffer, PDWORD pcbRead) {
    constexpr std::string_view name = "DsBackupRead";
    trace(name, hbc, pvBuffer, std::uint32_t{cbBuffer}, pcbRead);
    store(pcbRead, 0);
    return run(name, [&]() -> ntdsb::Result<void> {
        NTDSB_TRY(const auto session, ntdsb::client::find_backup(handle_of(hbc)));
        NTDSB_CHECK(check_pointer(pvBuffer, "pvBuffer"));
        NTDSB_CHECK(check_pointer(pcbRead, "pcbRead"));
        if (cbBuffer == 0) return ntdsb::fail(ERROR_INVALID_PARAMETER, "BREAD-1: cbBuffer is 0");
        NTDSB_TRY(const auto count, session->read({static_cast<std::byte*>(pvBuffer), cbBuffer}));
        store(pcbRead, count);
        return ntdsb::ok();
    });
}

HRESULT NTDSBCLI_API DsBackupClose(HBC hbc) {
    return backup_call("DsBackupClose", &BackupSession::close_file, hbc);
}

HRESULT NTDSBCLI_API DsBackupTruncateLogs(HBC hbc) {
    return backup_call("DsBackupTruncateLogs", &BackupSession::truncate_logs, hbc);
}

HRESULT NTDSBCLI_API DsBackupEnd(HBC hbc) {
    constexpr std::string_view name = "DsBackupEnd";
    trace(name, hbc);
    return run(name, [&] {
        return ntdsb::client::end_session(handle_of(hbc), ntdsb::client::SessionKind::backup);
    });
}

VOID NTDSBCLI_API DsBackupFree(PVOID pvBuffer) {
    constexpr std::string_view name = "DsBackupFree";
    trace(name, pvBuffer);
    run(name, [&]() -> ntdsb::Result<void> {
        free_buffer(pvBuffer);
        return ntdsb::ok();
    });
}

} // extern "C"
