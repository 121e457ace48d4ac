/* ntdsbcli.h - the directory backup and restore client, drop-in for the platform's header of this name.
 *
 * For C (C89 with line comments, to C23) and C++ (98 to 23). On Windows include <windows.h> first or not, as you like; elsewhere the Win32
 * types come from ntdsb/win32.h. Rules in brackets ([REG-5]) are those of the contract, def/contract.md.
 *
 * Common to all functions
 *   Returns    S_OK, or a raw code: a Win32 or RPC code as it is (87, 5, 1702), or an hr code of ntdsbmsg.h. Never HRESULT_FROM_WIN32. [ABI-9]
 *   A and W    A takes and gives strings in the process's ANSI code page, strictly (UTF-8 off Windows); what does not convert is
 *              ERROR_NO_UNICODE_TRANSLATION. W takes UTF-16 as it is. [ABI-6, ABI-7]
 *   Servers    a computer's name, with or without leading backslashes; this computer's own names, "localhost" and "." mean this computer. NULL is
 *              ERROR_INVALID_PARAMETER, a name that cannot be one hrCouldNotConnect, one that is not configured RPC_S_INVALID_BINDING. [COM-3..7]
 *   Handles    opaque; a stale or foreign one is ERROR_INVALID_PARAMETER, never a crash. Calls on one handle from several threads are
 *              serialised. [COM-1, COM-11]
 *   Out        parameters are NULL or 0 after a failure. [ABI-10] What is handed out is freed with DsBackupFree. [COM-12]
 *   Rights     backup needs the backup privilege, restore the restore privilege, or membership in Administrators; else ERROR_ACCESS_DENIED. [ACC-1]
 *   Lists      entries of one prefix character (BFT_...) and a path, each ended by NUL, and one more NUL at the end; sizes are in bytes and count
 *              that last NUL. [ABI-4, ABI-5]
 *
 * Order of calls
 *   backup     DsBackupPrepare, DsBackupGetDatabaseNames, DsBackupGetBackupLogs, for each file { DsBackupOpenFile, DsBackupRead..., DsBackupClose },
 *              DsBackupTruncateLogs if wanted, DsBackupEnd. Keep the expiry token with the files.
 *   restore    stop the directory, DsRestorePrepare with that token, DsRestoreGetDatabaseLocations, DsRestoreRegister, copy the files,
 *              DsRestoreRegisterComplete, DsRestoreEnd.
 */
#ifndef _NTDSBCLI_H_
#define _NTDSBCLI_H_

#include "ntdsb/win32.h"

/* How the functions are declared; the library's own sources define _NTDSBCLI_DEFINED. */
#ifdef _WIN32
#ifdef _NTDSBCLI_DEFINED
#define NTDSBCLI_API __stdcall
#else
#define NTDSBCLI_API __declspec(dllimport) __stdcall
#endif
#elif defined(__GNUC__)
#define NTDSBCLI_API __attribute__((visibility("default")))
#else
#define NTDSBCLI_API
#endif

#include "ntdsbmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

#define xRPC_STRING

/* The annotations under which the interfaces are registered with an endpoint mapper. */
#define g_wszBackupAnnotation L"NTDS Backup Interface"
#define g_aszBackupAnnotation "NTDS Backup Interface"
#define g_wszRestoreAnnotation L"NTDS Restore Interface"
#define g_aszRestoreAnnotation "NTDS Restore Interface"
#ifdef UNICODE
#define g_szBackupAnnotation g_wszBackupAnnotation
#define g_szRestoreAnnotation g_wszRestoreAnnotation
#else
#define g_szBackupAnnotation g_aszBackupAnnotation
#define g_szRestoreAnnotation g_aszRestoreAnnotation
#endif

/* DsBackupPrepare, btFlag: only a full backup is supported. [BPREP-1] */
#define BACKUP_TYPE_FULL 0x01
#define BACKUP_TYPE_LOGS_ONLY 0x02
#define BACKUP_TYPE_INCREMENTAL 0x04

/* DsRestorePrepare, rtFlag: 0 or RESTORE_TYPE_CATCHUP. [PREP-1] */
#define RESTORE_TYPE_AUTHORATATIVE 0x01
#define RESTORE_TYPE_ONLINE 0x02
#define RESTORE_TYPE_CATCHUP 0x04

