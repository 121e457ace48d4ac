// The status that a fault carries (C706 appendix E; MS-RPCE 2.2.1.1.8), and the code that the API
// returns for it. One table, both ways.
#pragma once

#include "core/codes.h"

#include <cstdint>

namespace ntdsb::rpc {

inline constexpr std::uint32_t nca_protocol_error = 0x1c01000b;
inline constexpr std::uint32_t nca_invalid_context = 0x1c00001c; // presentation context
inline constexpr std::uint32_t nca_server_too_busy = 0x1c010014;
inline constexpr std::uint32_t nca_remote_no_memory = 0x1c00001b;
// As MS-RPCE has them: Win32 codes.
inline constexpr std::uint32_t nca_access_denied = 0x00000005;
inline constexpr std::uint32_t nca_security_package = 0x00000721; // RPC_S_SEC_PKG_ERROR

// What a failed dispatch is told as; nca_s_fault_unspec where no status says it.
std::uint32_t fault_status(Code code) noexcept;

// hrCommunicationError where no code says it better.
Code code_of_fault(std::uint32_t status) noexcept;

} // namespace ntdsb::rpc
