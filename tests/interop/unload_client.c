/* A program that unloads the library while a thread of it still waits for credentials:
 *
 *     unload_client SERVER [LIBRARY]
 *
 * Prints the code of DsIsNTDSOnline and the milliseconds that it took, unloads the library, waits for a line of standard
 * input, with which the wait for the credentials ends, and says that it is alive two seconds later.
 */
#ifndef _WIN32
#define _POSIX_C_SOURCE 199309L
#endif
#ifdef _WIN32
#include <windows.h>
#endif
#include <ntdsbcli.h>

#include <stdio.h>
#include <string.h>

typedef void (*Address)(void);
typedef HRESULT(WINAPI* IsOnline)(LPCSTR server, BOOL* online);
typedef HRESULT(WINAPI* SetAuthIdentity)(LPCSTR user, LPCSTR domain, LPCSTR password);

#ifdef _WIN32
typedef HMODULE Library;
#define DEFAULT_LIBRARY "ntdsbcli.dll"
static Library load(const char* name) { return LoadLibraryA(name); }
static Address find(Library library, const char* name) {
    return (Address)GetProcAddress(library, name);
}
static int unload(Library library) { return FreeLibrary(library); }
static unsigned long now(void) { return GetTickCount(); }
static void wait_two_seconds(void) { Sleep(2000); }
#else
#include <dlfcn.h>
#include <time.h>
typedef void* Library;
#define DEFAULT_LIBRARY "libntdsbcli.so"
static Library load(const char* name) { return dlopen(name, RTLD_NOW); }
static Address find(Library library, const char* name) {
    void* const object = dlsym(library, name);
    Address address;
    memcpy(&address, &object, sizeof address); /* ISO C knows no other way */
    return address;
}
static int unload(Library library) { return dlclose(library) == 0; }
static unsigned long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (unsigned long)time.tv_sec * 1000 + (unsigned long)(time.tv_nsec / 1000000);
}
static void wait_two_seconds(void) {
    const struct timespec time = {2, 0};
    nanosleep(&time, NULL);
}
#endif

int main(int argc, char** argv) {
    Library library = load(argc > 2 ? argv[2] : DEFAULT_LIBRARY);
    BOOL online = TRUE;
    HRESULT hr;
    unsigned long begun;
    if (argc < 2 || library == NULL) return 2;
    hr = ((SetAuthIdentity)find(library, "DsSetAuthIdentityA"))("alice", "SILENT.TEST", "password");
    if (hr != S_OK) return 2;
    begun = now();
    hr = ((IsOnline)find(library, "DsIsNTDSOnlineA"))(argv[1], &online);
    printf("0x%08lX after %lu\n", (unsigned long)hr & 0xffffffffUL, now() - begun);
    printf(unload(library) ? "unloaded\n" : "not unloaded\n");
    fflush(stdout);
    getchar();
    wait_two_seconds();
    printf("alive\n");
    return 0;
}
