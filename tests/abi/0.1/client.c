/* FROZEN. A backup tool as it was compiled for version 0.1: with the headers of that version beside
 * it, loading the library when it runs. It is never changed; every later library must serve it
 * (tests/abi/README.md). Backs the configured directory up, restores it, and prints a line a check.
 *
 *     client LIBRARY BACKUP_FOLDER SERVER_OF_THE_FROZEN_PLUGIN
 */
#include <ntdsbcli.h>
#ifndef _WIN32
#include <dlfcn.h>
#endif
#include <stdio.h>
#include <string.h>

#ifndef WINAPI
#define WINAPI
#endif

static unsigned passed, failed;
static void check(const char* name, int is_so) {
    printf("%s %s\n", is_so ? "ok  " : "FAIL", name);
    ++*(is_so ? &passed : &failed);
}
static void answers(const char* name, HRESULT found, unsigned long expected) {
    if ((unsigned long)(unsigned int)found != expected)
        printf("     %s: 0x%08lX, expected 0x%08lX\n", name, (unsigned long)(unsigned int)found,
               expected);
    check(name, (unsigned long)(unsigned int)found == expected);
}

/* --- the library's functions, by name */

#define FUNCTIONS(F)                                                            \
    F(HRESULT, DsIsNTDSOnlineA, (LPCSTR, BOOL*))                                \
    F(HRESULT, DsBackupPrepareA, (LPCSTR, ULONG, ULONG, PVOID*, LPDWORD, HBC*)) \
    F(HRESULT, DsBackupGetDatabaseNamesA, (HBC, LPSTR*, LPDWORD))               \
    F(HRESULT, DsBackupGetBackupLogsW, (HBC, LPWSTR*, LPDWORD))                 \
    F(HRESULT, DsBackupOpenFileA, (HBC, LPCSTR, DWORD, LARGE_INTEGER*))         \
    F(HRESULT, DsBackupRead, (HBC, PVOID, DWORD, PDWORD))                       \
    F(HRESULT, DsBackupClose, (HBC))                                            \
    F(HRESULT, DsBackupEnd, (HBC))                                              \
    F(VOID, DsBackupFree, (PVOID))                                              \
    F(HRESULT, DsRestorePrepareA, (LPCSTR, ULONG, PVOID, DWORD, HBC*))          \
    F(HRESULT, DsRestoreGetDatabaseLocationsA, (HBC, LPSTR*, LPDWORD))          \
    F(HRESULT, DsRestoreGetDatabaseLocationsW, (HBC, LPWSTR*, LPDWORD))         \
    F(HRESULT, DsRestoreRegisterA,                                              \
      (HBC, LPCSTR, LPCSTR, EDB_RSTMAPA*, LONG, LPCSTR, ULONG, ULONG))          \
    F(HRESULT, DsRestoreRegisterW,                                              \
      (HBC, LPCWSTR, LPCWSTR, EDB_RSTMAPW*, LONG, LPCWSTR, ULONG, ULONG))       \
    F(HRESULT, DsRestoreRegisterComplete, (HBC, HRESULT))                       \
    F(HRESULT, DsRestoreEnd, (HBC))                                             \
    F(HRESULT, DsRestoreCheckExpiryToken, (PVOID, DWORD))                       \
    F(HRESULT, DsSetAuthIdentityA, (LPCSTR, LPCSTR, LPCSTR))

#define POINTER(result, name, parameters) static result(WINAPI* p##name) parameters;
FUNCTIONS(POINTER)

