// Security contexts of the system's mechanisms: SSPI on Windows (sspi_context.cpp), GSSAPI with
// libkrb5 and gss-ntlmssp elsewhere (gss_*.cpp).
#pragma once

#include "platform/auth_identity.h"
#include "rpc/security_context.h"

#include <vector>

namespace ntdsb::rpc {

// A client's context. `principal` is the Kerberos name of the service, "host/HOST" or
// "host/HOST@REALM"; NTLM has no use for it. `identity`: null for the process's own credentials.
// ERROR_ACCESS_DENIED where there are no credentials, with what to do about it. May wait for a KDC.
Result<std::unique_ptr<SecurityContext>> initiate_security(AuthType type, Protection level,
                                                           std::string_view principal,
                                                           const platform::AuthIdentity* identity);

// A server's context, with the process's own credentials. It refuses anonymous callers.
Result<std::unique_ptr<SecurityContext>> accept_security(AuthType type, Protection level);

// For people: each mechanism, and what this process can accept it with or why it cannot.
struct AcceptorCredential {
    std::string mechanism;
    bool is_usable = false;
    std::string what;
};
std::vector<AcceptorCredential> acceptor_credentials();

} // namespace ntdsb::rpc
