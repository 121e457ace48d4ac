// The network library, for the few source files that use it: its include takes seconds (design
// points 15 and 16).
#pragma once

#include <utility> // Boost.Asio 1.74 forgets it

#include "core/text.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace ntdsb::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;
// Of TCP, or of this computer alone (local_socket.h).
using StreamSocket = asio::generic::stream_protocol::socket;
using StreamAcceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
using StreamEndpoint = asio::generic::stream_protocol::endpoint;

// Nothing for an endpoint of another kind. On Windows that of an accepted socket's peer is as long
// as any may be (Asio tells its capacity): the family knows the length.
inline std::optional<tcp::endpoint> tcp_endpoint(const StreamEndpoint& endpoint) {
    const int family = endpoint.protocol().family();
    const std::size_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if ((family != AF_INET && family != AF_INET6) || endpoint.size() < size) return std::nullopt;
    tcp::endpoint out;
    std::memcpy(out.data(), endpoint.data(), size);
    out.resize(size);
    return out;
}

// "127.0.0.1:49152", "[::1]:49152"
inline std::string address_text(const tcp::endpoint& endpoint) {
    ErrorCode ignored;
    const std::string address = endpoint.address().to_string(ignored);
    return endpoint.address().is_v6() ? text('[', address, "]:", endpoint.port())
                                      : text(address, ':', endpoint.port());
}
// Also "unix:/run/ntdsbsrv.sock".
inline std::string address_text(const StreamEndpoint& endpoint) {
    if (const auto over_tcp = tcp_endpoint(endpoint)) return address_text(*over_tcp);
    std::string_view path(reinterpret_cast<const char*>(endpoint.data()), endpoint.size());
    path.remove_prefix(std::min(path.size(), sizeof(endpoint.data()->sa_family)));
    return text("unix:", path.substr(0, path.find('\0')));
}

} // namespace ntdsb::server
