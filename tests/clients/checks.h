/* What every client sees, however it came by the functions: each of the 28 called with arguments
 * that the contract refuses before it looks for a directory, so that no configuration is needed.
 * Include ntdsbcli.h first. */
#pragma once

#include "functions.h"
#include "tally.h"

#include <stddef.h>

/* A handle that was never issued. */
#define MADE_UP_HANDLE ((HBC)0x00345678)
/* What the out-parameters hold before a call: none may survive a failure (ABI-10). */
#define JUNK_NUMBER 0x5A5A5A5A
#define JUNK_POINTER ((void*)&junk)

static char junk;

#ifdef _WIN32
#define LAST_ERROR 0x00C0FFEE
#define BEFORE_CALL() SetLastError(LAST_ERROR)
#define LAST_ERROR_SURVIVED() (GetLastError() == LAST_ERROR)
#else
#define BEFORE_CALL() ((void)0)
#define LAST_ERROR_SURVIVED() 1
#endif

static void expect_code(const char* what, HRESULT actual, HRESULT expected, int last_error_kept) {
    if (actual != expected)
        printf("     0x%08lX where 0x%08lX was expected\n", (unsigned long)actual,
               (unsigned long)expected);
    if (!last_error_kept) puts("     the caller's last error was changed");
    report(what, actual == expected && last_error_kept);
}

/* The code of a call, and that the caller's last error survived it (ABI-10). */
#define EXPECT(expected, what, call)                                           \
    do {                                                                       \
        HRESULT actual;                                                        \
        BEFORE_CALL();                                                         \
        actual = call;                                                         \
        expect_code(what, actual, (HRESULT)(expected), LAST_ERROR_SURVIVED()); \
    } while (0)

/* The calls of both forms. CALL pastes at once: DsBackupPrepare alone is a macro of ntdsbcli.h. */
#define FORM A
#define FORM_CHAR CHAR
#define FORM_MAP EDB_RSTMAPA
#define FORM_TEXT(a, w) a
#define CALL(name) f->name##A
#include "form_checks.h"
#undef FORM
#undef FORM_CHAR
#undef FORM_MAP
#undef FORM_TEXT
#undef CALL
#define FORM W
#define FORM_CHAR WCHAR
#define FORM_MAP EDB_RSTMAPW
#define FORM_TEXT(a, w) w
#define CALL(name) f->name##W
#include "form_checks.h"

static void check_handles(const struct Functions* f) {
    static HBC const handles[] = {NULL, MADE_UP_HANDLE};
    size_t i;
    for (i = 0; i < sizeof handles / sizeof handles[0]; ++i) {
        const HBC hbc = handles[i];
        char buffer[8];
        DWORD count = JUNK_NUMBER;
        printf("     with the handle %s\n", hbc == NULL ? "NULL" : "that was never issued");
        EXPECT(ERROR_INVALID_PARAMETER, "DsBackupRead.RefusesHandle_COM1",
               f->DsBackupRead(hbc, buffer, sizeof buffer, &count));
        report("DsBackupRead.DefinesItsCount_ABI10", count == 0);
        EXPECT(ERROR_INVALID_PARAMETER, "DsBackupRead.RefusesNullPointers_COM2",
               f->DsBackupRead(hbc, NULL, 0, NULL));
        EXPECT(ERROR_INVALID_PARAMETER, "DsBackupClose.RefusesHandle_COM1", f->DsBackupClose(hbc));
        EXPECT(ERROR_INVALID_PARAMETER, "DsBackupTruncateLogs.RefusesHandle_COM1",
               f->DsBackupTruncateLogs(hbc));
        EXPECT(ERROR_INVALID_PARAMETER, "DsBackupEnd.RefusesHandle_COM1", f->DsBackupEnd(hbc));
        EXPECT(ERROR_INVALID_PARAMETER, "DsRestoreRegisterComplete.RefusesHandle_COM1",
               f->DsRestoreRegisterComplete(hbc, S_OK));
        EXPECT(ERROR_INVALID_PARAMETER, "DsRestoreEnd.RefusesHandle_COM1", f->DsRestoreEnd(hbc));
        check_handle_calls_A(f, hbc);
        check_handle_calls_W(f, hbc);
    }
}

static void check_tokens(const struct Functions* f) {
    char token[16] = "not a token";
    EXPECT(ERROR_INVALID_PARAMETER, "DsRestoreCheckExpiryToken.RefusesNull_ABI1",
           f->DsRestoreCheckExpiryToken(NULL, 0));
    EXPECT(ERROR_INVALID_PARAMETER, "DsRestoreCheckExpiryToken.RefusesNullWithASize_PREP3",
           f->DsRestoreCheckExpiryToken(NULL, sizeof token));
    EXPECT(ERROR_INVALID_PARAMETER, "DsRestoreCheckExpiryToken.RefusesSizeZero_PREP3",
           f->DsRestoreCheckExpiryToken(token, 0));
}

static void check_free(const struct Functions* f) {
    int kept;
    BEFORE_CALL();
    f->DsBackupFree(NULL);
    f->DsBackupFree(&junk);
    kept = LAST_ERROR_SURVIVED();
    report("DsBackupFree.LeavesNullAndWhatIsNotItsAlone_COM12", kept);
}

static void run_checks(const struct Functions* f) {
    check_handles(f);
    check_server_calls_A(f);
    check_server_calls_W(f);
    check_tokens(f);
    check_free(f);
}