/* DsSetCurrentBackupLog: forget the number. [CURLOG-1] */
#define BACKUP_DISABLE_INCREMENTAL 0xffffffff

/* The first character of a list entry: what kind of file or folder it is. [ABI-4] */
#ifdef UNICODE
typedef WCHAR BFT;
#define NTDSBCLI_BFT(value) ((BFT)(value))
#else
typedef CHAR BFT;
#define NTDSBCLI_BFT(value) ((BFT)(value))
#endif
#define BFT_DIRECTORY 0x80
#define BFT_DATABASE_DIRECTORY 0x40
#define BFT_LOG_DIRECTORY 0x20
#define BFT_LOG NTDSBCLI_BFT(0x01 | BFT_LOG_DIRECTORY)
#define BFT_LOG_DIR NTDSBCLI_BFT(0x02 | BFT_DIRECTORY)
#define BFT_CHECKPOINT_DIR NTDSBCLI_BFT(0x03 | BFT_DIRECTORY)
#define BFT_NTDS_DATABASE NTDSBCLI_BFT(0x04 | BFT_DATABASE_DIRECTORY)
#define BFT_PATCH_FILE NTDSBCLI_BFT(0x05 | BFT_LOG_DIRECTORY)
#define BFT_UNKNOWN NTDSBCLI_BFT(0x0f)

/* A backup or restore session. Opaque; NULL is none. */
typedef void* HBC;

/* One pair of the restore map: where a database was, and where it is restored to. The strings stay the caller's. [ABI-3] */
typedef struct tagEDB_RSTMAPA {
    char* szDatabaseName;
    char* szNewDatabaseName;
} EDB_RSTMAPA, *PEDB_RSTMAPA;

#define UNICODE_RSTMAP

typedef struct tagEDB_RSTMAPW {
    WCHAR* wszDatabaseName;
    WCHAR* wszNewDatabaseName;
} EDB_RSTMAPW, *PEDB_RSTMAPW;

#ifdef UNICODE
#define EDB_RSTMAP EDB_RSTMAPW
#define PEDB_RSTMAP PEDB_RSTMAPW
#define DsIsNTDSOnline DsIsNTDSOnlineW
#define DsBackupPrepare DsBackupPrepareW
#define DsBackupGetDatabaseNames DsBackupGetDatabaseNamesW
#define DsBackupOpenFile DsBackupOpenFileW
#define DsBackupGetBackupLogs DsBackupGetBackupLogsW
#define DsRestoreGetDatabaseLocations DsRestoreGetDatabaseLocationsW
#define DsRestorePrepare DsRestorePrepareW
#define DsRestoreRegister DsRestoreRegisterW
#define DsSetCurrentBackupLog DsSetCurrentBackupLogW
#define DsSetAuthIdentity DsSetAuthIdentityW
#else
#define EDB_RSTMAP EDB_RSTMAPA
#define PEDB_RSTMAP PEDB_RSTMAPA
#define DsIsNTDSOnline DsIsNTDSOnlineA
#define DsBackupPrepare DsBackupPrepareA
#define DsBackupGetDatabaseNames DsBackupGetDatabaseNamesA
#define DsBackupOpenFile DsBackupOpenFileA
#define DsBackupGetBackupLogs DsBackupGetBackupLogsA
#define DsRestoreGetDatabaseLocations DsRestoreGetDatabaseLocationsA
#define DsRestorePrepare DsRestorePrepareA
#define DsRestoreRegister DsRestoreRegisterA
#define DsSetCurrentBackupLog DsSetCurrentBackupLogA
#define DsSetAuthIdentity DsSetAuthIdentityA
#endif

/* Whether the directory on a server is running. Quick; changes nothing. [ONL-1, ONL-2]
 *   pfNTDSOnline   receives TRUE or FALSE
 */
HRESULT NTDSBCLI_API DsIsNTDSOnlineA(LPCSTR szServerName, BOOL* pfNTDSOnline);
HRESULT NTDSBCLI_API DsIsNTDSOnlineW(LPCWSTR szServerName, BOOL* pfNTDSOnline);

