/* ntdsbcli.h - the directory backup and restore client, drop-in for the platform's header of this
 * name. For C (C89 to C23) and C++ (98 to 23). On Windows include <windows.h> before it or not, as
 * you like; elsewhere the Win32 types come from ntdsb/win32.h.
 *
 * What holds for all functions; rules in brackets ([REG-5]) are those of the contract,
 * def/contract.md:
 *
 *   Returns    S_OK, or a raw code: a Win32 or RPC code as it is (87, 5, 1702), or an hr code of
 *              ntdsbmsg.h. Never HRESULT_FROM_WIN32: test for S_OK, since FAILED() takes a raw
 *              Win32 code for success. [ABI-9] The codes named at a function are those of its own;
 *              each may also return those named here, and ERROR_NOT_ENOUGH_MEMORY. [COM-10]
 *   A and W    A takes and gives strings in the process's ANSI code page, strictly (UTF-8 off
 *              Windows); what does not convert is ERROR_NO_UNICODE_TRANSLATION. W takes UTF-16 as
 *              it is. [ABI-6, ABI-7]
 *   Servers    a computer's name, with or without leading backslashes; this computer's own names,
 *              "localhost" and "." mean this computer. NULL is ERROR_INVALID_PARAMETER; a name
 *              that cannot be one, or a service that cannot be reached, hrCouldNotConnect; a name
 *              that is not configured RPC_S_INVALID_BINDING. [COM-3..7]
 *   Handles    opaque and of the process; NULL, one that was ended, one of the wrong kind or a
 *              made-up one is ERROR_INVALID_PARAMETER, never a crash. [COM-1] The connection lost
 *              during a call: hrCommunicationError; the handle can still be ended. [COM-8]
 *   Threads    any thread may call any function. Calls on one handle are serialised. Ending a
 *              handle cancels a running verification and waits up to 10 s for any other call;
 *              exactly one of several End calls wins. [COM-11]
 *   Out        parameters must not be NULL (ERROR_INVALID_PARAMETER) [COM-2], and hold NULL or 0
 *              after a failure. [ABI-10] The memory handed out is the caller's, to be freed with
 *              DsBackupFree. [COM-12] What is passed in stays the caller's and is not kept; a
 *              string, token or map that runs into memory that cannot be read is
 *              ERROR_INVALID_PARAMETER. [ABI-11]
 *   Last error the caller's GetLastError value survives. [ABI-10]
 *   Rights     those of the calling thread's token. Backup needs the backup privilege, restore the
 *              restore privilege, or membership in Administrators; else ERROR_ACCESS_DENIED. Off
 *              Windows the rights on the files count. [ACC-1, ACC-2]
 *   Set-up     a wrong configuration file, or a state folder that cannot be used, is hrError
 *              (ERROR_ACCESS_DENIED where the system denied it; ERROR_DISK_FULL or
 *              ERROR_WRITE_PROTECT where it has become so); the log says what to mend.
 *              [COM-13] Another process holding the state folder's short lock for over 10 s:
 *              ERROR_LOCK_VIOLATION; try again. [COM-14]
 *   Lists      entries of one prefix character (BFT_...) and a path, each ended by NUL, and one
 *              more NUL at the end; an empty list is two NULs. Sizes are in bytes, for W too, and
 *              count that last NUL. [ABI-4, ABI-5]
 *   Paths      absolute, at most 32,767 characters. Windows: X:\, \\server\share\ and \\?\ forms.
 *              Elsewhere: from / on. [PATH-1..4]
 *
 * Order of calls:
 *
 *   backup     DsBackupPrepare, DsBackupGetDatabaseNames, DsBackupGetBackupLogs, and for each file
 *              DsBackupOpenFile, DsBackupRead to the end, DsBackupClose; DsBackupTruncateLogs if
 *              wanted; DsBackupEnd. Keep the expiry token with the files.
 *   restore    stop the directory; DsRestorePrepare with that token, DsRestoreGetDatabaseLocations,
 *              DsRestoreRegister, copy the files, DsRestoreRegisterComplete, DsRestoreEnd.
 */
#ifndef _NTDSBCLI_H_
#define _NTDSBCLI_H_

#include "ntdsb/win32.h"

/* How the functions are declared. The library's own sources define _NTDSBCLI_DEFINED. */
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

/* A literal of WCHARs. Off Windows C89, C99 and C++98 have none: there it is of wchar_t. */
#if defined(_WIN32)
#define NTDSBCLI_WIDE(literal) L##literal
#elif defined(__cplusplus) && __cplusplus >= 201103L
#define NTDSBCLI_WIDE(literal) u##literal
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define NTDSBCLI_WIDE(literal) u##literal
#else
#define NTDSBCLI_WIDE(literal) L##literal
#endif

