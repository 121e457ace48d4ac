/* Stands in for the platform's <windows.h> where the public headers are compiled for MSVC's targets
 * on a machine that has no Windows SDK: the types and codes they use, as MSVC has them. */
#ifndef _WINDOWS_
#define _WINDOWS_

typedef char CHAR;
typedef int BOOL;
typedef long LONG;
typedef unsigned long ULONG;
typedef unsigned long DWORD;
typedef long HRESULT;
#ifdef __cplusplus
typedef wchar_t WCHAR;
#else
typedef unsigned short WCHAR;
#endif
typedef void* PVOID;
typedef DWORD* PDWORD;
typedef DWORD* LPDWORD;
typedef CHAR* LPSTR;
typedef const CHAR* LPCSTR;
typedef WCHAR* LPWSTR;
typedef const WCHAR* LPCWSTR;
typedef union _LARGE_INTEGER {
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    __int64 QuadPart;
} LARGE_INTEGER;

#define VOID void
#define FALSE 0
#define TRUE 1
#define NULL 0
#define S_OK ((HRESULT)0L)
#define ERROR_INVALID_PARAMETER 87L
#define RPC_S_INVALID_BINDING 1702L
#define RPC_S_ALREADY_LISTENING 1713L

#endif /* _WINDOWS_ */
