/* A program as MSVC's compiler and linker make it, without a C run-time: it calls three exports
 * through ntdsbcli.lib and ends with 0 if they answered as the contract says. Built by
 * msvc_link.py. */
#include <ntdsbcli.h>

__declspec(dllimport) void __stdcall ExitProcess(unsigned code);

void entry(void);

void entry(void) {
    HBC hbc = &hbc;
    DsBackupFree(NULL);
    if (DsRestoreEnd(NULL) != ERROR_INVALID_PARAMETER) ExitProcess(1);
    /* The longest name on x86, and one whose arguments are not all pointers. */
    if (DsRestoreRegisterA(NULL, NULL, NULL, NULL, 0, NULL, 0, 0) != ERROR_INVALID_PARAMETER)
        ExitProcess(2);
    if (DsRestorePrepareW(NULL, 0, NULL, 0, &hbc) != ERROR_INVALID_PARAMETER || hbc != NULL)
        ExitProcess(3);
    ExitProcess(0);
}