/* The annotations under which the interfaces are registered with an endpoint mapper. */
#define g_wszBackupAnnotation NTDSBCLI_WIDE("NTDS Backup Interface")
#define g_aszBackupAnnotation "NTDS Backup Interface"
#define g_wszRestoreAnnotation NTDSBCLI_WIDE("NTDS Restore Interface")
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

/* DsRestorePrepare, rtFlag: 0 or RESTORE_TYPE_CATCHUP. The misspelt name is the original's.
 * [PREP-1] */
#define RESTORE_TYPE_AUTHORATATIVE 0x01
#define RESTORE_TYPE_ONLINE 0x02
#define RESTORE_TYPE_CATCHUP 0x04

/* DsSetCurrentBackupLog: forget the number. [CURLOG-1] */
#define BACKUP_DISABLE_INCREMENTAL 0xffffffff

/* The first character of a list entry: what kind of file or folder it is. The same number in A and
 * W, never converted: 0x82 in an A list is no character of the code page. [ABI-4] */
#ifdef UNICODE
typedef WCHAR BFT;
#else
typedef CHAR BFT;
#endif
#define BFT_DIRECTORY 0x80
#define BFT_DATABASE_DIRECTORY 0x40
#define BFT_LOG_DIRECTORY 0x20
#define BFT_LOG ((BFT)(0x01 | BFT_LOG_DIRECTORY))
#define BFT_LOG_DIR ((BFT)(0x02 | BFT_DIRECTORY))
#define BFT_CHECKPOINT_DIR ((BFT)(0x03 | BFT_DIRECTORY))
#define BFT_NTDS_DATABASE ((BFT)(0x04 | BFT_DATABASE_DIRECTORY))
#define BFT_PATCH_FILE ((BFT)(0x05 | BFT_LOG_DIRECTORY))
#define BFT_UNKNOWN ((BFT)0x0f)

/* A backup or restore session. Opaque; NULL is none. */
typedef void* HBC;

/* One pair of the restore map: where a database was at backup, and where it is restored to. The
 * strings stay the caller's and are not written to. [ABI-3] */
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

/* --- backup ----------------------------------------------------------------------------------- */

/* Whether the directory on a server is running. Quick; changes nothing. [ONL-1]
 *
 *   pfNTDSOnline   receives TRUE or FALSE; always TRUE where the configuration says online = "yes"
 *                  for the sake of old tools [ONL-2]
 */
HRESULT NTDSBCLI_API DsIsNTDSOnlineA(LPCSTR szServerName, BOOL* pfNTDSOnline);
HRESULT NTDSBCLI_API DsIsNTDSOnlineW(LPCWSTR szServerName, BOOL* pfNTDSOnline);

/* Begins a backup: of the snapshot if one is configured, else of the live files of a stopped
 * directory, which then cannot start until DsBackupEnd. [BPREP-1..3]
 *
 *   grbit                0
 *   btFlag               BACKUP_TYPE_FULL
 *   ppvExpiryToken       receives the token, opaque bytes to be kept with the backup and given to
 *                        DsRestorePrepare; free it with DsBackupFree
 *   pcbExpiryTokenSize   receives its size in bytes
 *   phbc                 receives the session; end it with DsBackupEnd
 *
 * ERROR_INVALID_PARAMETER   grbit or btFlag is another [BPREP-1]
 * hrInvalidParam            a NULL token pointer [COM-2]
 * hrBackupNotAllowedYet     the directory runs, and no snapshot is configured [BPREP-4]
 * hrBackupInProgress        another backup runs [BPREP-5]
 * hrRestoreInProgress       a restore is registered, or failed [BPREP-6]
 *
 * The headers of the files are read here: a missing log is hrLogFileNotFound, and what is damaged
 * has the code that DsRestoreRegisterComplete would give it. [BLIST-3]
 */
HRESULT NTDSBCLI_API DsBackupPrepareA(LPCSTR szBackupServer, ULONG grbit, ULONG btFlag,
                                      PVOID* ppvExpiryToken, LPDWORD pcbExpiryTokenSize, HBC* phbc);
HRESULT NTDSBCLI_API DsBackupPrepareW(LPCWSTR szBackupServer, ULONG grbit, ULONG btFlag,
                                      PVOID* ppvExpiryToken, LPDWORD pcbExpiryTokenSize, HBC* phbc);

