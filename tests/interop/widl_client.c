/* A client of ntdsbsrv that is nobody's but widl's and the system's: widl's client stubs of
 * def/ntdsb.idl on the RPC runtime, rpcrt4.dll. check_widl_client.py starts the service and runs
 *
 *     widl_client PORT damaged|backup|register|restore ROOT HERE
 *
 * ROOT is the folder of the directory (in ntds/ntds.dit) and of the backup as the service calls it,
 * HERE as this program does; both end with their separator. The last line is
 * `N passed, N failed, N skipped`.
 */
#include "ntdsb.h"

#include "clients/tally.h"

#include <ntdsbmsg.h>

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define PATH 1024

/* As the service calls them, and as this program does. */
static wchar_t database[PATH], folder[PATH], backup_folder[PATH];
static char database_here[PATH], token_here[PATH];

void* __RPC_USER MIDL_user_allocate(size_t size) { return malloc(size); }
void __RPC_USER MIDL_user_free(void* memory) { free(memory); }

/* --- RPC exceptions: mingw's C has no RpcTryExcept. A fault comes here, and goes on behind the
 * call. */

static jmp_buf behind_the_call;
static int is_expected;

static LONG CALLBACK on_exception(EXCEPTION_POINTERS* what) {
    const DWORD code = what->ExceptionRecord->ExceptionCode;
    if (!is_expected) {
        printf("FAIL the RPC runtime raises %lu\n", code);
        fflush(stdout);
        return EXCEPTION_CONTINUE_SEARCH;
    }
    is_expected = 0;
    longjmp(behind_the_call, (int)code);
}

/* The fault's code, or 0 where there is none. */
#define FAULT_OF(fault, call)              \
    do {                                   \
        is_expected = 1;                   \
        (fault) = setjmp(behind_the_call); \
        if ((fault) == 0) (void)(call);    \
        is_expected = 0;                   \
    } while (0)

/* --- helpers */

static void equal(const char* what, long found, long expected) {
    if (found != expected)
        printf("     0x%08lX where 0x%08lX was expected\n", (unsigned long)found,
               (unsigned long)expected);
    report(what, found == expected);
}

static handle_t bind_to(const char* port) {
    RPC_CSTR text;
    handle_t binding = NULL;
    RPC_STATUS status = RpcStringBindingComposeA(
        NULL, (RPC_CSTR) "ncacn_ip_tcp", (RPC_CSTR) "127.0.0.1", (RPC_CSTR)port, NULL, &text);
    if (status == RPC_S_OK) status = RpcBindingFromStringBindingA(text, &binding);
    equal("the binding", status, RPC_S_OK);
    return binding;
}

/* malloc'ed. */
static byte* read_file(const char* name, DWORD* size) {
    FILE* const file = fopen(name, "rb");
    byte* bytes = NULL;
    *size = 0;
    if (file != NULL) {
        fseek(file, 0, SEEK_END);
        *size = (DWORD)ftell(file);
        rewind(file);
        bytes = malloc(*size + 1);
        *size = (DWORD)fread(bytes, 1, *size, file);
        fclose(file);
    }
    report(name, bytes != NULL && *size > 0);
    return bytes;
}

