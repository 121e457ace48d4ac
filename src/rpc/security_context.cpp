// The names of protection levels (security_context.h).
#include "rpc/security_context.h"

namespace ntdsb::rpc {

std::string_view protection_name(Protection level) noexcept {
    return level == Protection::privacy ? "privacy" : "integrity";
}

} // namespace ntdsb::rpc