/* Begins a backup: of the snapshot if one is configured, else of the live files of a stopped directory, which cannot start until
 * DsBackupEnd. [BPREP-1..6]
 *   grbit            0
 *   btFlag           BACKUP_TYPE_FULL
 *   ppvExpiryToken   receives the token to be kept with the backup; free it with DsBackupFree
 *   pcbExpiryTokenSize   receives its size in bytes
 *   phbc             receives the session; end it with DsBackupEnd
 * hrBackupNotAllowedYet: running, and no snapshot is configured; hrBackupInProgress: another backup runs; hrRestoreInProgress: a restore is
 * registered or failed; hrInvalidParam: a NULL token pointer.
 */
HRESULT NTDSBCLI_API DsBackupPrepareA(LPCSTR szBackupServer, ULONG grbit, ULONG btFlag, PVOID* ppvExpiryToken,
                                      LPDWORD pcbExpiryTokenSize, HBC* phbc);
HRESULT NTDSBCLI_API DsBackupPrepareW(LPCWSTR szBackupServer, ULONG grbit, ULONG btFlag, PVOID* ppvExpiryToken,
                                      LPDWORD pcbExpiryTokenSize, HBC* phbc);

/* The databases to back up, as a list. [BLIST-1] What *pszAttachmentInfo held before is not looked at. [BLIST-2] */
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesA(HBC hbc, LPSTR* pszAttachmentInfo, LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesW(HBC hbc, LPWSTR* pszAttachmentInfo, LPDWORD pcbSize);

/* Opens a listed file for reading; one at a time. [BOPEN-1..3]
 *   szAttachmentName   an entry of a list, with or without its prefix character
 *   cbReadHintSize     a hint; any value
 *   pliFileSize        receives the size in bytes
 * ERROR_FILE_NOT_FOUND: not listed; hrAlreadyOpen: another file is open.
 */
HRESULT NTDSBCLI_API DsBackupOpenFileA(HBC hbc, LPCSTR szAttachmentName, DWORD cbReadHintSize,
                                       LARGE_INTEGER* pliFileSize);
HRESULT NTDSBCLI_API DsBackupOpenFileW(HBC hbc, LPCWSTR szAttachmentName, DWORD cbReadHintSize,
                                       LARGE_INTEGER* pliFileSize);

/* Reads on in the open file. Database pages are verified on the way. [BREAD-1..4]
 *   pvBuffer, cbBuffer   where to, and how many bytes at most; any size but 0
 *   pcbRead              receives how many came; fewer than asked is no sign of the end
 * ERROR_HANDLE_EOF with 0 bytes: the end; hrInvalidHandle: no file is open; hrReadVerifyFailure: a page is damaged.
 */
HRESULT NTDSBCLI_API DsBackupRead(HBC hbc, PVOID pvBuffer, DWORD cbBuffer, PDWORD pcbRead);

/* Closes the open file. hrInvalidHandle: none is open. [BCLOSE-1] */
HRESULT NTDSBCLI_API DsBackupClose(HBC hbc);

/* The logs to back up, as a list, oldest first; the current one under its number. [BLIST-1] */
HRESULT NTDSBCLI_API DsBackupGetBackupLogsA(HBC hbc, LPSTR* pszBackupLogFiles, LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsBackupGetBackupLogsW(HBC hbc, LPWSTR* pszBackupLogFiles, LPDWORD pcbSize);

/* Deletes the logs that neither this backup nor recovery needs, once every listed file was read to its last byte; before that
 * hrInvalidBackupSequence. [BTRUNC-1, BTRUNC-2] */
HRESULT NTDSBCLI_API DsBackupTruncateLogs(HBC hbc);

/* Ends the backup and frees the handle; closes an open file. [BEND-1] */
HRESULT NTDSBCLI_API DsBackupEnd(HBC hbc);

/* Frees what a function of this library handed out. NULL does nothing; any other pointer is left alone. [COM-12] */
VOID NTDSBCLI_API DsBackupFree(PVOID pvBuffer);

/* Where the directory's files are: one BFT_NTDS_DATABASE (a file), one BFT_LOG_DIR, one BFT_CHECKPOINT_DIR (folders). For any restore
 * handle, restricted ones too, and any backup handle. [LOC-1, LOC-2] */
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsA(HBC hbc, LPSTR* pszDatabaseLocationList, LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsW(HBC hbc, LPWSTR* pszDatabaseLocationList, LPDWORD pcbSize);

/* Begins a restore. [PREP-1..6]
 *   rtFlag              0 or RESTORE_TYPE_CATCHUP
 *   pvExpiryToken       the token of the backup; NULL gives a restricted handle, good for locations and DsRestoreEnd only
 *   cbExpiryTokenSize   its size in bytes; 0 with NULL
 *   phbc                receives the session; end it with DsRestoreEnd
 * hrUnknownExpiryTokenFormat: not a token, or damaged; hrContentsExpired: older than the tombstone lifetime.
 */
HRESULT NTDSBCLI_API DsRestorePrepareA(LPCSTR szServerName, ULONG rtFlag, PVOID pvExpiryToken, DWORD cbExpiryTokenSize,
                                       HBC* phbc);
HRESULT NTDSBCLI_API DsRestorePrepareW(LPCWSTR szServerName, ULONG rtFlag, PVOID pvExpiryToken, DWORD cbExpiryTokenSize,
                                       HBC* phbc);

/* Registers the restore. From S_OK on, durably, no other restore can register and the directory cannot start, until
 * DsRestoreRegisterComplete. [REG-0..13] The files may be copied before or after.
 *   szCheckPointFilePath, szLogPath   the configured folders, as DsRestoreGetDatabaseLocations gives them
 *   rgrstmap, crstmap                 1 to 1,024 pairs; the directory's database must be a target
 *   szBackupLogPath                   where the backed-up logs lie
 *   genLow, genHigh                   their generations, at most 0xFFFFF; 0 and 0: a restore without logs
 * hrMissingExpiryToken: restricted handle; hrDatabaseInUse: the directory runs; hrBackupInProgress: a backup of the live files runs;
 * hrRestoreInProgress: registered and not completed, by this or a live other session.
 */
HRESULT NTDSBCLI_API DsRestoreRegisterA(HBC hbc, LPCSTR szCheckPointFilePath, LPCSTR szLogPath, EDB_RSTMAPA rgrstmap[],
                                        LONG crstmap, LPCSTR szBackupLogPath, ULONG genLow, ULONG genHigh);
HRESULT NTDSBCLI_API DsRestoreRegisterW(HBC hbc, LPCWSTR szCheckPointFilePath, LPCWSTR szLogPath,
                                        EDB_RSTMAPW rgrstmap[], LONG crstmap, LPCWSTR szBackupLogPath, ULONG genLow,
                                        ULONG genHigh);

/* Completes the registered restore of this session. [CMPL-1..5]
 *   hrRestoreState   S_OK: what was restored is verified, the logs are put in place, and the directory may start; anything else: the
 *                    failure is recorded and the directory stays blocked until a later restore completes
 * If the restored files are not sound, their fault's code is returned [VER-8], nothing is unblocked and the session stays registered: mend
 * the files and call again, or report the failure. ERROR_OPERATION_ABORTED: another thread ended the handle meanwhile.
 */
HRESULT NTDSBCLI_API DsRestoreRegisterComplete(HBC hbc, HRESULT hrRestoreState);

/* Ends the restore and frees the handle. Registered and not completed, the directory stays blocked, and a restore can be run
 * again. [END-1..3] */
HRESULT NTDSBCLI_API DsRestoreEnd(HBC hbc);

/* Whether a token is one of ours and not expired: the check of DsRestorePrepare, alone. The original exports it and documents it
 * nowhere; this prototype is the project's own. [ABI-1] */
HRESULT NTDSBCLI_API DsRestoreCheckExpiryToken(PVOID pvExpiryToken, DWORD cbExpiryTokenSize);

/* Keeps the number of the last log that was backed up; BACKUP_DISABLE_INCREMENTAL forgets it. [CURLOG-1] */
HRESULT NTDSBCLI_API DsSetCurrentBackupLogA(LPCSTR szServerName, DWORD dwCurrentLog);
HRESULT NTDSBCLI_API DsSetCurrentBackupLogW(LPCWSTR szServerName, DWORD dwCurrentLog);

/* The identity for handles prepared from now on in this process; all three NULL: the process's own. The password is kept protected in
 * memory and never logged. [AUTH-1] For the directory of this computer it changes no rights. [ACC-3] */
HRESULT NTDSBCLI_API DsSetAuthIdentityA(LPCSTR szUserName, LPCSTR szDomainName, LPCSTR szPassword);
HRESULT NTDSBCLI_API DsSetAuthIdentityW(LPCWSTR szUserName, LPCWSTR szDomainName, LPCWSTR szPassword);

#ifdef __cplusplus
}
#endif

#endif /* _NTDSBCLI_H_ */
