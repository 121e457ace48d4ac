// Who is taken to be of this computer, and who may call without proving who it is (server/peer.h,
// contract COM-9): callers from loopback, from another address, and from one of the two to the other.
#include "server_fixture.h"

#include "server/asio.h"
#include "server/peer.h"

#include <boost/asio/ip/udp.hpp>

#include <gtest/gtest.h>

namespace ntdsb::server {
namespace {

const asio::ip::address loopback = asio::ip::address_v4::loopback();

// An address of this computer that is not loopback; nothing is sent to find it.
std::optional<asio::ip::address> outward_address() {
    asio::io_context io;
    asio::ip::udp::socket socket(io, asio::ip::udp::v4());
    ErrorCode error;
    socket.connect({asio::ip::make_address("198.51.100.1"), 9}, error);
    if (error) return std::nullopt;
    const auto found = socket.local_endpoint(error).address();
    if (error || found.is_loopback() || found.is_unspecified()) return std::nullopt;
    return found;
}
constexpr std::string_view no_address = "this computer has no address but loopback";

StreamAcceptor listen_everywhere(asio::io_context& io, const tcp& family) {
    StreamAcceptor acceptor(io);
    acceptor.open(family);
    if (family == tcp::v6()) acceptor.set_option(asio::ip::v6_only(false));
    acceptor.bind(tcp::endpoint(family, 0));
    acceptor.listen();
    return acceptor;
}
std::uint16_t port_of(const StreamAcceptor& acceptor) {
    return tcp_endpoint(acceptor.local_endpoint())->port();
}

// Whom the service takes somebody for that has come from `from` to `to`.
Peer peer_between(const asio::ip::address& from, const asio::ip::address& to, bool allow_anonymous,
                  const tcp& family = tcp::v4()) {
    asio::io_context io;
    StreamAcceptor acceptor = listen_everywhere(io, family);
    tcp::socket client(io, tcp::v4());
    client.bind({from, 0});
    client.connect({to, port_of(acceptor)});
    StreamSocket accepted = acceptor.accept();
    ServiceConfig config;
    config.allow_anonymous = allow_anonymous;
    return peer_of(accepted, config);
}

void expect_stranger(const Peer& peer) {
    EXPECT_FALSE(peer.is_local) << peer.address;
    EXPECT_FALSE(peer.is_authenticated);
    EXPECT_FALSE(peer.caller.is_local);
    EXPECT_FALSE(peer.caller.may_backup);
    EXPECT_FALSE(peer.caller.may_restore);
    ServiceConfig config;
    for (const bool allowed : {false, true}) {
        config.allow_anonymous = allowed;
        const auto admitted = admit(peer, config);
        ASSERT_FALSE(admitted) << allowed;
        EXPECT_EQ(admitted.error().code, ERROR_ACCESS_DENIED);
        EXPECT_NE(admitted.error().what.find(peer.address), std::string::npos)
            << admitted.error().what;
    }
}

TEST(PeerOf, LoopbackMayAllWhereTheSettingSaysSo_COM9) {
    const Peer peer = peer_between(loopback, loopback, true);
    EXPECT_TRUE(peer.is_local);
    EXPECT_TRUE(peer.caller.may_backup);
    EXPECT_TRUE(peer.caller.may_restore);
    EXPECT_FALSE(peer.caller.is_local) << "the service's rights are not the caller's";
    const Peer strict = peer_between(loopback, loopback, false);
    EXPECT_TRUE(strict.is_local);
    EXPECT_FALSE(strict.caller.may_backup);
    EXPECT_FALSE(strict.caller.may_restore);
}

TEST(PeerOf, AnotherAddressIsNotLocal_COM9) {
    const auto outward = outward_address();
    if (!outward) GTEST_SKIP() << no_address;
    expect_stranger(peer_between(*outward, *outward, true));
}

// Either end tells: loopback is no proof where somebody can send as it from outside.
TEST(PeerOf, OneLoopbackEndIsNotEnough_COM9) {
    const auto outward = outward_address();
    if (!outward) GTEST_SKIP() << no_address;
    expect_stranger(peer_between(*outward, loopback, true));
    expect_stranger(peer_between(loopback, *outward, true));
}

TEST(PeerOf, Ipv4WithinIpv6IsJudgedAsIpv4_COM9) {
    try {
        EXPECT_TRUE(peer_between(loopback, loopback, true, tcp::v6()).is_local);
    } catch (const boost::system::system_error& error) {
        GTEST_SKIP() << "no socket here takes both: " << error.what();
    }
    const auto outward = outward_address();
    if (!outward) GTEST_SKIP() << no_address;
    expect_stranger(peer_between(*outward, *outward, true, tcp::v6()));
}

TEST(PeerOf, WhoIsGoneIsNobody_COM9) {
    asio::io_context io;
    StreamSocket closed(io);
    ServiceConfig config;
    config.allow_anonymous = true;
    const Peer peer = peer_of(closed, config);
    EXPECT_FALSE(peer.is_local);
    EXPECT_FALSE(peer.caller.may_backup);
    EXPECT_FALSE(admit(peer, config));
}

TEST(Admit, TakesProofLocalOwnersAndLoopbackWhereAllowed_COM9) {
    for (unsigned bits = 0; bits < 16; ++bits) {
        Peer peer;
        peer.is_authenticated = (bits & 1) != 0;
        peer.is_owner = (bits & 2) != 0;
        peer.is_local = (bits & 4) != 0;
        ServiceConfig config;
        config.allow_anonymous = (bits & 8) != 0;
        const bool expected = peer.is_authenticated || peer.is_owner || (bits & 12) == 12;
        EXPECT_EQ(bool(admit(peer, config)), expected) << bits;
    }
}

#ifndef _WIN32
// Of a socket that is inherited the configuration knows nothing: what it listens on is not checked.
class InheritedSocket : public ServerTest {};

TEST_F(InheritedSocket, LetsNobodyInFromAnotherAddress_COM9) {
    const auto outward = outward_address();
    if (!outward) GTEST_SKIP() << no_address;
    asio::io_context io;
    StreamAcceptor acceptor = listen_everywhere(io, tcp::v4());
    const std::string port = std::to_string(port_of(acceptor));
    auto started = Server::start(directory.shared_config(), limits, {acceptor.release()});
    ASSERT_TRUE(started) << started.error().what;
    server = std::move(started).value();

    RawClient near("127.0.0.1:" + port);
    ASSERT_EQ(near.bind(), PduType::bind_ack);
    EXPECT_TRUE(near.ping().stub);

    RawClient far(outward->to_string() + ":" + port);
    ASSERT_EQ(far.bind(), PduType::bind_ack); // the standard interfaces are open to everybody
    EXPECT_EQ(far.ping().fault, 5u);
    EXPECT_FALSE(far.next()) << "it hangs up";
    RawClient again(outward->to_string() + ":" + port);
    ASSERT_EQ(again.bind(near.group()), PduType::bind_ack);
    EXPECT_EQ(
        again.call(restore_context, 0, wire::encode(wire::IsDirectoryOnline::Request{})).fault, 5u)
        << "nor in a group of somebody who was let in";
}
#endif

} // namespace
} // namespace ntdsb::server
