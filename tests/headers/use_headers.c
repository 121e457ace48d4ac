/* What a program may do with the public headers, to be compiled in every dialect of C and C++
 * (check_headers.py): every type, macro and function of ntdsbcli.h is used, and the sizes and
 * values of the contract (ABI-3, ABI-4) are asserted. Knows the public headers only; is never run.
 */
#ifdef NTDSB_TEST_WINDOWS_FIRST
#include <windows.h>
#endif
/* mingw-w64's C++ library defines it by itself. */
#ifdef NOMINMAX
#define NTDSB_TEST_HAD_NOMINMAX
#endif
#include <ntdsbcli.h>
/* Twice, and its part again: the guards hold. */
#include <ntdsbcli.h>
#include <ntdsbmsg.h>

#include "exports_table.h"

#include <stddef.h>

#if defined(WIN32_LEAN_AND_MEAN) || (defined(NOMINMAX) && !defined(NTDSB_TEST_HAD_NOMINMAX))
#error "the header leaves macros behind"
#endif

#define CHECK(name, condition) typedef char check_##name[(condition) ? 1 : -1]

CHECK(hresult, sizeof(HRESULT) == 4);
CHECK(long, sizeof(LONG) == 4 && (LONG)-1 < 0);
CHECK(ulong, sizeof(ULONG) == 4 && (ULONG)-1 > 0);
CHECK(dword, sizeof(DWORD) == 4 && (DWORD)-1 > 0);
CHECK(bool, sizeof(BOOL) == 4);
CHECK(wchar, sizeof(WCHAR) == 2);
CHECK(large_integer, sizeof(LARGE_INTEGER) == 8);
CHECK(handle, sizeof(HBC) == sizeof(void*));
CHECK(map_a, sizeof(EDB_RSTMAPA) == 2 * sizeof(void*));
CHECK(map_w, sizeof(EDB_RSTMAPW) == 2 * sizeof(void*));
CHECK(map_old_a, offsetof(EDB_RSTMAPA, szDatabaseName) == 0);
CHECK(map_new_a, offsetof(EDB_RSTMAPA, szNewDatabaseName) == sizeof(void*));
CHECK(map_old_w, offsetof(EDB_RSTMAPW, wszDatabaseName) == 0);
CHECK(map_new_w, offsetof(EDB_RSTMAPW, wszNewDatabaseName) == sizeof(void*));

#define BFT_VALUE(bft) ((unsigned)(bft)&0xFFu)
CHECK(bft_log, BFT_VALUE(BFT_LOG) == 0x21);
CHECK(bft_log_dir, BFT_VALUE(BFT_LOG_DIR) == 0x82);
CHECK(bft_checkpoint_dir, BFT_VALUE(BFT_CHECKPOINT_DIR) == 0x83);
CHECK(bft_ntds_database, BFT_VALUE(BFT_NTDS_DATABASE) == 0x44);
CHECK(bft_patch_file, BFT_VALUE(BFT_PATCH_FILE) == 0x25);
CHECK(bft_unknown, BFT_VALUE(BFT_UNKNOWN) == 0x0f);

CHECK(full, BACKUP_TYPE_FULL == 1 && BACKUP_TYPE_LOGS_ONLY == 2 && BACKUP_TYPE_INCREMENTAL == 4);
CHECK(restore_types,
      RESTORE_TYPE_AUTHORATATIVE == 1 && RESTORE_TYPE_ONLINE == 2 && RESTORE_TYPE_CATCHUP == 4);
CHECK(disable_incremental, BACKUP_DISABLE_INCREMENTAL == 0xffffffffu);
CHECK(error, hrRestoreInProgress < 0 && hrNone == S_OK && hrAlreadyListening == 1713);
CHECK(raw_codes, ERROR_INVALID_PARAMETER == 87 && RPC_S_INVALID_BINDING == 1702);

#ifdef UNICODE
typedef WCHAR text_char;
#define OLD_NAME wszDatabaseName
#define NEW_NAME wszNewDatabaseName
CHECK(bft, sizeof(BFT) == 2 && BFT_LOG_DIR == 0x82);
#else
typedef CHAR text_char;
#define OLD_NAME szDatabaseName
#define NEW_NAME szNewDatabaseName
CHECK(bft, sizeof(BFT) == 1);
#endif
#if defined(_WIN32) || __cplusplus >= 201103L || __STDC_VERSION__ >= 201112L
CHECK(annotation, sizeof g_szBackupAnnotation == 22 * sizeof(text_char));
CHECK(annotation_wide, sizeof g_wszRestoreAnnotation == 23 * sizeof(WCHAR));
#endif

typedef void (*any_function)(void);
int collect_exports(any_function* out);
HRESULT backup(const text_char* server, text_char** list);
HRESULT restore(const text_char* server, text_char* path, PVOID token, DWORD token_size);

/* Every function of the manifest is declared. */
int collect_exports(any_function* out) {
    int count = 0;
#define EXPORT(name, bytes) out[count++] = (any_function)name;
    NTDSBCLI_EXPORTS(EXPORT)
    return count;
}

HRESULT backup(const text_char* server, text_char** list) {
    HBC hbc = NULL;
    PVOID token = NULL;
    DWORD size = 0;
    LARGE_INTEGER file_size;
    char buffer[16];
    BOOL online = FALSE;
    HRESULT result = DsIsNTDSOnline(server, &online);
    if (online) result = DsBackupPrepare(server, 0, BACKUP_TYPE_FULL, &token, &size, &hbc);
    if (result == hrBackupInProgress) return result;
    result = DsBackupGetDatabaseNames(hbc, list, &size);
    if (result == S_OK) result = DsBackupGetBackupLogs(hbc, list, &size);
    if (result == S_OK) result = DsBackupOpenFile(hbc, *list, 0, &file_size);
    if (file_size.u.HighPart == 0 && file_size.QuadPart > 0)
        result = DsBackupRead(hbc, buffer, sizeof buffer, &size);
    DsBackupFree(token);
    return result == S_OK ? DsSetCurrentBackupLog(server, BACKUP_DISABLE_INCREMENTAL) : result;
}

HRESULT restore(const text_char* server, text_char* path, PVOID token, DWORD token_size) {
    HBC hbc = NULL;
    text_char* list = NULL;
    DWORD size = 0;
    EDB_RSTMAP map[1];
    PEDB_RSTMAP pair = map;
    HRESULT result = DsRestorePrepare(server, RESTORE_TYPE_CATCHUP, token, token_size, &hbc);
    pair->OLD_NAME = path;
    pair->NEW_NAME = path;
    if (result == S_OK) result = DsRestoreGetDatabaseLocations(hbc, &list, &size);
    if (result == S_OK) result = DsRestoreRegister(hbc, path, path, map, 1, path, 1, 0xFFFFF);
    switch (result) {
    case hrRestoreInProgress:
    case ERROR_INVALID_PARAMETER:
        break;
    default:
        result = DsSetAuthIdentity(path, path, path);
    }
    return result;
}