/* The databases to back up, as a list of BFT_NTDS_DATABASE entries. [BLIST-1]
 *
 *   pszAttachmentInfo   receives the list; free it with DsBackupFree. What it held before is not
 *                       looked at [BLIST-2]
 *   pcbSize             receives its size in bytes
 */
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesA(HBC hbc, LPSTR* pszAttachmentInfo, LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesW(HBC hbc, LPWSTR* pszAttachmentInfo, LPDWORD pcbSize);

/* Opens a listed file for reading; one at a time.
 *
 *   szAttachmentName   an entry of a list, with or without its prefix character [BOPEN-1]
 *   cbReadHintSize     how many bytes the reads will ask for; a hint, any value
 *   pliFileSize        receives the file's size in bytes
 *
 * ERROR_FILE_NOT_FOUND   not listed [BOPEN-2]
 * hrAlreadyOpen          this session has a file open [BOPEN-3]
 */
HRESULT NTDSBCLI_API DsBackupOpenFileA(HBC hbc, LPCSTR szAttachmentName, DWORD cbReadHintSize,
                                       LARGE_INTEGER* pliFileSize);
HRESULT NTDSBCLI_API DsBackupOpenFileW(HBC hbc, LPCWSTR szAttachmentName, DWORD cbReadHintSize,
                                       LARGE_INTEGER* pliFileSize);

/* Reads on in the open file. The pages of a database are verified on the way.
 *
 *   pvBuffer   the caller's, of at least cbBuffer bytes
 *   cbBuffer   how many bytes at most; any number but 0 [BREAD-1]
 *   pcbRead    receives how many came; fewer than asked is no sign of the end
 *
 * ERROR_HANDLE_EOF      the end, with 0 bytes [BREAD-2]
 * hrInvalidHandle       no file is open [BREAD-3]
 * hrReadVerifyFailure   a page is damaged, also when read again [BREAD-4]
 */
HRESULT NTDSBCLI_API DsBackupRead(HBC hbc, PVOID pvBuffer, DWORD cbBuffer, PDWORD pcbRead);

/* Closes the open file. hrInvalidHandle: none is open. [BCLOSE-1] */
HRESULT NTDSBCLI_API DsBackupClose(HBC hbc);

/* The logs to back up, as a list of BFT_LOG entries, oldest first, the current one under its
 * number. [BLIST-1, BLIST-2]
 *
 *   pszBackupLogFiles   receives the list; free it with DsBackupFree
 *   pcbSize             receives its size in bytes
 */
HRESULT NTDSBCLI_API DsBackupGetBackupLogsA(HBC hbc, LPSTR* pszBackupLogFiles, LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsBackupGetBackupLogsW(HBC hbc, LPWSTR* pszBackupLogFiles, LPDWORD pcbSize);

/* Deletes the live logs that neither this backup nor recovery needs.
 *
 * hrInvalidBackupSequence   a listed file was not read to its last byte [BTRUNC-1]
 * hrRestoreInProgress       a restore is registered, failed, or not yet started from [BTRUNC-2]
 */
HRESULT NTDSBCLI_API DsBackupTruncateLogs(HBC hbc);

/* Ends the backup and frees the handle; closes an open file. [BEND-1] */
HRESULT NTDSBCLI_API DsBackupEnd(HBC hbc);

/* Frees memory that a function of this library handed out. NULL does nothing; any other pointer is
 * left alone. [COM-12] */
VOID NTDSBCLI_API DsBackupFree(PVOID pvBuffer);

/* Keeps the number of the last log that was backed up; BACKUP_DISABLE_INCREMENTAL forgets it.
 * [CURLOG-1] */
HRESULT NTDSBCLI_API DsSetCurrentBackupLogA(LPCSTR szServerName, DWORD dwCurrentLog);
HRESULT NTDSBCLI_API DsSetCurrentBackupLogW(LPCWSTR szServerName, DWORD dwCurrentLog);

/* --- restore ---------------------------------------------------------------------------------- */

/* Begins a restore.
 *
 *   rtFlag              0 or RESTORE_TYPE_CATCHUP [PREP-1]
 *   pvExpiryToken       the token of the backup; NULL gives a restricted handle, good for
 *                       DsRestoreGetDatabaseLocations and DsRestoreEnd only [PREP-2]
 *   cbExpiryTokenSize   its size in bytes; 0 with NULL, and only then [PREP-3]
 *   phbc                receives the session; end it with DsRestoreEnd
 *
 * hrUnknownExpiryTokenFormat   not a token, or a damaged one [PREP-4]
 * hrContentsExpired            older than the tombstone lifetime, or dated ahead [PREP-5]
 */
HRESULT NTDSBCLI_API DsRestorePrepareA(LPCSTR szServerName, ULONG rtFlag, PVOID pvExpiryToken,
                                       DWORD cbExpiryTokenSize, HBC* phbc);
HRESULT NTDSBCLI_API DsRestorePrepareW(LPCWSTR szServerName, ULONG rtFlag, PVOID pvExpiryToken,
                                       DWORD cbExpiryTokenSize, HBC* phbc);

/* Where the directory's files are: a list of one BFT_NTDS_DATABASE (the file), one BFT_LOG_DIR and
 * one BFT_CHECKPOINT_DIR (folders). For any restore handle, restricted or not, and any backup
 * handle. [LOC-1, LOC-2]
 *
 *   pszDatabaseLocationList   receives the list; free it with DsBackupFree
 *   pcbSize                   receives its size in bytes
 */
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsA(HBC hbc, LPSTR* pszDatabaseLocationList,
                                                    LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsW(HBC hbc, LPWSTR* pszDatabaseLocationList,
                                                    LPDWORD pcbSize);

/* Registers the restore. From S_OK on, durably, no other restore can register and the directory
 * cannot start, until DsRestoreRegisterComplete. [REG-0, REG-13] The files may be copied before or
 * after. [REG-12]
 *
 *   szCheckPointFilePath   the configured folders, as DsRestoreGetDatabaseLocations gives them;
 *   szLogPath              any other is ERROR_INVALID_PARAMETER [REG-2]
 *   rgrstmap, crstmap      1 to 1,024 pairs, in any order; the directory's database must be a
 *                          target, and no source or target may stand in two differing pairs. A
 *                          pair for the checkpoint is taken and ignored [REG-3, REG-4, REG-9]
 *   szBackupLogPath        the folder with the backed-up logs
 *   genLow, genHigh        their lowest and highest generation, at most 0xFFFFF; 0 and 0 is a
 *                          restore without logs [REG-5, REG-10]
 *
 * hrMissingExpiryToken   a restricted handle [REG-1]
 * hrDatabaseInUse        the directory runs [REG-6]
 * hrBackupInProgress     a backup of the live files runs [REG-7]
 * hrRestoreInProgress    registered and not completed, by this or a live other session [REG-8]
 */
HRESULT NTDSBCLI_API DsRestoreRegisterA(HBC hbc, LPCSTR szCheckPointFilePath, LPCSTR szLogPath,
                                        EDB_RSTMAPA rgrstmap[], LONG crstmap,
                                        LPCSTR szBackupLogPath, ULONG genLow, ULONG genHigh);
HRESULT NTDSBCLI_API DsRestoreRegisterW(HBC hbc, LPCWSTR szCheckPointFilePath, LPCWSTR szLogPath,
                                        EDB_RSTMAPW rgrstmap[], LONG crstmap,
                                        LPCWSTR szBackupLogPath, ULONG genLow, ULONG genHigh);

/* Completes the restore that this session registered. [CMPL-1] It may register again afterwards.
 * [CMPL-5]
 *
 *   hrRestoreState   S_OK: what was restored is verified, the logs are put where the engine
 *                    recovers from, and the directory may start [CMPL-3]. Anything else: the
 *                    failure is recorded, and the directory stays blocked until a later restore
 *                    completes with S_OK [CMPL-2]
 *
 * If the restored files are not sound the code of the first fault is returned [VER-8], nothing is
 * unblocked and the session stays registered: mend the files and call again, or report the failure.
 * [CMPL-4] A full verification reads every page and may take long.
 *
 * ERROR_INVALID_PARAMETER   nothing is registered by this session
 * hrMissingExpiryToken      a restricted handle
 * ERROR_OPERATION_ABORTED   another thread ended the handle meanwhile; nothing is unblocked
 */
HRESULT NTDSBCLI_API DsRestoreRegisterComplete(HBC hbc, HRESULT hrRestoreState);

/* Ends the restore and frees the handle, always. [END-1] If it was registered and not completed the
 * directory stays blocked, and a restore can be run again; so it is when the process dies.
 * [END-2, END-3] */
HRESULT NTDSBCLI_API DsRestoreEnd(HBC hbc);

/* Whether a token is one of ours and not expired: the check of DsRestorePrepare, alone, with its
 * codes. The original exports a function of this name and documents it nowhere; this prototype is
 * the project's own. [ABI-1]
 *
 *   pvExpiryToken, cbExpiryTokenSize   the token and its size in bytes; neither may be 0
 */
HRESULT NTDSBCLI_API DsRestoreCheckExpiryToken(PVOID pvExpiryToken, DWORD cbExpiryTokenSize);

/* --- both ------------------------------------------------------------------------------------- */

/* The identity under which handles prepared from now on in this process call a remote service; all
 * three NULL: the process's own. The password is copied, kept protected in memory, wiped when it is
 * replaced, and never logged. [AUTH-1] For the directory of this computer it changes no rights.
 * [ACC-3]
 *
 * ERROR_INVALID_PARAMETER   a domain or a password without a user [AUTH-2]
 */
HRESULT NTDSBCLI_API DsSetAuthIdentityA(LPCSTR szUserName, LPCSTR szDomainName, LPCSTR szPassword);
HRESULT NTDSBCLI_API DsSetAuthIdentityW(LPCWSTR szUserName, LPCWSTR szDomainName,
                                        LPCWSTR szPassword);

#ifdef __cplusplus
}
#endif

#endif /* _NTDSBCLI_H_ */
