/* A program that is linked against the import library (off Windows the shared library), as old
 * tools were, and uses public headers only. */
#include <ntdsbcli.h>

#include "checks.h"

int main(void) {
    struct Functions functions;
    CLIENT_FUNCTIONS(USE_LINKED)
    run_checks(&functions);
    return print_sum();
}
