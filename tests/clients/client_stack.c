/* x86 only: each function takes its arguments off the stack by itself (__stdcall, contract ABI-0),
 * and works on a stack that is aligned to 4 bytes only, as old compilers and Windows itself leave
 * it. */
#include <ntdsbcli.h>

#include "headers/exports_table.h"
#include "tally.h"

#define STACK_ALIGNMENT 16

struct Export {
    const char* name;
    void (*address)(void);
    unsigned bytes;
};

/* What was left on the stack, in bytes, of `words` arguments of zero after the call, made with the
 * stack pointer at `below` bytes below a multiple of 16. */
static int call_with_zeros(void (*function)(void), unsigned words, unsigned below,
                           HRESULT* result) {
    int left;
    HRESULT code;
    /* The caller's stack pointer waits in esi, the one that must come back in edi: a function keeps
     * both. Every operand is in a register, since nothing can be found on the stack meanwhile. */
    __asm__ volatile("movl %%esp, %%esi\n\t"
                     "andl $-16, %%esp\n\t"
                     "subl %%edx, %%esp\n\t"
                     "movl %%esp, %%edi\n\t"
                     "1: testl %%ecx, %%ecx\n\t"
                     "jz 2f\n\t"
                     "pushl $0\n\t"
                     "decl %%ecx\n\t"
                     "jmp 1b\n\t"
                     "2: calll *%%eax\n\t"
                     "subl %%esp, %%edi\n\t"
                     "movl %%esi, %%esp\n\t"
                     : "=a"(code), "=D"(left), "+c"(words), "+d"(below)
                     : "0"(function)
                     : "esi", "memory", "cc");
    *result = code;
    return left;
}

/* What a function answers to nothing but zeros. */
static int is_expected(const char* name, HRESULT code) {
    switch (name[2]) {
    case 'S':
        if (name[5] == 'A') return code == S_OK; /* DsSetAuthIdentity, AUTH-1 */
        break;
    case 'B':
        if (name[8] == 'F') return 1;                      /* DsBackupFree returns nothing */
        if (name[8] == 'P') return code == hrInvalidParam; /* DsBackupPrepare, COM-2 */
        break;
    default:
        break;
    }
    return code == ERROR_INVALID_PARAMETER;
}

int main(void) {
#define ROW(name, bytes) {#name, (void (*)(void))name, bytes},
    const struct Export exports[] = {NTDSBCLI_EXPORTS(ROW)};
    size_t i;
    for (i = 0; i < sizeof exports / sizeof exports[0]; ++i) {
        unsigned below;
        for (below = 0; below < STACK_ALIGNMENT; below += sizeof(void*)) {
            char name[80];
            HRESULT code;
            const int left = call_with_zeros(
                exports[i].address, exports[i].bytes / (unsigned)sizeof(void*), below, &code);
            sprintf(name, "%s.KeepsTheStackAt16MinusBytes%u", exports[i].name, below);
            if (left != 0) printf("     %d bytes of arguments were left\n", left);
            report(name, left == 0 && is_expected(exports[i].name, code));
        }
    }
    return print_sum();
}
