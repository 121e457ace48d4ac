/* FROZEN. Every function of version 0.1, and the one that a plug-in of 0.1 exports, as that version's headers
 * declare it, defined as nothing. Compiled with the headers of 0.1 and with those of today: the compiler
 * refuses another prototype, and abidiff compares the types of the two (tests/abi/README.md). */
#include <ntdsb/transport.h>
#include <ntdsbcli.h>

#ifndef WINAPI
#define WINAPI
#endif

#define SURFACE(FUNCTION)                                                               \
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

#define DEFINE(result, name, parameters) \
    __attribute__((visibility("default"))) result WINAPI name parameters { __builtin_trap(); }
SURFACE(DEFINE)

/* Its table leads to every structure of the plug-in interface. */
__attribute__((visibility("default"))) const ntdsb_transport*
ntdsb_transport_negotiate(uint32_t oldest, uint32_t newest) {
    (void)oldest, (void)newest;
    __builtin_trap();
}
/* And it is what the host takes it for. */
__attribute__((visibility("default"))) const ntdsb_transport_negotiate_t surface_of_negotiate =
    ntdsb_transport_negotiate;
