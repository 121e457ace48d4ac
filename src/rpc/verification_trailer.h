// The verification trailer at the end of a protected request's stub (MS-RPCE 2.2.2.13): it repeats
// under protection what the fragments' headers, which a mechanism may leave unsigned, say of the
// call. Knows no association.
#pragma once

#include "rpc/pdu.h"

namespace ntdsb::rpc {

// What a request's headers and its association say.
struct CallFacts {
    std::uint32_t call_id = 0;
    std::uint16_t context_id = 0;
    std::uint16_t opnum = 0;
    SyntaxId interface_of;
    SyntaxId transfer;
    bool client_signs_headers = false; // said so in its bind
};

// Pads the stub to a multiple of four and appends a trailer with all commands.
void append_verification_trailer(Bytes& stub, const CallFacts& call);

// What a trailer had.
struct VerifiedFacts {
    bool header = false;  // SEC_VT_COMMAND_HEADER2
    bool context = false; // SEC_VT_COMMAND_PCONTEXT
};

// Finds the trailer at the stub's end, checks each command in it against `call`, and cuts it off;
// up to three octets of padding before it stay. No trailer: nothing is found, the stub stays. A
// trailer that says otherwise, is broken, or has a command that must be understood and is not:
// ERROR_ACCESS_DENIED.
Result<VerifiedFacts> cut_verification_trailer(Bytes& stub, const CallFacts& call);

} // namespace ntdsb::rpc
