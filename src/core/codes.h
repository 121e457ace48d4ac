// The return codes of the API as numbers: Win32 and RPC codes as `ERROR_*` / `RPC_*`, the directory's own as `hr*`.
// Every layer speaks in these raw values (contract ABI-9); nothing here knows where a code is raised.
#pragma once

#include "ntdsb/win32.h"
#include "ntdsbmsg.h"

#include <cstdint>

namespace ntdsb {

// A raw return code: the bits of an HRESULT, whatever the platform calls that type.
using Code = std::int32_t;

} // namespace ntdsb
