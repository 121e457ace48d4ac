// The names of protection levels (security_context.h).
#include "rpc/security_context.h"

namespace ntdsb::rpc {

std::string_view protection_name(Protection level) noexcept {
    return level == Protection::privacy ? "privacy" : "integrity";
}

Error headers_unsigned() {
    return fail(ERROR_ACCESS_DENIED, "the other side does not sign the headers of fragments, which "
                                     "Kerberos needs here; it must support header signing");
}

} // namespace ntdsb::rpc
