/* See widl_peer.h. */
#include "widl_peer.h"

#include "ntdsb.h"

#include <stdlib.h>

static NTDSB_RESTORE_SESSION restore;
static NTDSB_BACKUP_SESSION backup;
static wchar_t* names;
static wchar_t instance[] = L"peer"; /* of bench_host */

void* __RPC_USER MIDL_user_allocate(size_t size) { return malloc(size); }
void __RPC_USER MIDL_user_free(void* memory) { free(memory); }

static long bind_to(const char* port, handle_t* binding) {
    RPC_CSTR text;
    RPC_STATUS status = RpcStringBindingComposeA(
        NULL, (RPC_CSTR) "ncacn_ip_tcp", (RPC_CSTR) "127.0.0.1", (RPC_CSTR)port, NULL, &text);
    if (status == RPC_S_OK) status = RpcBindingFromStringBindingA(text, binding);
    return status;
}

long widl_open(const char* port) {
    unsigned char* token = NULL;
    DWORD size = 0;
    MIDL_uhyper file_size;
    long status = bind_to(port, &ntdsb_restore_binding);
    if (status == 0) status = bind_to(port, &ntdsb_backup_binding);
    if (status == 0) status = NtdsbRestorePrepare(L"", 0, 0, NULL, &restore);
    if (status == 0) status = NtdsbBackupPrepare(L"", 0, 1, &size, &token, &backup);
    MIDL_user_free(token);
    /* The server makes up what it has: a file without an end. */
    if (status == 0) status = NtdsbBackupOpenFile(backup, L"endless", 0, &file_size);
    return status;
}

long widl_locations(void) {
    wchar_t* list = NULL;
    DWORD count = 0;
    const long status = NtdsbRestoreGetDatabaseLocations(restore, &count, &list);
    MIDL_user_free(list);
    return status;
}

long widl_read(unsigned char* buffer, unsigned long piece, unsigned long count) {
    while (count > 0) {
        DWORD got = 0;
        const long status = NtdsbBackupRead(backup, piece < count ? piece : count, buffer, &got);
        if (status != 0) return status;
        count -= got;
    }
    return 0;
}

void widl_close(void) {
    NtdsbBackupEnd(&backup);
    NtdsbRestoreEnd(&restore);
}
