/* System calls that fail (POSIX): this program's own open, pread, fsync, ... (failing_calls.c has them all) stand before
 * those of the C library, and any one of them on a file below a folder can be made to fail with an errno. Beneath the product's own seam
 * (platform::set_disk_hook): what it makes of an errno, and which calls it repeats, is tried, too. */
#ifndef NTDSB_TESTS_FAILING_CALLS_H
#define NTDSB_TESTS_FAILING_CALLS_H

#ifdef __cplusplus
extern "C" {
#endif

/* From now on the call behind the next `before` ones on files below `folder` fails with `error`; so do all later ones if
 * `from_then_on`. */
void fail_call(const char* folder, long before, int error, int from_then_on);
/* Ends that; whether one has failed. */
int stop_failing_calls(void);

#ifdef __cplusplus
}
#endif
#endif
