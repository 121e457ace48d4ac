/* A backup tool as they were written for the original: C, ANSI strings, the import library, one
 * file. The demo drives it through our DLL; it knows nothing of this project but ntdsbcli.h. Prints
 * what it does, one numbered step a line. */
#include <ntdsbcli.h>
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER "\\\\localhost"
#define READ_SIZE (64 * 1024)

static int step_number;

static void step(const char* what) {
    printf("  %2d. %s\n", ++step_number, what);
    fflush(stdout);
}

/* The code in words: our ntdsbmsg.dll for hr codes, the system for Win32 codes. */
static const char* explain(HRESULT code) {
    static char text[512];
    HMODULE messages = LoadLibraryA("ntdsbmsg.dll");
    DWORD length = 0;
    if (messages != NULL)
        length = FormatMessageA(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_IGNORE_INSERTS |
                                    FORMAT_MESSAGE_MAX_WIDTH_MASK,
                                messages, (DWORD)code, 0, text, sizeof text, NULL);
    if (length == 0)
        length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS |
                                    FORMAT_MESSAGE_MAX_WIDTH_MASK,
                                NULL, (DWORD)code, 0, text, sizeof text, NULL);
    return length != 0 ? text : "(no message)";
}

static int report(const char* call, HRESULT code) {
    printf("      %s -> 0x%08lX %s\n", call, (unsigned long)code,
           code == S_OK ? "S_OK" : explain(code));
    fflush(stdout);
    return code == S_OK;
}

static const char* base_name(const char* path) {
    const char* name = strrchr(path, '\\');
    return name != NULL ? name + 1 : path;
}

static void join(char* out, const char* folder, const char* name) {
    _snprintf(out, MAX_PATH, "%s\\%s", folder, name);
    out[MAX_PATH - 1] = 0;
}

/* Reads one listed file through the API into the backup folder. */
static int back_up_file(HBC hbc, const char* listed, const char* folder) {
    static char buffer[READ_SIZE];
    char target[MAX_PATH];
    LARGE_INTEGER size;
    DWORD read = 0;
    HRESULT hr;
    FILE* out;
    hr = DsBackupOpenFileA(hbc, listed, READ_SIZE, &size);
    if (hr != S_OK) return report("DsBackupOpenFile", hr);
    join(target, folder, base_name(listed + 1));
    out = fopen(target, "wb");
    if (out == NULL) {
        printf("cannot write %s\n", target);
        return 0;
    }
    while ((hr = DsBackupRead(hbc, buffer, sizeof buffer, &read)) == S_OK)
        fwrite(buffer, 1, read, out);
    fclose(out);
    DsBackupClose(hbc);
    printf("      %s: %lu bytes\n", base_name(listed + 1), (unsigned long)size.QuadPart);
    return hr == (HRESULT)ERROR_HANDLE_EOF ? 1 : report("DsBackupRead", hr);
}

static int back_up_list(HBC hbc, const char* list, const char* folder) {
    const char* entry;
    for (entry = list; *entry != 0; entry += strlen(entry) + 1)
        if (!back_up_file(hbc, entry, folder)) return 0;
    return 1;
}

static int backup(const char* folder) {
    char token_file[MAX_PATH];
    PVOID token = NULL;
    DWORD token_size = 0, list_size = 0;
    LPSTR list = NULL;
    HBC hbc = NULL;
    BOOL online = FALSE;
    FILE* out;
    int good;

    DsIsNTDSOnlineA(SERVER, &online);
    step(online ? "DsIsNTDSOnline: the directory is running"
                : "DsIsNTDSOnline: the directory is stopped");
    step("DsBackupPrepare: begin a full backup");
    if (!report("DsBackupPrepare",
                DsBackupPrepareA(SERVER, 0, BACKUP_TYPE_FULL, &token, &token_size, &hbc)))
        return 1;
    join(token_file, folder, "token.bin");
    out = fopen(token_file, "wb");
    good = out != NULL && fwrite(token, 1, token_size, out) == token_size;
    if (out != NULL) fclose(out);
    printf("      the expiry token, %lu bytes, goes beside the files\n", (unsigned long)token_size);
    DsBackupFree(token);

    step("DsBackupGetDatabaseNames, then open, read and close each file");
    good = good &&
           report("DsBackupGetDatabaseNames", DsBackupGetDatabaseNamesA(hbc, &list, &list_size)) &&
           back_up_list(hbc, list, folder);
    DsBackupFree(list);
    list = NULL;
    step("DsBackupGetBackupLogs, and the same for each log");
    good = good &&
           report("DsBackupGetBackupLogs", DsBackupGetBackupLogsA(hbc, &list, &list_size)) &&
           back_up_list(hbc, list, folder);
    DsBackupFree(list);
    step("DsBackupEnd");
    return report("DsBackupEnd", DsBackupEnd(hbc)) && good ? 0 : 1;
}

/* One restore in progress, as the tool keeps it. */
struct restore {
    HBC hbc;
    LPSTR locations;
    const char *database, *log_path, *checkpoint_path;
};

