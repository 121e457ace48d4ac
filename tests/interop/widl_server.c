/* A service of both interfaces (def/ntdsb.idl) that is nobody's but widl's and the system's: widl's
 * server stubs on the RPC runtime, rpcrt4.dll. It keeps no directory: its answers are made up, as
 * foreign_server_test.cpp expects them, and each call is written down in a line of standard output
 * before it is answered. impacket_server.py is the same server again. Ends when it is killed.
 */
#include "ntdsb.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define READ_VERIFY_FAILURE ((long)0xC80003FA)

typedef struct SESSION {
    unsigned number;
    wchar_t file; /* the first character of the open file's name */
    unsigned __int64 offset;
} SESSION;

static unsigned sessions;
static CRITICAL_SECTION lock; /* of the log and `sessions` */

void* __RPC_USER MIDL_user_allocate(size_t size) { return malloc(size); }
void __RPC_USER MIDL_user_free(void* memory) { free(memory); }

/* --- the log */

static void put_text(const wchar_t* text) {
    putchar('"');
    for (; *text; ++text) {
        if (*text >= 0x20 && *text < 0x7f)
            putchar(*text);
        else
            printf("{%04x}", *text);
    }
    putchar('"');
}

static void put_octets(const byte* octets, unsigned long size) {
    unsigned long i;
    if (octets == NULL) {
        printf("none");
        return;
    }
    for (i = 0; i < size; ++i) printf("%02x", octets[i]);
}

static void put_pairs(const NTDSB_RESTORE_MAP_PAIR* pairs, long count) {
    long i;
    for (i = 0; i < count; ++i) {
        if (i > 0) putchar(',');
        put_text(pairs[i].source);
        putchar('>');
        put_text(pairs[i].target);
    }
}

/* A line of the log. %s: a wide string, %u: a number, %o: octets and their count, %p: pairs and
 * their count, %h: a session. */
static void put(const char* format, ...) {
    va_list values;
    va_start(values, format);
    EnterCriticalSection(&lock);
    for (; *format; ++format) {
        const void* what;
        if (*format != '%') {
            putchar(*format);
            continue;
        }
        switch (*++format) {
        case 's':
            put_text(va_arg(values, const wchar_t*));
            break;
        case 'u':
            printf("%lu", va_arg(values, unsigned long));
            break;
        case 'h':
            printf("%u", ((const SESSION*)va_arg(values, void*))->number);
            break;
        case 'o':
            what = va_arg(values, const void*);
            put_octets(what, va_arg(values, unsigned long));
            break;
        case 'p':
            what = va_arg(values, const void*);
            put_pairs(what, va_arg(values, long));
            break;
        }
    }
    putchar('\n');
    fflush(stdout);
    LeaveCriticalSection(&lock);
    va_end(values);
}

/* --- the answers */

static SESSION* new_session(void) {
    SESSION* session = calloc(1, sizeof *session);
    if (session == NULL) RpcRaiseException(RPC_S_OUT_OF_MEMORY);
    EnterCriticalSection(&lock);
    session->number = ++sessions;
    LeaveCriticalSection(&lock);
    return session;
}

static long end_session(void** session) {
    free(*session);
    *session = NULL;
    return 0;
}

static long status_for(const wchar_t* instance) {
    return wcscmp(instance, L"failing") == 0 ? ERROR_ACCESS_DENIED : 0;
}

/* `raise-STATUS`, in hex, stands for a service that cannot answer. */
static void raise_for(const wchar_t* instance) {
    if (wcsncmp(instance, L"raise-", 6) == 0)
        RpcRaiseException((long)wcstoul(instance + 6, NULL, 16));
}

/* Gives `text`, of `count` characters, as a list. */
static long give_list(const wchar_t* text, unsigned long count, unsigned long* list_count,
                      wchar_t** list) {
    *list = MIDL_user_allocate(count * sizeof **list);
    if (*list == NULL) RpcRaiseException(RPC_S_OUT_OF_MEMORY);
    memcpy(*list, text, count * sizeof **list);
    *list_count = count;
    return 0;
}
#define GIVE_LIST(text) give_list(text, sizeof(text) / sizeof *(text), list_count, list)

