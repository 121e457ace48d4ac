// The rpc transport (transport/rpc.cpp) against our server, and against peers that misbehave.
#include "server_fixture.h"

#include "server/asio.h"
#include "transport/transport.h"
#include "wire/read_reply.h"

#include <boost/asio/write.hpp>

#include <fstream>
#include <thread>

namespace ntdsb::server {
namespace {

constexpr auto could_not_connect = static_cast<Code>(hrCouldNotConnect);
constexpr auto communication_error = static_cast<Code>(hrCommunicationError);

auto connect_to(const std::string& address) {
    ServerConfig there;
    there.address = address;
    there.connect_timeout_s = 1;
    there.authentication = Authentication::none;
    return transport::connect_rpc(there, wire::Interface::backup);
}

Result<Code> ping(transport::Connection& connection) {
    wire::BufferSink reply(1024);
    NTDSB_CHECK(connection.call(wire::BackupPing::opnum, {}, reply));
    NTDSB_TRY(const auto decoded, wire::decode<wire::StatusReply>(reply.bytes()));
    return decoded.status;
}

// Accepts, and lets the test speak for the server.
class Peer {
public:
    Peer() : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
    std::string address() { return text("127.0.0.1:", acceptor_.local_endpoint().port()); }
    tcp::socket accept() { return acceptor_.accept(); }
    tcp::socket socket() { return tcp::socket(io_); } // not connected
    bool was_reached() {
        acceptor_.non_blocking(true);
        ErrorCode error;
        acceptor_.accept(error);
        return !error;
    }

private:
    asio::io_context io_;
    tcp::acceptor acceptor_;
};

using RpcTransport = ServerTest;

TEST_F(RpcTransport, CarriesCalls) {
    start();
    auto connection = connect_to(address());
    ASSERT_TRUE(connection) << connection.error().what;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ping(*connection.value()).value(), S_OK);
    connection.value()->cancel(); // nothing runs
    EXPECT_EQ(ping(*connection.value()).value(), S_OK);
}

// More than a fragment each way, into the caller's memory.
TEST_F(RpcTransport, CarriesWholeFiles) {
    test::EseDatabase{}.pages(256).write(directory.database());
    start();
    auto connected = connect_to(address());
    ASSERT_TRUE(connected) << connected.error().what;
    transport::Connection& connection = *connected.value();
    wire::BufferSink prepared(1 << 20);
    ASSERT_TRUE(connection.call(
        wire::BackupPrepare::opnum,
        wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}), prepared));
    const auto reply = wire::decode<wire::BackupPrepare::Reply>(prepared.bytes()).value();
    ASSERT_EQ(reply.status, S_OK);
    wire::BufferSink opened(1 << 20);
    ASSERT_TRUE(connection.call(wire::BackupOpenFile::opnum,
                                wire::encode(wire::BackupOpenFile::Request{
                                    reply.session, directory.config.directory.database, 0}),
                                opened));
    const auto size = wire::decode<wire::BackupOpenFile::Reply>(opened.bytes()).value().size;
    ASSERT_GT(size, 1u << 20);
    wire::Bytes file(static_cast<std::size_t>(size));
    wire::ReadReplySink sink(file);
    ASSERT_TRUE(connection.call(
        wire::BackupRead::opnum,
        wire::encode(wire::BackupRead::Request{reply.session, static_cast<std::uint32_t>(size)}),
        sink));
    ASSERT_EQ(sink.outcome().value().count, size);
    std::ifstream in(directory.database(), std::ios::binary);
    const std::string there{std::istreambuf_iterator<char>(in), {}};
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(there)), file));
}

TEST_F(RpcTransport, SaysWhereNobodyListens_COM7) {
    start();
    const std::string gone = address();
    server.reset();
    const auto connection = connect_to(gone);
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, could_not_connect);
    EXPECT_NE(connection.error().what.find(gone), std::string::npos) << connection.error().what;
}

TEST_F(RpcTransport, GivesUpOnAServerThatDoesNotAnswerTheBind_COM7) {
    using namespace std::chrono_literals;
    Peer silent; // the system accepts for it
    const auto begun = std::chrono::steady_clock::now();
    const auto connection = connect_to(silent.address());
    const auto took = std::chrono::steady_clock::now() - begun;
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, could_not_connect);
    EXPECT_GE(took, 1s); // connect_timeout_s
    EXPECT_LT(took, 6s); // with room for a busy machine
}

