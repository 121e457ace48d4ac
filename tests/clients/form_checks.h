/* The checks of the functions that have an A and a W form, included once for each by checks.h: only
 * the macros FORM... and CALL differ. */

#define JOIN_AGAIN(left, right) left##right
#define JOIN(left, right) JOIN_AGAIN(left, right)
#define QUOTE_AGAIN(text) #text
#define QUOTE(text) QUOTE_AGAIN(text)
/* "DsIsNTDSOnline" "A" ".RefusesNull" */
#define CHECK_NAME(name, check) #name QUOTE(FORM) "." check

static void JOIN(check_handle_calls_, FORM)(const struct Functions* f, HBC hbc) {
    static const WCHAR wide_path[] = {'/', 'x', 0};
    const FORM_CHAR* const path = FORM_TEXT("/x", wide_path);
    FORM_CHAR* list = JUNK_POINTER;
    DWORD size = JUNK_NUMBER;
    LARGE_INTEGER file_size;
    FORM_MAP map[1] = {{NULL, NULL}};
    (void)wide_path;

    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsBackupGetDatabaseNames, "RefusesHandle_COM1"),
           CALL(DsBackupGetDatabaseNames)(hbc, &list, &size));
    report(CHECK_NAME(DsBackupGetDatabaseNames, "DefinesItsResults_ABI10"),
           list == NULL && size == 0);
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsBackupGetDatabaseNames, "RefusesNull_COM2"),
           CALL(DsBackupGetDatabaseNames)(hbc, NULL, NULL));

    list = JUNK_POINTER;
    size = JUNK_NUMBER;
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsBackupGetBackupLogs, "RefusesHandle_COM1"),
           CALL(DsBackupGetBackupLogs)(hbc, &list, &size));
    report(CHECK_NAME(DsBackupGetBackupLogs, "DefinesItsResults_ABI10"), list == NULL && size == 0);
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsBackupGetBackupLogs, "RefusesNull_COM2"),
           CALL(DsBackupGetBackupLogs)(hbc, NULL, NULL));

    list = JUNK_POINTER;
    size = JUNK_NUMBER;
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsRestoreGetDatabaseLocations, "RefusesHandle_COM1"),
           CALL(DsRestoreGetDatabaseLocations)(hbc, &list, &size));
    report(CHECK_NAME(DsRestoreGetDatabaseLocations, "DefinesItsResults_ABI10"),
           list == NULL && size == 0);
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsRestoreGetDatabaseLocations, "RefusesNull_COM2"),
           CALL(DsRestoreGetDatabaseLocations)(hbc, NULL, NULL));

    file_size.QuadPart = JUNK_NUMBER;
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsBackupOpenFile, "RefusesHandle_COM1"),
           CALL(DsBackupOpenFile)(hbc, path, 0, &file_size));
    report(CHECK_NAME(DsBackupOpenFile, "DefinesItsSize_ABI10"), file_size.QuadPart == 0);
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsBackupOpenFile, "RefusesNull_COM2"),
           CALL(DsBackupOpenFile)(hbc, NULL, 0, NULL));

    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsRestoreRegister, "RefusesHandle_COM1"),
           CALL(DsRestoreRegister)(hbc, path, path, map, 1, path, 1, 2));
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsRestoreRegister, "RefusesNull_REG2_REG3"),
           CALL(DsRestoreRegister)(hbc, NULL, NULL, NULL, -1, NULL, 0xFFFFFFFF, 0));
}

static void JOIN(check_online_, FORM)(const struct Functions* f, const FORM_CHAR* local,
                                      const FORM_CHAR* impossible) {
    BOOL online = JUNK_NUMBER;
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsIsNTDSOnline, "RefusesServerNull_COM4"),
           CALL(DsIsNTDSOnline)(NULL, &online));
    report(CHECK_NAME(DsIsNTDSOnline, "DefinesItsAnswer_ABI10"), online == FALSE);
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsIsNTDSOnline, "RefusesNull_COM2"),
           CALL(DsIsNTDSOnline)(local, NULL));
    EXPECT(hrCouldNotConnect, CHECK_NAME(DsIsNTDSOnline, "RefusesNameWithUnderscore_COM5"),
           CALL(DsIsNTDSOnline)(impossible, &online));
}