static int load(const char* library) {
    int found_all = 1;
#ifdef _WIN32
    HMODULE module = LoadLibraryA(library);
#define SYMBOL(name) (void (*)(void)) GetProcAddress(module, name)
    void (*symbol)(void);
#else
    void* module = dlopen(library, RTLD_NOW);
#define SYMBOL(name) dlsym(module, name)
    void* symbol;
#endif
    check("the library loads", module != NULL);
    if (module == NULL) return 0;
#define FIND(result, name, parameters)         \
    symbol = SYMBOL(#name);                    \
    memcpy(&p##name, &symbol, sizeof p##name); \
    found_all = found_all && symbol != NULL;
    FUNCTIONS(FIND)
    check("every function that this client calls is found", found_all);
    return found_all;
}

/* --- a backup */

static unsigned char token[65536];
static DWORD token_size;
static char database_copy[4096];

static int copy_file(HBC hbc, const char* entry, const char* to) {
    static unsigned char buffer[65536];
    LARGE_INTEGER size;
    DWORD read = 0;
    double copied = 0;
    HRESULT hr;
    FILE* out = fopen(to, "wb");
    if (out == NULL) return 0;
    hr = pDsBackupOpenFileA(hbc, entry, sizeof buffer, &size);
    while (hr == S_OK && (hr = pDsBackupRead(hbc, buffer, sizeof buffer, &read)) == S_OK) {
        if (fwrite(buffer, 1, read, out) != read) hr = hrError;
        copied += read;
    }
    fclose(out);
    answers("DsBackupRead ends with ERROR_HANDLE_EOF", hr, 38);
    answers("DsBackupClose", pDsBackupClose(hbc), 0);
    return copied == (double)size.QuadPart;
}

static void back_up(const char* folder) {
    HBC hbc = NULL;
    PVOID given = NULL;
    LPSTR names = NULL;
    LPWSTR logs = NULL;
    DWORD size = 0;
    answers("DsBackupPrepareA", pDsBackupPrepareA("localhost", 0, 1, &given, &token_size, &hbc), 0);
    if (given == NULL || token_size > sizeof token) return;
    memcpy(token, given, token_size);
    pDsBackupFree(given);
    answers("DsBackupGetDatabaseNamesA", pDsBackupGetDatabaseNamesA(hbc, &names, &size), 0);
    check("the list holds one database, of type 0x44",
          names != NULL && (unsigned char)names[0] == 0x44 && names[strlen(names) + 1] == 0 &&
              size == strlen(names) + 2);
    if (names != NULL) {
        snprintf(database_copy, sizeof database_copy, "%s/ntds.dit", folder);
        check("the database is copied whole", copy_file(hbc, names, database_copy));
        pDsBackupFree(names);
    }
    answers("DsBackupGetBackupLogsW", pDsBackupGetBackupLogsW(hbc, &logs, &size), 0);
    check("there are no logs: two NULs", logs != NULL && size == 4 && logs[0] == 0 && logs[1] == 0);
    pDsBackupFree(logs);
    answers("DsBackupEnd", pDsBackupEnd(hbc), 0);
}

/* --- and its way back */

static int copy_back(const char* to) {
    static char buffer[65536];
    size_t size;
    int copied = 1;
    FILE *in = fopen(database_copy, "rb"), *out = in != NULL ? fopen(to, "wb") : NULL;
    if (out == NULL) return 0;
    while (copied && (size = fread(buffer, 1, sizeof buffer, in)) > 0)
        copied = fwrite(buffer, 1, size, out) == size;
    fclose(in);
    return fclose(out) == 0 && copied;
}

static void second_restore(const char* checkpoint, const char* logs, EDB_RSTMAPA* map,
                           const char* folder) {
    HBC second = NULL;
    answers("a second DsRestorePrepareA",
            pDsRestorePrepareA("localhost", 0, token, token_size, &second), 0);
    answers("a second restore is hrRestoreInProgress",
            pDsRestoreRegisterA(second, checkpoint, logs, map, 1, folder, 0, 0), 0xC7FF0004ul);
    answers("its DsRestoreEnd", pDsRestoreEnd(second), 0);
}

static void restore(const char* folder) {
    HBC hbc = NULL;
    LPSTR list = NULL;
    LPWSTR wide = NULL;
    DWORD size = 0, wide_size = 0;
    const char *entry, *database = "", *logs = "", *checkpoint = "";
    EDB_RSTMAPA map;
    answers("DsRestorePrepareA", pDsRestorePrepareA("localhost", 0, token, token_size, &hbc), 0);
    answers("DsRestoreGetDatabaseLocationsA", pDsRestoreGetDatabaseLocationsA(hbc, &list, &size),
            0);
    answers("DsRestoreGetDatabaseLocationsW",
            pDsRestoreGetDatabaseLocationsW(hbc, &wide, &wide_size), 0);
    check("both lists are as long", list != NULL && wide != NULL && wide_size == 2 * size);
    for (entry = list != NULL ? list : ""; *entry != 0; entry += strlen(entry) + 1) {
        if ((unsigned char)*entry == 0x44)
            database = entry + 1;
        else if ((unsigned char)*entry == 0x82)
            logs = entry + 1;
        else if ((unsigned char)*entry == 0x83)
            checkpoint = entry + 1;
    }
    map.szDatabaseName = (char*)database;
    map.szNewDatabaseName = (char*)database;
    answers("DsRestoreRegisterA", pDsRestoreRegisterA(hbc, checkpoint, logs, &map, 1, folder, 0, 0),
            0);
    second_restore(checkpoint, logs, &map, folder);
    check("the database is copied back", copy_back(database));
    answers("DsRestoreRegisterComplete", pDsRestoreRegisterComplete(hbc, 0), 0);
    answers("DsRestoreEnd", pDsRestoreEnd(hbc), 0);
    answers("a second DsRestoreEnd is ERROR_INVALID_PARAMETER", pDsRestoreEnd(hbc), 87);
    pDsBackupFree(list);
    pDsBackupFree(wide);
}

int main(int argc, char** argv) {
    BOOL online = TRUE;
    if (argc != 4) {
        printf("client LIBRARY BACKUP_FOLDER SERVER_OF_THE_FROZEN_PLUGIN\n");
        return 2;
    }
    check("EDB_RSTMAPA is two pointers", sizeof(EDB_RSTMAPA) == 2 * sizeof(void*));
    if (load(argv[1])) {
        answers("DsIsNTDSOnlineA", pDsIsNTDSOnlineA("\\\\localhost", &online), 0);
        check("the directory is stopped", online == FALSE);
        answers("DsRestoreCheckExpiryToken", pDsRestoreCheckExpiryToken(token, 16), 0xC7FF0010ul);
        answers("DsRestoreRegisterW without a handle",
                pDsRestoreRegisterW(NULL, NULL, NULL, NULL, 0, NULL, 0, 0), 87);
        back_up(argv[2]);
        restore(argv[2]);
        answers("DsSetAuthIdentityA", pDsSetAuthIdentityA("frozen", "realm", "secret"), 0);
        answers("through the frozen plug-in", pDsIsNTDSOnlineA(argv[3], &online), 0);
        check("which answers: online", online == TRUE);
        answers("back to the process's own identity", pDsSetAuthIdentityA(NULL, NULL, NULL), 0);
    }
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