static int prepare(struct restore* restore, const char* folder) {
    static char token[65536];
    char token_file[MAX_PATH];
    DWORD token_size, list_size = 0;
    const char* entry;
    FILE* in;
    join(token_file, folder, "token.bin");
    in = fopen(token_file, "rb");
    if (in == NULL) {
        printf("cannot read %s\n", token_file);
        return 0;
    }
    token_size = (DWORD)fread(token, 1, sizeof token, in);
    fclose(in);
    memset(restore, 0, sizeof *restore);
    if (!report("DsRestorePrepare", DsRestorePrepareA(SERVER, 0, token, token_size, &restore->hbc)))
        return 0;
    if (!report("DsRestoreGetDatabaseLocations",
                DsRestoreGetDatabaseLocationsA(restore->hbc, &restore->locations, &list_size)))
        return 0;
    for (entry = restore->locations; *entry != 0; entry += strlen(entry) + 1) {
        if (*entry == BFT_NTDS_DATABASE)
            restore->database = entry + 1;
        else if (*entry == BFT_LOG_DIR)
            restore->log_path = entry + 1;
        else if (*entry == BFT_CHECKPOINT_DIR)
            restore->checkpoint_path = entry + 1;
    }
    return restore->database != NULL && restore->log_path != NULL &&
           restore->checkpoint_path != NULL;
}

/* The log generations among the backed-up files: edbXXXXX.log. */
static void find_generations(const char* folder, ULONG* low, ULONG* high) {
    WIN32_FIND_DATAA found;
    char pattern[MAX_PATH];
    HANDLE search;
    *low = *high = 0;
    join(pattern, folder, "edb?????.log");
    search = FindFirstFileA(pattern, &found);
    if (search == INVALID_HANDLE_VALUE) return;
    do {
        ULONG generation = strtoul(found.cFileName + 3, NULL, 16);
        if (*low == 0 || generation < *low) *low = generation;
        if (generation > *high) *high = generation;
    } while (FindNextFileA(search, &found));
    FindClose(search);
}

static HRESULT register_restore(const struct restore* restore, const char* folder) {
    EDB_RSTMAPA map[1];
    ULONG low, high;
    find_generations(folder, &low, &high);
    map[0].szDatabaseName = (char*)restore->database;
    map[0].szNewDatabaseName = (char*)restore->database;
    return DsRestoreRegisterA(restore->hbc, restore->checkpoint_path, restore->log_path, map, 1,
                              folder, low, high);
}

static int restore(const char* folder, const char* while_registered) {
    struct restore restore;
    char backed_up[MAX_PATH];
    int good;
    step("DsRestorePrepare with the saved token, then DsRestoreGetDatabaseLocations");
    if (!prepare(&restore, folder)) return 1;
    printf("      database  %s\n      logs      %s\n      checkpoint %s\n", restore.database,
           restore.log_path, restore.checkpoint_path);
    step(
        "DsRestoreRegister: from now on the directory cannot start and no other restore can begin");
    good = report("DsRestoreRegister", register_restore(&restore, folder));
    if (good && while_registered != NULL) {
        fflush(stdout);
        system(while_registered);
    }
    if (good) {
        step("copy the database back into its place (the logs are put there by Complete)");
        join(backed_up, folder, base_name(restore.database));
        good = CopyFileA(backed_up, restore.database, FALSE);
        step("DsRestoreRegisterComplete: the service verifies what was restored, and unblocks the "
             "directory only if it is sound");
        good = report("DsRestoreRegisterComplete",
                      DsRestoreRegisterComplete(restore.hbc, good ? S_OK : hrError)) &&
               good;
    }
    step("DsRestoreEnd");
    DsBackupFree(restore.locations);
    return report("DsRestoreEnd", DsRestoreEnd(restore.hbc)) && good ? 0 : 1;
}

/* A second restore from another process while the first is registered: must be refused. */
static int second_restore(const char* folder) {
    struct restore restore;
    HRESULT hr;
    printf("      another process tries a second restore:\n");
    if (!prepare(&restore, folder)) return 1;
    hr = register_restore(&restore, folder);
    report("DsRestoreRegister", hr);
    DsBackupFree(restore.locations);
    DsRestoreEnd(restore.hbc);
    return hr == hrRestoreInProgress ? 0 : 1;
}

/* Stands for the directory itself: runs until the file appears, five minutes at most. */
static int engine(const char* stop_file) {
    int tenths;
    for (tenths = 0; tenths < 3000; ++tenths) {
        if (GetFileAttributesA(stop_file) != INVALID_FILE_ATTRIBUTES) return 0;
        Sleep(100);
    }
    return 1;
}

int main(int argc, char** argv) {
    if (argc >= 3 && strcmp(argv[1], "backup") == 0) return backup(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "restore") == 0)
        return restore(argv[2], argc >= 4 ? argv[3] : NULL);
    if (argc >= 3 && strcmp(argv[1], "second-restore") == 0) return second_restore(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "engine") == 0) return engine(argv[2]);
    fprintf(
        stderr,
        "old_tool backup DIR | restore DIR [COMMAND] | second-restore DIR | engine STOP_FILE\n");
    return 2;
}
