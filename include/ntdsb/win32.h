/* The Win32 types and codes that the API's headers need. On Windows this is <windows.h>; elsewhere the same names with the same widths, in C
 * and C++, so that tools and tests compile unchanged against libntdsbcli.so. Only what the contract names is here. */
#ifndef NTDSB_WIN32_H
#define NTDSB_WIN32_H

#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#else

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

/* Off Windows only the whole value; Windows names its halves too. */
typedef union _LARGE_INTEGER {
    LONGLONG QuadPart;
} LARGE_INTEGER;

#ifdef __cplusplus
}
#endif

#define VOID void
#define WINAPI
#ifndef FALSE
#define FALSE 0
#define TRUE 1
#endif

#define S_OK ((HRESULT)0)
#define SUCCEEDED(hr) (((HRESULT)(hr)) >= 0)
#define FAILED(hr) (((HRESULT)(hr)) < 0)

/* Win32 and RPC codes, raw (contract ABI-9). */
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
#define ERROR_DISK_FULL 112L
#define ERROR_INSUFFICIENT_BUFFER 122L
#define ERROR_DIR_NOT_EMPTY 145L
#define ERROR_ALREADY_EXISTS 183L
#define ERROR_FILE_TOO_LARGE 223L
#define ERROR_OPERATION_ABORTED 995L
#define ERROR_NO_UNICODE_TRANSLATION 1113L
#define ERROR_INTERNAL_ERROR 1359L
#define RPC_S_INVALID_BINDING 1702L
#define RPC_S_ALREADY_LISTENING 1713L
#define RPC_S_SERVER_UNAVAILABLE 1722L
#define RPC_S_CALL_FAILED 1726L
#define RPC_S_UNKNOWN_IF 1717L
#define RPC_S_PROCNUM_OUT_OF_RANGE 1745L
#define RPC_X_SS_CONTEXT_MISMATCH ERROR_INVALID_HANDLE
#define RPC_X_BAD_STUB_DATA 1783L

#endif /* _WIN32 */

#endif /* NTDSB_WIN32_H */
