/* A program that loads the library when it runs and finds the functions by name:
 *
 *     client_load [LIBRARY]        default: ntdsbcli.dll beside the program, or libntdsbcli.so
 */
#include <ntdsbcli.h>

#include "checks.h"
#include "headers/exports_table.h"

#include <string.h>

typedef void (*Address)(void);

#ifdef _WIN32
typedef HMODULE Library;
#define DEFAULT_LIBRARY "ntdsbcli.dll"
static Library load(const char* name) { return LoadLibraryA(name); }
static Address find(Library library, const char* name) {
    return (Address)GetProcAddress(library, name);
}
static int unload(Library library) { return FreeLibrary(library); }
#else
#include <dlfcn.h>
typedef void* Library;
#define DEFAULT_LIBRARY "libntdsbcli.so"
static Library load(const char* name) { return dlopen(name, RTLD_NOW); }
/* ISO C knows no way from dlsym's result to a function but through memory. */
static Address find(Library library, const char* name) {
    void* const object = dlsym(library, name);
    Address address;
    memcpy(&address, &object, sizeof address);
    return address;
}
static int unload(Library library) { return dlclose(library) == 0; }
#endif

/* All functions of the manifest are found by their plain names, and no decorated one is. */
static int find_all(Library library, struct Functions* functions) {
    int complete = 1;
#define FIND_MEMBER(result, name, parameters)               \
    {                                                       \
        const Address address = find(library, #name);       \
        memcpy(&functions->name, &address, sizeof address); \
    }
    CLIENT_FUNCTIONS(FIND_MEMBER)
#define REPORT_FOUND(name, bytes)                                                       \
    report("Found." #name, functions->name != NULL);                                    \
    report("NotFound._" #name "@" #bytes, find(library, "_" #name "@" #bytes) == NULL); \
    complete = complete && functions->name != NULL;
    NTDSBCLI_EXPORTS(REPORT_FOUND)
    return complete;
}

int main(int argc, char** argv) {
    struct Functions functions;
    const Library library = load(argc > 1 ? argv[1] : DEFAULT_LIBRARY);
    report("Loaded", library != NULL);
    if (library != NULL) {
        if (find_all(library, &functions)) run_checks(&functions);
        report("Unloaded", unload(library));
    }
    return print_sum();
}
