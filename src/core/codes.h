// The return codes of the API as numbers: Win32 and RPC codes as `ERROR_*` / `RPC_*`, the
// directory's own as `hr*`. Every layer speaks in these raw values (contract ABI-9); nothing here
// knows where a code is raised.
#pragma once

#include "ntdsb/win32.h"
#include "ntdsbmsg.h"

#include <cstdint>

// Codes that failures of the operating system have, beyond those that the contract names.
#ifndef _WIN32
#define ERROR_NOT_SAME_DEVICE 17L
#define ERROR_BROKEN_PIPE 109L
#define ERROR_MOD_NOT_FOUND 126L
#define ERROR_PROC_NOT_FOUND 127L
#define ERROR_BUSY 170L
#define ERROR_BAD_EXE_FORMAT 193L
#define ERROR_FILENAME_EXCED_RANGE 206L
#define ERROR_IO_DEVICE 1117L
#define RPC_S_SERVER_TOO_BUSY 1723L
#define RPC_S_PROTOCOL_ERROR 1728L
#define ERROR_CANT_RESOLVE_FILENAME 1921L
#endif

namespace ntdsb {

// A raw return code: the bits of an HRESULT, whatever the platform calls that type.
using Code = std::int32_t;

} // namespace ntdsb
