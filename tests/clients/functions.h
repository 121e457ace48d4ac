/* The functions of ntdsbcli.h as a struct of pointers, so that the same checks run on a library
 * that was linked and on one that was loaded. Include ntdsbcli.h first, the project's or the stock
 * one. */
#pragma once

#ifndef WINAPI
#define WINAPI
#endif

/* FUNCTION(result, name, parameters), in the order of exports_table.h. The stock header has no
 * prototype for DsRestoreCheckExpiryToken (ABI-1): whoever uses that one declares it. */
#define CLIENT_FUNCTIONS(FUNCTION)                                                      \
    FUNCTION(HRESULT, DsBackupClose, (HBC))                                             \
    FUNCTION(HRESULT, DsBackupEnd, (HBC))                                               \
    FUNCTION(VOID, DsBackupFree, (PVOID))                                               \
    FUNCTION(HRESULT, DsBackupGetBackupLogsA, (HBC, LPSTR*, LPDWORD))                   \
    FUNCTION(HRESULT, DsBackupGetBackupLogsW, (HBC, LPWSTR*, LPDWORD))                  \
    FUNCTION(HRESULT, DsBackupGetDatabaseNamesA, (HBC, LPSTR*, LPDWORD))                \
    FUNCTION(HRESULT, DsBackupGetDatabaseNamesW, (HBC, LPWSTR*, LPDWORD))               \
    FUNCTION(HRESULT, DsBackupOpenFileA, (HBC, LPCSTR, DWORD, LARGE_INTEGER*))          \
    FUNCTION(HRESULT, DsBackupOpenFileW, (HBC, LPCWSTR, DWORD, LARGE_INTEGER*))         \
    FUNCTION(HRESULT, DsBackupPrepareA, (LPCSTR, ULONG, ULONG, PVOID*, LPDWORD, HBC*))  \
    FUNCTION(HRESULT, DsBackupPrepareW, (LPCWSTR, ULONG, ULONG, PVOID*, LPDWORD, HBC*)) \
    FUNCTION(HRESULT, DsBackupRead, (HBC, PVOID, DWORD, PDWORD))                        \
    FUNCTION(HRESULT, DsBackupTruncateLogs, (HBC))                                      \
    FUNCTION(HRESULT, DsIsNTDSOnlineA, (LPCSTR, BOOL*))                                 \
    FUNCTION(HRESULT, DsIsNTDSOnlineW, (LPCWSTR, BOOL*))                                \
    FUNCTION(HRESULT, DsRestoreCheckExpiryToken, (PVOID, DWORD))                        \
    FUNCTION(HRESULT, DsRestoreEnd, (HBC))                                              \
    FUNCTION(HRESULT, DsRestoreGetDatabaseLocationsA, (HBC, LPSTR*, LPDWORD))           \
    FUNCTION(HRESULT, DsRestoreGetDatabaseLocationsW, (HBC, LPWSTR*, LPDWORD))          \
    FUNCTION(HRESULT, DsRestorePrepareA, (LPCSTR, ULONG, PVOID, DWORD, HBC*))           \
    FUNCTION(HRESULT, DsRestorePrepareW, (LPCWSTR, ULONG, PVOID, DWORD, HBC*))          \
    FUNCTION(HRESULT, DsRestoreRegisterA,                                               \
             (HBC, LPCSTR, LPCSTR, EDB_RSTMAPA*, LONG, LPCSTR, ULONG, ULONG))           \
    FUNCTION(HRESULT, DsRestoreRegisterComplete, (HBC, HRESULT))                        \
    FUNCTION(HRESULT, DsRestoreRegisterW,                                               \
             (HBC, LPCWSTR, LPCWSTR, EDB_RSTMAPW*, LONG, LPCWSTR, ULONG, ULONG))        \
    FUNCTION(HRESULT, DsSetAuthIdentityA, (LPCSTR, LPCSTR, LPCSTR))                     \
    FUNCTION(HRESULT, DsSetAuthIdentityW, (LPCWSTR, LPCWSTR, LPCWSTR))                  \
    FUNCTION(HRESULT, DsSetCurrentBackupLogA, (LPCSTR, DWORD))                          \
    FUNCTION(HRESULT, DsSetCurrentBackupLogW, (LPCWSTR, DWORD))

struct Functions {
#define MEMBER(result, name, parameters) result(WINAPI* name) parameters;
    CLIENT_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* Fills the struct with the functions that the linker found. */
#define USE_LINKED(result, name, parameters) functions.name = name;
