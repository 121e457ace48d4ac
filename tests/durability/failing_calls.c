/* failing_calls.h */
#define _GNU_SOURCE
#include "failing_calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char below[PATH_MAX]; /* with a / at its end */
static atomic_int is_armed, has_failed;
static atomic_long calls_before;
static int wanted_error, goes_on;

void fail_call(const char* folder, long before, int error, int from_then_on) {
    snprintf(below, sizeof below, "%s/", folder);
    calls_before = before;
    wanted_error = error;
    goes_on = from_then_on;
    has_failed = 0;
    is_armed = 1;
}

int stop_failing_calls(void) {
    is_armed = 0;
    return has_failed;
}

/* Whether a signal can interrupt the call: EINTR is nothing that the others fail with. */
enum kind { at_once, may_sleep };

/* Whether this call is to fail; sets errno then. */
static int fails(const char* path, enum kind kind) {
    if (kind == at_once && wanted_error == EINTR) return 0;
    if (strncmp(path, below, strlen(below)) != 0) return 0;
    const long before = atomic_fetch_sub(&calls_before, 1);
    if (before > 0 || (before < 0 && !goes_on)) return 0;
    has_failed = 1;
    errno = wanted_error;
    return 1;
}

static int path_fails(const char* path, enum kind kind) { return is_armed && fails(path, kind); }

static int handle_fails(int handle, enum kind kind) {
    char link[40];
    char path[PATH_MAX];
    if (!is_armed) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    const ssize_t length = readlink(link, path, sizeof path - 2);
    if (length < 0) return 0;
    path[length] = '/'; /* the folder itself counts as well */
    path[length + 1] = '\0';
    return fails(path, kind);
}

/* Of a path in a folder, as the calls with `at` take it. */
static int place_fails(int folder, const char* path, enum kind kind) {
    const int is_whole = folder == AT_FDCWD || path[0] == '/';
    return is_whole ? path_fails(path, kind) : handle_fails(folder, kind);
}

/* The next function of this name behind this program's. */
#define REAL(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

/* The last argument of open and openat. */
static mode_t mode_of(int flags, va_list rest) {
    return (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
}
int openat(int folder, const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return place_fails(folder, path, may_sleep) ? -1 : REAL(openat)(folder, path, flags, mode);
}
int open(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return path_fails(path, may_sleep) ? -1 : REAL(open)(path, flags, mode);
}

int fcntl(int handle, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void* const argument = va_arg(rest, void*);
    va_end(rest);
    return handle_fails(handle, at_once) ? -1 : REAL(fcntl)(handle, command, argument);
}

ssize_t pread(int handle, void* into, size_t size, off_t offset) {
    return handle_fails(handle, may_sleep) ? -1 : REAL(pread)(handle, into, size, offset);
}
ssize_t pwrite(int handle, const void* from, size_t size, off_t offset) {
    return handle_fails(handle, may_sleep) ? -1 : REAL(pwrite)(handle, from, size, offset);
}
ssize_t write(int handle, const void* from, size_t size) {
    return handle_fails(handle, may_sleep) ? -1 : REAL(write)(handle, from, size);
}
int fdatasync(int handle) { return handle_fails(handle, may_sleep) ? -1 : REAL(fdatasync)(handle); }
int fsync(int handle) { return handle_fails(handle, may_sleep) ? -1 : REAL(fsync)(handle); }
int ftruncate(int handle, off_t size) {
    return handle_fails(handle, may_sleep) ? -1 : REAL(ftruncate)(handle, size);
}
int fchmod(int handle, mode_t mode) {
    return handle_fails(handle, may_sleep) ? -1 : REAL(fchmod)(handle, mode);
}
int fchown(int handle, uid_t user, gid_t group) {
    return handle_fails(handle, may_sleep) ? -1 : REAL(fchown)(handle, user, group);
}
int fstat(int handle, struct stat* into) {
    return handle_fails(handle, at_once) ? -1 : REAL(fstat)(handle, into);
}
int stat(const char* path, struct stat* into) {
    return path_fails(path, at_once) ? -1 : REAL(stat)(path, into);
}
int lstat(const char* path, struct stat* into) {
    return path_fails(path, at_once) ? -1 : REAL(lstat)(path, into);
}
int fstatat(int folder, const char* path, struct stat* into, int flags) {
    return place_fails(folder, path, at_once) ? -1 : REAL(fstatat)(folder, path, into, flags);
}
DIR* fdopendir(int handle) {
    return handle_fails(handle, at_once) ? NULL : REAL(fdopendir)(handle);
}
struct dirent* readdir(DIR* folder) {
    return handle_fails(dirfd(folder), at_once) ? NULL : REAL(readdir)(folder);
}
int mkdir(const char* path, mode_t mode) {
    return path_fails(path, at_once) ? -1 : REAL(mkdir)(path, mode);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
    const int fail = place_fails(from_folder, from, at_once);
    return fail ? -1 : REAL(linkat)(from_folder, from, to_folder, to, flags);
}
int unlinkat(int folder, const char* path, int flags) {
    return place_fails(folder, path, at_once) ? -1 : REAL(unlinkat)(folder, path, flags);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned int flags) {
    const int fail = place_fails(from_folder, from, at_once);
    return fail ? -1 : REAL(renameat2)(from_folder, from, to_folder, to, flags);
}
char* realpath(const char* path, char* into) {
    return path_fails(path, at_once) ? NULL : REAL(realpath)(path, into);
}
