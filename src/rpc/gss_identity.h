// Who a caller is that GSSAPI has authenticated, and which principals of the configuration he is.
#pragma once

#include "rpc/gss_library.h"

namespace ntdsb::rpc::gss {

// `source` as the acceptor got it. ERROR_ACCESS_DENIED: it is nobody (anonymous), or no name.
Result<std::shared_ptr<const Identity>> identity_of(const Name& source, bool is_kerberos);

} // namespace ntdsb::rpc::gss
