// Who is at the other end of a new connection, as far as the system tells.
#pragma once

#include "server/asio.h"
#include "server/dispatch.h"

namespace ntdsb::server {

// With all rights where `config` admits it as it is. Of a connection that is gone already: nobody in
// particular.
Peer peer_of(StreamSocket& socket, const ServiceConfig& config);

} // namespace ntdsb::server