static void JOIN(check_backup_prepare_, FORM)(const struct Functions* f, const FORM_CHAR* local,
                                              const FORM_CHAR* impossible) {
    void* token = JUNK_POINTER;
    DWORD size = JUNK_NUMBER;
    HBC hbc = JUNK_POINTER;
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsBackupPrepare, "RefusesServerNull_COM4"),
           CALL(DsBackupPrepare)(NULL, 0, BACKUP_TYPE_FULL, &token, &size, &hbc));
    report(CHECK_NAME(DsBackupPrepare, "DefinesItsResults_ABI10"),
           token == NULL && size == 0 && hbc == NULL);
    EXPECT(hrInvalidParam, CHECK_NAME(DsBackupPrepare, "RefusesTokenNull_COM2"),
           CALL(DsBackupPrepare)(local, 0, BACKUP_TYPE_FULL, NULL, &size, &hbc));
    EXPECT(hrInvalidParam, CHECK_NAME(DsBackupPrepare, "RefusesTokenSizeNull_COM2"),
           CALL(DsBackupPrepare)(local, 0, BACKUP_TYPE_FULL, &token, NULL, &hbc));
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsBackupPrepare, "RefusesHandleNull_COM2"),
           CALL(DsBackupPrepare)(local, 0, BACKUP_TYPE_FULL, &token, &size, NULL));
    EXPECT(hrCouldNotConnect, CHECK_NAME(DsBackupPrepare, "RefusesNameWithUnderscore_COM5"),
           CALL(DsBackupPrepare)(impossible, 0, BACKUP_TYPE_FULL, &token, &size, &hbc));
}

static void JOIN(check_restore_prepare_, FORM)(const struct Functions* f, const FORM_CHAR* local,
                                               const FORM_CHAR* impossible) {
    char token[16] = "not a token";
    HBC hbc = JUNK_POINTER;
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsRestorePrepare, "RefusesServerNull_COM4"),
           CALL(DsRestorePrepare)(NULL, 0, NULL, 0, &hbc));
    report(CHECK_NAME(DsRestorePrepare, "DefinesItsHandle_ABI10"), hbc == NULL);
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsRestorePrepare, "RefusesHandleNull_COM2"),
           CALL(DsRestorePrepare)(local, 0, NULL, 0, NULL));
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsRestorePrepare, "RefusesTokenOfSizeZero_PREP3"),
           CALL(DsRestorePrepare)(local, 0, token, 0, &hbc));
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsRestorePrepare, "RefusesNoTokenWithASize_PREP3"),
           CALL(DsRestorePrepare)(local, 0, NULL, sizeof token, &hbc));
    EXPECT(hrCouldNotConnect, CHECK_NAME(DsRestorePrepare, "RefusesNameWithUnderscore_COM5"),
           CALL(DsRestorePrepare)(impossible, 0, NULL, 0, &hbc));
}

static void JOIN(check_server_calls_, FORM)(const struct Functions* f) {
    static const WCHAR wide_local[] = {'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't', 0};
    static const WCHAR wide_impossible[] = {'a', '_', 'b', 0};
    const FORM_CHAR* const local = FORM_TEXT("localhost", wide_local);
    const FORM_CHAR* const impossible = FORM_TEXT("a_b", wide_impossible);
    (void)wide_local;
    (void)wide_impossible;

    JOIN(check_online_, FORM)(f, local, impossible);
    JOIN(check_backup_prepare_, FORM)(f, local, impossible);
    JOIN(check_restore_prepare_, FORM)(f, local, impossible);
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsSetCurrentBackupLog, "RefusesServerNull_COM4"),
           CALL(DsSetCurrentBackupLog)(NULL, 1));
    EXPECT(hrCouldNotConnect, CHECK_NAME(DsSetCurrentBackupLog, "RefusesNameWithUnderscore_COM5"),
           CALL(DsSetCurrentBackupLog)(impossible, 1));
    EXPECT(ERROR_INVALID_PARAMETER, CHECK_NAME(DsSetAuthIdentity, "RefusesDomainWithoutUser"),
           CALL(DsSetAuthIdentity)(NULL, local, NULL));
    EXPECT(S_OK, CHECK_NAME(DsSetAuthIdentity, "TakesThreeNulls_AUTH1"),
           CALL(DsSetAuthIdentity)(NULL, NULL, NULL));
}

#undef JOIN_AGAIN
#undef JOIN
#undef QUOTE_AGAIN
#undef QUOTE
#undef CHECK_NAME
