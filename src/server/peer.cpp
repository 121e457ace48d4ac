// What the system knows of a peer (peer.h).
#include "server/peer.h"

#include "server/local_socket.h"

#include <cstring>

namespace ntdsb::server {

namespace {

bool is_loopback(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
    return address.is_loopback();
}

Peer local_peer(StreamSocket& socket, const StreamEndpoint& local) {
    Peer peer;
    peer.is_local = true;
    const auto user = local_user(socket.native_handle());
    // Nobody's sessions are another user's, also where all are let in.
    const std::string account = user ? text("user id ", user->id) : std::string("anonymous");
    peer.address = address_text(local);
    peer.caller.name = text(account, " at ", peer.address);
    peer.caller.account = account;
    peer.is_owner = user && user->is_owner;
    return peer;
}

Peer remote_peer(const tcp::endpoint& remote, const tcp::endpoint& local) {
    Peer peer;
    peer.address = address_text(remote);
    peer.caller.name = text("anonymous at ", peer.address);
    peer.caller.account = "anonymous";
    peer.is_local = is_loopback(remote.address()) && is_loopback(local.address());
    peer.here.port = local.port();
    if (local.address().is_v4()) peer.here.address = local.address().to_v4().to_bytes();
    return peer;
}

Peer stranger_of(StreamSocket& socket) {
    ErrorCode error;
    const StreamEndpoint local = socket.local_endpoint(error);
    if (!error && is_local_socket(local)) return local_peer(socket, local);
    StreamEndpoint remote;
    if (!error) remote = socket.remote_endpoint(error);
    const auto remote_tcp = tcp_endpoint(remote), local_tcp = tcp_endpoint(local);
    if (error || !remote_tcp || !local_tcp) {
        Peer nobody;
        nobody.caller.name = "anonymous, gone already";
        nobody.caller.account = "anonymous";
        return nobody;
    }
    return remote_peer(*remote_tcp, *local_tcp);
}

} // namespace

Peer peer_of(StreamSocket& socket, const ServiceConfig& config) {
    Peer peer = stranger_of(socket);
    peer.caller.may_backup = peer.caller.may_restore = bool(admit(peer, config));
    return peer;
}

} // namespace ntdsb::server