long NtdsbIsDirectoryOnline(wchar_t* instance, unsigned long* online) {
    long status = status_for(instance);
    put("IsDirectoryOnline %s", instance);
    raise_for(instance);
    *online = status == 0;
    return status;
}

long NtdsbRestorePrepare(wchar_t* instance, unsigned long flags, unsigned long token_size,
                         byte* token, NTDSB_RESTORE_SESSION* session) {
    long status = status_for(instance);
    put("RestorePrepare %s %u %o", instance, flags, token, token_size);
    *session = status == 0 ? new_session() : NULL;
    return status;
}

long NtdsbRestoreRegister(NTDSB_RESTORE_SESSION session, wchar_t* checkpoint_path,
                          wchar_t* log_path, long pair_count, NTDSB_RESTORE_MAP_PAIR pairs[],
                          wchar_t* backup_log_path, unsigned long generation_low,
                          unsigned long generation_high) {
    put("RestoreRegister %h %s %s %p %s %u %u", session, checkpoint_path, log_path, pairs,
        pair_count, backup_log_path, generation_low, generation_high);
    return 0;
}

long NtdsbRestoreRegisterComplete(NTDSB_RESTORE_SESSION session, long restore_state) {
    put("RestoreRegisterComplete %h %u", session, (unsigned long)restore_state);
    return restore_state;
}

long NtdsbRestoreGetDatabaseLocations(NTDSB_RESTORE_SESSION session, unsigned long* list_count,
                                      wchar_t** list) {
    put("RestoreGetDatabaseLocations %h", session);
    return GIVE_LIST(L"DC:\\ntds\\ntds.dit\0\x82"
                     L"C:\\logs\0\x83"
                     L"C:\\ntds\0");
}

long NtdsbRestoreEnd(NTDSB_RESTORE_SESSION* session) {
    put("RestoreEnd %h", *session);
    return end_session(session);
}

long NtdsbSetCurrentLogNumber(wchar_t* instance, unsigned long number) {
    put("SetCurrentLogNumber %s %u", instance, number);
    return status_for(instance);
}

long NtdsbCheckExpiryToken(wchar_t* instance, unsigned long token_size, byte* token) {
    put("CheckExpiryToken %s %o", instance, token, token_size);
    return status_for(instance);
}

long NtdsbBackupPrepare(wchar_t* instance, unsigned long grbit, unsigned long type,
                        unsigned long* token_size, byte** token, NTDSB_BACKUP_SESSION* session) {
    unsigned long i;
    put("BackupPrepare %s %u %u", instance, grbit, type);
    *token = NULL;
    *token_size = 0;
    *session = NULL;
    if (status_for(instance) != 0) return status_for(instance);
    *token_size = 40001;
    *token = MIDL_user_allocate(*token_size);
    if (*token == NULL) RpcRaiseException(RPC_S_OUT_OF_MEMORY);
    for (i = 0; i < *token_size; ++i) (*token)[i] = (byte)(i % 251);
    *session = new_session();
    return 0;
}

long NtdsbBackupEnd(NTDSB_BACKUP_SESSION* session) {
    put("BackupEnd %h", *session);
    return end_session(session);
}

long NtdsbBackupGetDatabaseNames(NTDSB_BACKUP_SESSION session, unsigned long* list_count,
                                 wchar_t** list) {
    put("BackupGetDatabaseNames %h", session);
    return GIVE_LIST(L"DC:\\ntds\\ntds.dit\0");
}

long NtdsbBackupOpenFile(NTDSB_BACKUP_SESSION session, wchar_t* name, unsigned long read_hint,
                         MIDL_uhyper* size) {
    SESSION* ours = session;
    put("BackupOpenFile %h %s %u", session, name, read_hint);
    ours->file = name[0];
    ours->offset = 0;
    *size = 0x123456789;
    return 0;
}

/* A file whose name begins with x has five octets, the others never end; one that begins with y is
 * damaged. */