TEST_F(RpcTransport, GivesUpOnAServerOfAnotherProtocol_COM7) {
    Peer other;
    std::thread speaker([&] {
        auto socket = other.accept();
        ErrorCode ignored;
        asio::write(socket, asio::buffer("220 welcome to the mail server\r\n", 32), ignored);
        std::array<char, 4096> read;
        socket.read_some(asio::buffer(read), ignored);
    });
    const auto connection = connect_to(other.address());
    speaker.join();
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, could_not_connect);
}

TEST_F(RpcTransport, TellsThatTheServiceWentAwayInMidCall_COM8) {
    start();
    const auto instance = directory.instance();
    Peer middle;
    // Passes the bind on, and hangs up at the request.
    std::thread relay([&] {
        auto client = middle.accept();
        RawClient service(address());
        std::array<std::byte, 4096> octets;
        service.send(std::span(octets).first(client.read_some(asio::buffer(octets))));
        const auto ack = service.next();
        asio::write(client, asio::buffer(*ack));
        client.read_some(asio::buffer(octets));
    });
    auto connection = connect_to(middle.address());
    ASSERT_TRUE(connection) << connection.error().what;
    const auto lost = ping(*connection.value());
    relay.join();
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, communication_error);
    EXPECT_EQ(ping(*connection.value()).error().code, communication_error);
}

TEST_F(RpcTransport, ReturnsFromACallThatIsAbandoned_COM11) {
    start();
    const auto instance = directory.instance();
    std::optional<platform::Lock> decision = service::decide(*instance).value();
    auto connection = connect_to(address());
    ASSERT_TRUE(connection) << connection.error().what;
    Result<void> outcome = ok();
    std::thread caller([&] {
        wire::BufferSink reply(1 << 20);
        outcome = connection.value()->call(
            wire::BackupPrepare::opnum,
            wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}), reply);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // mostly it waits by then
    connection.value()->cancel();
    connection.value()->abandon();
    caller.join();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, communication_error);
}

TEST_F(RpcTransport, WaitsForNoAnswerBeyondALimit_COM11) {
    using namespace std::chrono_literals;
    start();
    Peer frozen; // behind the bind
    tcp::socket kept = frozen.socket();
    std::thread relay([&] {
        kept = frozen.accept();
        RawClient service(address());
        std::array<std::byte, 4096> octets;
        service.send(std::span(octets).first(kept.read_some(asio::buffer(octets))));
        asio::write(kept, asio::buffer(service.next().value()));
    });
    auto connection = connect_to(frozen.address());
    relay.join();
    ASSERT_TRUE(connection) << connection.error().what;
    const auto begun = std::chrono::steady_clock::now();
    connection.value()->limit(begun + 200ms);
    EXPECT_EQ(ping(*connection.value()).error().code, communication_error);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
}

// What a cancel is sent with: a peer that takes nothing keeps nobody waiting.
TEST_F(RpcTransport, SendsNothingThatItWouldHaveToWaitFor_COM11) {
    Peer silent; // the system accepts for it
    auto socket = platform::Socket::connect(platform::split_address(silent.address()).value(),
                                            std::chrono::seconds(30));
    ASSERT_TRUE(socket);
    const Bytes some(1024);
    constexpr std::size_t most = std::size_t{64} << 20;
    Result<void> sent = ok();
    for (std::size_t size = 0; sent && size < most; size += some.size())
        sent = socket.value().write_at_once(some);
    EXPECT_FALSE(sent) << "no system keeps so much for a peer that reads nothing";
}

TEST_F(RpcTransport, UsesCredentialsWithPrivacyOnly_AUTH3) {
    Peer nobody;
    const auto identity = std::make_shared<const transport::AuthIdentity>(transport::AuthIdentity{
        u"alice", u"EXAMPLE", platform::Secret::protect(u"password").value()});
    ServerConfig there;
    there.address = nobody.address();
    for (const auto& [authentication, protection] :
         {std::pair{Authentication::none, ProtectionLevel::privacy},
          std::pair{Authentication::negotiate, ProtectionLevel::integrity}}) {
        there.authentication = authentication;
        there.protection = protection;
        const auto connection = transport::connect_rpc(there, wire::Interface::backup, identity);
        ASSERT_FALSE(connection);
        EXPECT_EQ(connection.error().code, ERROR_NOT_SUPPORTED) << connection.error().what;
    }
    EXPECT_FALSE(nobody.was_reached());
}

TEST_F(RpcTransport, TellsThatTheCallerIsNotAdmitted_COM9) {
    directory.config.service.allow_anonymous = false;
    start();
    auto connection = connect_to(address());
    ASSERT_TRUE(connection);
    EXPECT_EQ(ping(*connection.value()).error().code, ERROR_ACCESS_DENIED);
}

} // namespace
} // namespace ntdsb::server
