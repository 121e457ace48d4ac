/* A program that knows nothing of this project: compiled against mingw-w64's own ntdsbcli.h and
 * linked against its stock import library, it runs with our DLL beside it (contract ABI-2). */
#include <windows.h>

#include <ntdsbcli.h>
#ifdef NTDSBCLI_WIDE
#error "this is the project's header, not the stock one"
#endif

/* In the stock library, but not in its header (ABI-1). */
HRESULT NTDSBCLI_API DsRestoreCheckExpiryToken(PVOID token, DWORD size);

#include "checks.h"

int main(void) {
    struct Functions functions;
    CLIENT_FUNCTIONS(USE_LINKED)
    run_checks(&functions);
    return print_sum();
}