long NtdsbBackupRead(NTDSB_BACKUP_SESSION session, unsigned long size, byte data[],
                     unsigned long* count) {
    SESSION* ours = session;
    unsigned long i;
    put("BackupRead %h %u", session, size);
    *count = 0;
    if (ours->file == 'y') return READ_VERIFY_FAILURE;
    if (ours->file == 'x') {
        if (ours->offset == 5) return ERROR_HANDLE_EOF;
        if (size > 5 - ours->offset) size = (unsigned long)(5 - ours->offset);
    }
    for (i = 0; i < size; ++i, ++ours->offset) data[i] = (byte)(ours->offset % 253);
    *count = size;
    return 0;
}

long NtdsbBackupClose(NTDSB_BACKUP_SESSION session) {
    put("BackupClose %h", session);
    return 0;
}

/* 4,000 logs. */
long NtdsbBackupGetBackupLogs(NTDSB_BACKUP_SESSION session, unsigned long* list_count,
                              wchar_t** list) {
    enum { ENTRY = sizeof "!C:\\logs\\edb00000.log", COUNT = 4000 };
    static wchar_t text[ENTRY * COUNT + 1];
    int i;
    put("BackupGetBackupLogs %h", session);
    for (i = 0; i < COUNT; ++i)
        _snwprintf(text + i * ENTRY, ENTRY, L"!C:\\logs\\edb%05x.log", i + 1);
    return GIVE_LIST(text);
}

long NtdsbBackupTruncateLogs(NTDSB_BACKUP_SESSION session) {
    put("BackupTruncateLogs %h", session);
    return 0;
}

long NtdsbBackupPing(void) {
    put("BackupPing");
    return 0;
}

long NtdsbBackupGetDatabaseLocations(NTDSB_BACKUP_SESSION session, unsigned long* list_count,
                                     wchar_t** list) {
    put("BackupGetDatabaseLocations %h", session);
    return GIVE_LIST(L"DE:\\ntds\\ntds.dit\0");
}

/* The client is gone. */
void __RPC_USER NTDSB_RESTORE_SESSION_rundown(NTDSB_RESTORE_SESSION session) {
    put("restore session %h is run down", session);
    end_session(&session);
}

void __RPC_USER NTDSB_BACKUP_SESSION_rundown(NTDSB_BACKUP_SESSION session) {
    put("backup session %h is run down", session);
    end_session(&session);
}

/* --- the service */

static void check(const char* what, RPC_STATUS status) {
    if (status == RPC_S_OK) return;
    fprintf(stderr, "widl_server: %s: error %ld\n", what, (long)status);
    exit(1);
}

/* The runtime's choice of a port, as text. */
static const char* endpoint(void) {
    static char found[16];
    RPC_BINDING_VECTOR* bindings;
    RPC_CSTR whole, port;
    check("RpcServerInqBindings", RpcServerInqBindings(&bindings));
    check("RpcBindingToStringBinding", RpcBindingToStringBindingA(bindings->BindingH[0], &whole));
    check("RpcStringBindingParse", RpcStringBindingParseA(whole, NULL, NULL, NULL, &port, NULL));
    _snprintf(found, sizeof found - 1, "%s", (const char*)port);
    RpcStringFreeA(&port);
    RpcStringFreeA(&whole);
    RpcBindingVectorFree(&bindings);
    return found;
}

int main(void) {
    InitializeCriticalSection(&lock);
    check("RpcServerUseProtseq",
          RpcServerUseProtseqA((RPC_CSTR) "ncacn_ip_tcp", RPC_C_PROTSEQ_MAX_REQS_DEFAULT, NULL));
    check("RpcServerRegisterIf", RpcServerRegisterIf(ntdsb_restore_v1_0_s_ifspec, NULL, NULL));
    check("RpcServerRegisterIf", RpcServerRegisterIf(ntdsb_backup_v1_0_s_ifspec, NULL, NULL));
    check("RpcServerListen", RpcServerListen(1, RPC_C_LISTEN_MAX_CALLS_DEFAULT, TRUE));
    printf("listening on 127.0.0.1:%s\n", endpoint());
    fflush(stdout);
    check("RpcMgmtWaitServerListen", RpcMgmtWaitServerListen());
    return 0;
}
