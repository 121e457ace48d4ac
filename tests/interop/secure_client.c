/* A backup program that gives credentials: through the public header only, it backs the first database up into a file
 * and, if asked, restores it from there. Prints each call with its code, and what the service told.
 *
 *     secure_client SERVER DOMAIN USER PASSWORD FILE [BACKUP_FOLDER]
 *
 * USER may be -: the process's own identity. BACKUP_FOLDER, as the service sees it: restores too. Exit status: 0 all was
 * S_OK, 1 a call failed, 2 something handed out although its call had failed. */
#ifdef _WIN32
#include <windows.h>
#endif
#include <ntdsbcli.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#define ROOT "Z:" /* where Wine shows the service's file system */
#else
#define ROOT ""
#endif
#define END_OF_FILE 38

static char buffer[200000];
static char token[65536];
static DWORD token_size;

static int done(const char* call, HRESULT hr) {
    printf("%s 0x%08lX\n", call, (unsigned long)hr & 0xffffffffUL);
    fflush(stdout);
    return hr == S_OK;
}

static int is_set(const void* pointer, const char* what) {
    if (pointer == NULL) return 0;
    printf("handed out in spite of a failure: %s\n", what);
    exit(2);
}

static int copy_octets(HBC hbc, const char* file) {
    FILE* out = fopen(file, "wb");
    HRESULT hr = S_OK;
    DWORD size = 0;
    if (out == NULL) return 0;
    for (;;) {
        size = 77;
        hr = DsBackupRead(hbc, buffer, sizeof buffer, &size);
        if (hr != S_OK) break;
        if (fwrite(buffer, 1, size, out) != size) break;
    }
    if (size != 0) is_set(&size, "octets");
    fclose(out);
    return done("DsBackupRead", hr == END_OF_FILE ? S_OK : hr);
}

static int back_up(HBC hbc, const char* file) {
    LPSTR names = NULL;
    DWORD size = 0;
    LARGE_INTEGER length;
    int good = 0;
    if (!done("DsBackupGetDatabaseNamesA", DsBackupGetDatabaseNamesA(hbc, &names, &size)))
        return is_set(names, "names");
    printf("database %s\n", names + 1);
    length.QuadPart = 0;
    good = done("DsBackupOpenFileA", DsBackupOpenFileA(hbc, names, 0, &length));
    if (good) printf("size %lu\n", (unsigned long)length.QuadPart);
    DsBackupFree(names);
    return good && copy_octets(hbc, file) && done("DsBackupClose", DsBackupClose(hbc));
}

static int backup(const char* server, const char* file) {
    HBC hbc = NULL;
    PVOID given = NULL;
    int good = 0;
    if (!done("DsBackupPrepareA",
              DsBackupPrepareA(server, 0, BACKUP_TYPE_FULL, &given, &token_size, &hbc)))
        return is_set(given, "token") || is_set(hbc, "handle");
    memcpy(token, given, token_size);
    DsBackupFree(given);
    good = back_up(hbc, file);
    return done("DsBackupEnd", DsBackupEnd(hbc)) && good;
}

static int bring_back(const char* file, const char* database) {
    char to[4096];
    size_t size = 0;
    int good = 1;
    FILE *in = NULL, *out = NULL;
    sprintf(to, "%s%.4000s", ROOT, database);
    in = fopen(file, "rb");
    out = fopen(to, "wb");
    while (in != NULL && out != NULL && good && (size = fread(buffer, 1, sizeof buffer, in)) > 0)
        good = fwrite(buffer, 1, size, out) == size;
    if (in != NULL) fclose(in);
    if (out != NULL) fclose(out);
    return in != NULL && out != NULL && good;
}

static int restore(const char* server, const char* file, const char* folder) {
    HBC hbc = NULL;
    LPSTR locations = NULL;
    DWORD size = 0;
    const char *entry = NULL, *database = "", *logs = "", *checkpoint = "";
    EDB_RSTMAPA map;
    int good = 0;
    if (!done("DsRestorePrepareA", DsRestorePrepareA(server, 0, token, token_size, &hbc))) return 0;
    good = done("DsRestoreGetDatabaseLocationsA",
                DsRestoreGetDatabaseLocationsA(hbc, &locations, &size));
    for (entry = locations; good && *entry != 0; entry += strlen(entry) + 1) {
        if (*entry == BFT_NTDS_DATABASE) database = entry + 1;
        if (*entry == (char)BFT_LOG_DIR) logs = entry + 1;
        if (*entry == (char)BFT_CHECKPOINT_DIR) checkpoint = entry + 1;
    }
    map.szDatabaseName = map.szNewDatabaseName = (char*)database;
    good = good && done("DsRestoreRegisterA",
                        DsRestoreRegisterA(hbc, checkpoint, logs, &map, 1, folder, 0, 0));
    good = good && bring_back(file, database);
    good = good && done("DsRestoreRegisterComplete", DsRestoreRegisterComplete(hbc, S_OK));
    DsBackupFree(locations);
    return done("DsRestoreEnd", DsRestoreEnd(hbc)) && good;
}

int main(int argc, char** argv) {
    if (argc != 6 && argc != 7) {
        fprintf(stderr, "secure_client SERVER DOMAIN USER PASSWORD FILE [BACKUP_FOLDER]\n");
        return 3;
    }
    if (strcmp(argv[3], "-") != 0 &&
        !done("DsSetAuthIdentityA", DsSetAuthIdentityA(argv[3], argv[2], argv[4])))
        return 1;
    if (!backup(argv[1], argv[5])) return 1;
    return argc == 6 || restore(argv[1], argv[5], argv[6]) ? 0 : 1;
}
