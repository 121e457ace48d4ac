// What GSSAPI is to authenticate with, and to whom: the process's own credentials, those of
// DsSetAuthIdentity, the service's keytab.
#pragma once

#include "platform/auth_identity.h"
#include "rpc/gss_library.h"

namespace ntdsb::rpc::gss {

using SharedCredential = std::shared_ptr<const Credential>;

// The service's own; the same one for all callers. Any thread.
Result<SharedCredential> acceptor_credential(AuthType type);
// `identity`: null for the process's own credentials. May wait for a KDC.
Result<SharedCredential> initiator_credential(AuthType type,
                                              const platform::AuthIdentity* identity);
// "host/HOST" as "host@HOST", which both mechanisms understand. With a realm, or for Kerberos
// alone, it is taken as it is, without a look-up of the host's name.
Result<Name> service_name(AuthType type, std::string_view principal);

} // namespace ntdsb::rpc::gss
