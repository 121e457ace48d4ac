// What several tests of fragments and associations need.
#pragma once

#include "rpc/server_association.h"

#include <algorithm>
#include <string_view>

namespace ntdsb::rpc {

inline const SyntaxId restore_interface{wire::restore_interface_uuid, 1};
inline const SyntaxId backup_interface{wire::backup_interface_uuid, 1};

inline Bytes octets(std::string_view text) {
    Bytes out;
    for (const char c : text) out.push_back(static_cast<std::byte>(c));
    return out;
}

// All fragments of a call's reply.
inline Bytes whole_reply(ServerAssociation& server, std::uint32_t call_id,
                         std::span<const std::byte> stub) {
    Bytes all;
    for (bool last = false; !last;) {
        const auto part = stub.first(std::min(stub.size(), server.longest_stub()));
        const auto left = static_cast<std::uint32_t>(stub.size());
        stub = stub.subspan(part.size());
        last = stub.empty();
        Bytes fragment(response_stub_at);
        fragment.insert(fragment.end(), part.begin(), part.end());
        server.answer(call_id, fragment, left, last);
        all.insert(all.end(), fragment.begin(), fragment.end());
    }
    return all;
}

} // namespace ntdsb::rpc
