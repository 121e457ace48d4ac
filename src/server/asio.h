// The network library, for the few source files that use it: its include takes seconds (design
// points 15 and 16).
#pragma once

#include <utility> // Boost.Asio 1.74 forgets it

#include "core/text.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

namespace ntdsb::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// "127.0.0.1:49152", "[::1]:49152"
inline std::string address_text(const tcp::endpoint& endpoint) {
    ErrorCode ignored;
    const std::string address = endpoint.address().to_string(ignored);
    return endpoint.address().is_v6() ? text('[', address, "]:", endpoint.port())
                                      : text(address, ':', endpoint.port());
}

} // namespace ntdsb::server
