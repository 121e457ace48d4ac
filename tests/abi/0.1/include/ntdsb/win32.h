/* The Win32 types and codes that the API's headers need. On Windows this is <windows.h>; elsewhere
 * the same names with the same widths, in C and C++, so that tools and tests compile unchanged
 * against libntdsbcli.so. Only what the contract names and the library returns is here. */
#ifndef NTDSB_WIN32_H
#define NTDSB_WIN32_H

#ifdef _WIN32

/* Whoever includes <windows.h> first gets it as usual. Included from here it is the lean one; the
 * two macros do not outlive this. */
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#define NTDSB_UNDEFINE_LEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#define NTDSB_UNDEFINE_NOMINMAX
#endif
#include <windows.h>
#ifdef NTDSB_UNDEFINE_LEAN
#undef NTDSB_UNDEFINE_LEAN
#undef WIN32_LEAN_AND_MEAN
#endif
#ifdef NTDSB_UNDEFINE_NOMINMAX
#undef NTDSB_UNDEFINE_NOMINMAX
#undef NOMINMAX
#endif

#else

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef char CHAR;
typedef unsigned char BYTE;
typedef int BOOL;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef int32_t HRESULT;
typedef int64_t LONGLONG;
/* 16 bits everywhere: UTF-16, not the platform's wchar_t. */
#if defined(__cplusplus) && __cplusplus >= 201103L
typedef char16_t WCHAR;
#else
typedef uint16_t WCHAR;
#endif
typedef void* PVOID;
typedef BOOL* LPBOOL;
typedef DWORD* PDWORD;
typedef DWORD* LPDWORD;
typedef CHAR* LPSTR;
typedef const CHAR* LPCSTR;
typedef WCHAR* LPWSTR;
typedef const WCHAR* LPCWSTR;

/* The halves are those of a little-endian machine. */
typedef union _LARGE_INTEGER {
#ifdef __GNUC__
    __extension__ struct {
        DWORD LowPart;
        LONG HighPart;
    };
#endif
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER;

#ifdef __cplusplus
}
#endif

#ifndef VOID
#define VOID void
#endif
#ifndef WINAPI
#define WINAPI
#endif
#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef S_OK
#define S_OK ((HRESULT)0)
#endif
#ifndef SUCCEEDED
#define SUCCEEDED(hr) (((HRESULT)(hr)) >= 0)
#endif
#ifndef FAILED
#define FAILED(hr) (((HRESULT)(hr)) < 0)
#endif

/* Raw, never as HRESULT_FROM_WIN32 (contract ABI-9). Whoever else defines one defines all. */
#ifndef ERROR_SUCCESS
#define ERROR_SUCCESS 0L
#define ERROR_FILE_NOT_FOUND 2L
#define ERROR_PATH_NOT_FOUND 3L
#define ERROR_TOO_MANY_OPEN_FILES 4L
#define ERROR_ACCESS_DENIED 5L
#define ERROR_INVALID_HANDLE 6L
#define ERROR_NOT_ENOUGH_MEMORY 8L
#define ERROR_INVALID_DATA 13L
#define ERROR_WRITE_PROTECT 19L
#define ERROR_WRITE_FAULT 29L
#define ERROR_READ_FAULT 30L
#define ERROR_GEN_FAILURE 31L
#define ERROR_SHARING_VIOLATION 32L
#define ERROR_LOCK_VIOLATION 33L
#define ERROR_HANDLE_EOF 38L
#define ERROR_NOT_SUPPORTED 50L
#define ERROR_FILE_EXISTS 80L
#define ERROR_INVALID_PARAMETER 87L
#define ERROR_BUFFER_OVERFLOW 111L
#define ERROR_DISK_FULL 112L
#define ERROR_INSUFFICIENT_BUFFER 122L
#define ERROR_DIR_NOT_EMPTY 145L
#define ERROR_ALREADY_EXISTS 183L
#define ERROR_FILE_TOO_LARGE 223L
#define ERROR_NO_MORE_ITEMS 259L
#define ERROR_OPERATION_ABORTED 995L
#define ERROR_NO_UNICODE_TRANSLATION 1113L
#define ERROR_INTERNAL_ERROR 1359L
#endif
#ifndef RPC_S_ALREADY_LISTENING
#define RPC_S_INVALID_BINDING 1702L
#define RPC_S_ALREADY_LISTENING 1713L
#define RPC_S_UNKNOWN_IF 1717L
#define RPC_S_SERVER_UNAVAILABLE 1722L
#define RPC_S_CALL_FAILED 1726L
#define RPC_S_PROCNUM_OUT_OF_RANGE 1745L
#define RPC_X_SS_CONTEXT_MISMATCH ERROR_INVALID_HANDLE
#define RPC_X_BAD_STUB_DATA 1783L
#endif

#endif /* _WIN32 */

#endif /* NTDSB_WIN32_H */
