// The interfaces that the server offers on each of its connections, in the order in which an
// association counts them. Knows no operation.
#pragma once

#include "rpc/pdu.h"

#include <array>
#include <cstddef>
#include <string_view>

namespace ntdsb::server {

enum Served : std::size_t { restore, backup, management, endpoint_mapper };

struct ServedInterface {
    rpc::SyntaxId syntax;
    std::string_view annotation; // what the endpoint mapper calls it; empty: it is not listed
};

const std::array<ServedInterface, 4>& served_interfaces();

} // namespace ntdsb::server
