// The table of fault statuses (fault_status.h).
#include "rpc/fault_status.h"

#include <algorithm>
#include <array>

namespace ntdsb::rpc {

namespace {

struct Row {
    Code code;
    std::uint32_t status;
};

constexpr std::uint32_t nca_fault_unspecified = 0x1c000012;

constexpr std::array rows{
    Row{RPC_S_PROCNUM_OUT_OF_RANGE, 0x1c010002}, // nca_op_rng_error
    Row{RPC_S_UNKNOWN_IF, 0x1c010003},           // nca_unk_if
    Row{RPC_X_BAD_STUB_DATA, 0x000006f7},        // as MS-RPCE has it
    Row{RPC_S_PROTOCOL_ERROR, nca_protocol_error},
    Row{RPC_S_SERVER_TOO_BUSY, nca_server_too_busy},
    Row{ERROR_NOT_ENOUGH_MEMORY, nca_remote_no_memory},
    Row{ERROR_ACCESS_DENIED, nca_access_denied},
    Row{ERROR_OPERATION_ABORTED, 0x1c00000d},       // nca_s_fault_cancel
    Row{ERROR_INVALID_HANDLE, 0x1c00001a},          // nca_s_fault_context_mismatch
    Row{hrCommunicationError, nca_invalid_context}, // the two sides disagree about the contexts
};

} // namespace

std::uint32_t fault_status(Code code) noexcept {
    const auto row = std::ranges::find(rows, code, &Row::code);
    return row != rows.end() ? row->status : nca_fault_unspecified;
}

Code code_of_fault(std::uint32_t status) noexcept {
    const auto row = std::ranges::find(rows, status, &Row::status);
    return row != rows.end() ? row->code : static_cast<Code>(hrCommunicationError);
}

} // namespace ntdsb::rpc
