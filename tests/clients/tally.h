/* The lines that a client prints for the test runner: one a check, and the sum at the end. */
#pragma once

#include <stdio.h>

static unsigned checks_passed, checks_failed;

static void report(const char* name, int passed) {
    printf("%s %s\n", passed ? "ok  " : "FAIL", name);
    ++*(passed ? &checks_passed : &checks_failed);
}

/* What main returns. */
static int print_sum(void) {
    printf("%u passed, %u failed, 0 skipped\n", checks_passed, checks_failed);
    return checks_failed == 0 ? 0 : 1;
}