static void write_file(const char* name, const byte* bytes, DWORD size) {
    FILE* const file = fopen(name, "wb");
    report(name, file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* `list` holds one entry of each of `kinds`, the database first. Frees it. */
static void check_list(const char* what, wchar_t* list, DWORD count, const wchar_t* kinds) {
    DWORD at = 0;
    const int begins = list != NULL && wcscmp(list + 1, database) == 0;
    for (; begins && at < count && list[at] != 0 && list[at] == *kinds; ++kinds)
        at += (DWORD)wcslen(list + at) + 1;
    report(what, begins && *kinds == 0 && at + 1 == count && list[at] == 0);
    MIDL_user_free(list);
}

/* --- backup */

/* Reads the open file to its end: less than a fragment at once, one, and many; with every
 * alignment of what follows the octets. */
static void check_reads(NTDSB_BACKUP_SESSION session, const byte* expected, DWORD size) {
    static const DWORD sizes[] = {1, 5799, 5816, 5817, 65535, 1048576, 3};
    byte* const buffer = malloc(1048576);
    DWORD at = 0, count = 1, reads = 0;
    long status = 0;
    int equals = 1;
    while (status == 0 && count > 0 && equals) {
        const DWORD most = sizes[reads++ % 7];
        status = NtdsbBackupRead(session, most, buffer, &count);
        equals = count <= most && count <= size - at && memcmp(buffer, expected + at, count) == 0;
        at += count;
    }
    report("the octets read are the file's", equals && at == size && reads > 7);
    equal("BackupRead at the end", status, ERROR_HANDLE_EOF);
    report("nothing comes at the end", count == 0);
    free(buffer);
}

/* What Prepare refuses, and that it gives nothing then. */
static void check_refused_prepare(void) {
    NTDSB_BACKUP_SESSION session = NULL;
    byte* token = NULL;
    DWORD size = 1;
    equal("BackupPrepare, no such instance",
          NtdsbBackupPrepare(L"none", 0, 1, &size, &token, &session), hrCouldNotConnect);
    report("gives nothing", token == NULL && size == 0 && session == NULL);
    equal("BackupPrepare, grbit 1", NtdsbBackupPrepare(L"", 1, 1, &size, &token, &session),
          ERROR_INVALID_PARAMETER);
    equal("BackupPrepare, type 2", NtdsbBackupPrepare(L"", 0, 2, &size, &token, &session),
          ERROR_INVALID_PARAMETER);
}

static NTDSB_BACKUP_SESSION prepare_backup(void) {
    NTDSB_BACKUP_SESSION session = NULL;
    byte* token = NULL;
    DWORD size = 0;
    equal("BackupPrepare", NtdsbBackupPrepare(L"", 0, 1, &size, &token, &session), 0);
    report("a token and a session", token != NULL && size > 0 && session != NULL);
    write_file(token_here, token, size);
    MIDL_user_free(token);
    return session;
}

static void check_lists(NTDSB_BACKUP_SESSION session) {
    wchar_t* list = NULL;
    DWORD count = 0;
    equal("BackupGetDatabaseNames", NtdsbBackupGetDatabaseNames(session, &count, &list), 0);
    check_list("the database's name", list, count, L"\x44");
    list = NULL;
    equal("BackupGetDatabaseLocations", NtdsbBackupGetDatabaseLocations(session, &count, &list), 0);
    check_list("three locations", list, count, L"\x44\x82\x83");
    list = NULL;
    equal("BackupGetBackupLogs", NtdsbBackupGetBackupLogs(session, &count, &list), 0);
    report("no logs", list != NULL && count == 2 && list[0] == 0 && list[1] == 0);
    MIDL_user_free(list);
}

static void back_up(void) {
    DWORD size, count;
    byte* const expected = read_file(database_here, &size);
    MIDL_uhyper file_size = 0;
    NTDSB_BACKUP_SESSION session;
    byte octet;
    int fault;
    equal("BackupPing", NtdsbBackupPing(), 0);
    check_refused_prepare();
    session = prepare_backup();
    check_lists(session);
    equal("BackupRead without a file", NtdsbBackupRead(session, 1, &octet, &count),
          hrInvalidHandle);
    equal("BackupOpenFile, not listed", NtdsbBackupOpenFile(session, L"none", 0, &file_size),
          ERROR_FILE_NOT_FOUND);
    equal("BackupOpenFile", NtdsbBackupOpenFile(session, database, 65536, &file_size), 0);
    report("the file's size", file_size == size);
    check_reads(session, expected, size);
    FAULT_OF(fault, NtdsbBackupRead(session, 0, &octet, &count));
    equal("the fault of a BackupRead of 0 octets", fault, RPC_X_BAD_STUB_DATA);
    equal("BackupClose", NtdsbBackupClose(session), 0);
    equal("BackupTruncateLogs", NtdsbBackupTruncateLogs(session), 0);
    equal("BackupEnd", NtdsbBackupEnd(&session), 0);
    report("the session is gone", session == NULL);
    free(expected);
}

/* The one form of the reply in which the count is not the array's length: a page in the middle of a
 * read is damaged. What was sent of the file before stays, zeros follow, and the next read fails
 * anew. */
static void back_up_damaged(void) {
    enum { PAGE = 8192, DAMAGED = 100 * PAGE, READ = 1048576 };
    DWORD size, count = 1, sent = READ;
    byte* const sound = read_file(database_here, &size);
    byte* const buffer = malloc(READ);
    MIDL_uhyper file_size = 0;
    NTDSB_BACKUP_SESSION session;
    sound[DAMAGED + PAGE / 2] ^= 1;
    write_file(database_here, sound, size);
    session = prepare_backup();
    equal("BackupOpenFile of a damaged database",
          NtdsbBackupOpenFile(session, database, 0, &file_size), 0);
    memset(buffer, 0xAA, READ);
    equal("BackupRead across the damage", NtdsbBackupRead(session, READ, buffer, &count),
          hrReadVerifyFailure);
    report("it counts nothing", count == 0);
    while (sent > 0 && buffer[sent - 1] == 0) --sent;
    report("the array was begun", sent > 0 && memcmp(buffer, sound, sent) == 0);
    report("and ends before the damage, with zeros", sent <= DAMAGED);
    equal("BackupRead before the damage", NtdsbBackupRead(session, DAMAGED, buffer, &count), 0);
    report("goes on where the last one succeeded",
           count == DAMAGED && memcmp(buffer, sound, DAMAGED) == 0);
    equal("BackupRead of the damage", NtdsbBackupRead(session, PAGE, buffer, &count),
          hrReadVerifyFailure);
    report("it counts nothing", count == 0);
    equal("BackupEnd", NtdsbBackupEnd(&session), 0);
    sound[DAMAGED + PAGE / 2] ^= 1;
    write_file(database_here, sound, size);
    free(buffer);
    free(sound);
}

/* --- restore */

static NTDSB_RESTORE_SESSION prepare_restore(void) {
    NTDSB_RESTORE_SESSION session = NULL;
    DWORD size;
    byte* const token = read_file(token_here, &size);
    equal("RestorePrepare, flags 1", NtdsbRestorePrepare(L"", 1, size, token, &session),
          ERROR_INVALID_PARAMETER);
    report("gives no session", session == NULL);
    equal("RestorePrepare", NtdsbRestorePrepare(L"", 4, size, token, &session), 0);
    report("a session", session != NULL);
    free(token);
    return session;
}

/* As many pairs as can be (REG-3), and goes without a word: the session is run down, and the script
 * looks at the record that stays. */
static void register_and_go(void) {
    enum { COUNT = 1024 };
    static NTDSB_RESTORE_MAP_PAIR pairs[COUNT];
    NTDSB_RESTORE_SESSION const session = prepare_restore();
    int i;
    pairs[0].source = pairs[0].target = database;
    for (i = 1; i < COUNT; ++i) {
        wchar_t* const text = malloc(2 * PATH * sizeof *text);
        pairs[i].source = text;
        pairs[i].target = text + PATH;
        swprintf(text, PATH, L"%ls.%0*d.from", database, 1 + i % 61, i);
        swprintf(text + PATH, PATH, L"%ls.%0*d.to", database, 1 + i % 59, i);
    }
    equal("RestoreRegister of 1,024 pairs",
          NtdsbRestoreRegister(session, folder, folder, COUNT, pairs, backup_folder, 0x12, 0x12345),
          0);
}

static void check_operations_of_no_session(void) {
    byte token[] = {1, 2, 3};
    DWORD online = 7, size;
    byte* const ours = read_file(token_here, &size);
    equal("IsDirectoryOnline", NtdsbIsDirectoryOnline(L"", &online), 0);
    report("the directory is stopped", online == 0);
    equal("SetCurrentLogNumber", NtdsbSetCurrentLogNumber(L"", 0x54321), 0);
    equal("SetCurrentLogNumber, no such instance", NtdsbSetCurrentLogNumber(L"none", 1),
          hrCouldNotConnect);
    equal("CheckExpiryToken", NtdsbCheckExpiryToken(L"", size, ours), 0);
    equal("CheckExpiryToken of rubbish", NtdsbCheckExpiryToken(L"", 3, token),
          hrUnknownExpiryTokenFormat);
    equal("CheckExpiryToken of none", NtdsbCheckExpiryToken(L"", 0, NULL), ERROR_INVALID_PARAMETER);
    free(ours);
}

static void register_database(NTDSB_RESTORE_SESSION session) {
    NTDSB_RESTORE_MAP_PAIR pair;
    pair.source = pair.target = database;
    equal("RestoreRegister",
          NtdsbRestoreRegister(session, folder, folder, 1, &pair, backup_folder, 0, 0), 0);
}

static void restore(void) {
    NTDSB_RESTORE_SESSION session, restricted = NULL;
    wchar_t* list = NULL;
    DWORD count = 0, size;
    byte* const content = read_file(database_here, &size);
    check_operations_of_no_session();
    equal("RestorePrepare without a token", NtdsbRestorePrepare(L"", 0, 0, NULL, &restricted), 0);
    equal("RestoreRegisterComplete of what is not registered",
          NtdsbRestoreRegisterComplete(restricted, 0), hrMissingExpiryToken);
    session = prepare_restore();
    equal("RestoreGetDatabaseLocations", NtdsbRestoreGetDatabaseLocations(session, &count, &list),
          0);
    check_list("three locations", list, count, L"\x44\x82\x83");
    register_database(session);
    equal("RestoreRegisterComplete, a failure",
          NtdsbRestoreRegisterComplete(session, hrDatabaseCorrupted), 0);
    register_database(session);
    report("the database is gone", remove(database_here) == 0);
    write_file(database_here, content, size);
    equal("RestoreRegisterComplete", NtdsbRestoreRegisterComplete(session, 0), 0);
    equal("RestoreEnd", NtdsbRestoreEnd(&session), 0);
    report("the session is gone", session == NULL);
    equal("RestoreEnd of the other session", NtdsbRestoreEnd(&restricted), 0);
    free(content);
}

/* --- */

static void find_places(const char* root, const char* here) {
    const char separator = root[strlen(root) - 1];
    swprintf(folder, PATH, L"%hsntds", root);
    swprintf(database, PATH, L"%hsntds%hcntds.dit", root, separator);
    swprintf(backup_folder, PATH, L"%hsbackup", root);
    snprintf(database_here, PATH, "%sntds\\ntds.dit", here);
    snprintf(token_here, PATH, "%stoken.bin", here);
}

int main(int argc, char** argv) {
    if (argc != 5) {
        puts("widl_client PORT damaged|backup|register|restore ROOT HERE");
        return 2;
    }
    AddVectoredExceptionHandler(1, on_exception);
    find_places(argv[3], argv[4]);
    ntdsb_backup_binding = bind_to(argv[1]);
    ntdsb_restore_binding = bind_to(argv[1]);
    if (strcmp(argv[2], "damaged") == 0)
        back_up_damaged();
    else if (strcmp(argv[2], "backup") == 0)
        back_up();
    else if (strcmp(argv[2], "register") == 0)
        register_and_go();
    else
        restore();
    return print_sum();
}
