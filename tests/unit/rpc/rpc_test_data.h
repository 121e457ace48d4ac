// What several tests of fragments and associations need.
#pragma once

#include "rpc/pdu.h"

#include <string_view>

namespace ntdsb::rpc {

inline const SyntaxId restore_interface{wire::restore_interface_uuid, 1};
inline const SyntaxId backup_interface{wire::backup_interface_uuid, 1};

inline Bytes octets(std::string_view text) {
    Bytes out;
    for (const char c : text) out.push_back(static_cast<std::byte>(c));
    return out;
}

} // namespace ntdsb::rpc
