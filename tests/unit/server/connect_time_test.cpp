// A connect comes back within connect_timeout_s, whoever does not answer (transport/rpc.cpp,
// contract COM-7); and a host that vanishes later is found out. On Linux, where a test can play all
// of them.
#include "server_fixture.h"

#include "server/asio.h"
#include "support/temp_folder.h"
#include "transport/transport.h"

#include <boost/asio/ip/udp.hpp>

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>

namespace {

constexpr std::string_view slow_host = "slow-name-server.example";
std::mutex look_up_waits; // held: the look-up of that host waits

} // namespace

// In front of the system's: a name server that does not answer.
extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo* hints,
                           addrinfo** found) {
    const bool asks = hints == nullptr || (hints->ai_flags & AI_NUMERICHOST) == 0;
    if (asks && host != nullptr && host == slow_host) {
        const std::lock_guard lock(look_up_waits);
        return EAI_AGAIN;
    }
    static const auto systems =
        reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return systems(host, port, hints, found);
}

namespace ntdsb::server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto patience = 1s;
constexpr auto room = 6s; // for a busy machine; a KDC alone would take libkrb5 25 s

struct Attempt {
    Error error;
    Clock::duration took;
    void expect_in_time(const std::string& reason) const {
        EXPECT_EQ(error.code, static_cast<Code>(hrCouldNotConnect)) << error.what;
        EXPECT_NE(error.what.find(reason), std::string::npos) << error.what;
        EXPECT_GE(took, patience);
        EXPECT_LT(took, patience + room);
    }
};

Attempt attempt(const ServerConfig& there,
                const std::shared_ptr<const transport::AuthIdentity>& identity = nullptr) {
    const auto begun = Clock::now();
    const auto connection = transport::connect_rpc(there, wire::Interface::backup, identity);
    const auto took = Clock::now() - begun;
    EXPECT_FALSE(connection);
    return {connection ? Error{} : connection.error(), took};
}

ServerConfig server_at(const std::string& host, std::uint16_t port) {
    ServerConfig there;
    there.address = text(host, ":", port);
    there.connect_timeout_s = static_cast<std::uint32_t>(patience.count());
    there.authentication = Authentication::none;
    return there;
}

const asio::ip::address_v4 this_computer = asio::ip::address_v4::loopback();

// Listens, and never accepts: the system takes connections until its queue is full, and answers
// nothing to the next ones.
class Listener {
public:
    explicit Listener(int backlog) : acceptor_(io_, tcp::v4()) {
        acceptor_.bind({this_computer, 0});
        acceptor_.listen(backlog);
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void fill_queue() {
        while (queue_.size() < 16) {
            tcp::socket& one = queue_.emplace_back(io_, tcp::v4());
            one.native_non_blocking(true);
            const tcp::endpoint own(this_computer, port());
            (void)::connect(one.native_handle(), own.data(),
                            static_cast<socklen_t>(own.size())); // does not wait
            pollfd wait{one.native_handle(), POLLOUT, 0};
            if (::poll(&wait, 1, 300) == 0) return; // nobody answers
        }
        FAIL() << "the queue does not fill";
    }

private:
    asio::io_context io_;
    tcp::acceptor acceptor_;
    std::vector<tcp::socket> queue_;
};

TEST(ConnectTime, HasAnEndWhereAHostSwallowsTheConnection_COM7) {
    Listener full(0);
    full.fill_queue();
    attempt(server_at("127.0.0.1", full.port())).expect_in_time("connect to 127.0.0.1");
}

std::ptrdiff_t threads() {
    std::thread([] {}).join(); // the thread sanitizer's own comes with the first
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                         std::filesystem::directory_iterator());
}

// Those that were left behind have ended: one that is in libkrb5 still when the process ends runs
// into what that library has destroyed by then.
void expect_no_more_threads_than(std::ptrdiff_t before) {
    for (int i = 0; i < 6000 && threads() > before; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_LE(threads(), before);
}

TEST(ConnectTime, HasAnEndWhereTheNameServerDoesNotAnswer_COM7) {
    const auto threads_before = threads();
    {
        const std::lock_guard lock(look_up_waits);
        attempt(server_at(std::string(slow_host), 1))
            .expect_in_time("the name server does not answer");
    }
    expect_no_more_threads_than(threads_before); // or the next test would count it
}

// Two realms: the KDC of one takes TCP connections and says nothing, the other's gets datagrams.
class SilentKdcs {
public:
    SilentKdcs() : over_tcp_(64), over_udp_(io_, {this_computer, 0}) {
        std::ofstream(folder_ / "krb5.conf")
            << "[libdefaults]\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            << " dns_canonicalize_hostname = false\n[realms]\n"
            << "  TCP.TEST = {\n  kdc = 127.0.0.1:" << over_tcp_.port() << "\n }\n"
            << "  UDP.TEST = {\n  kdc = 127.0.0.1:" << over_udp_.local_endpoint().port()
            << "\n }\n";
        ::setenv("KRB5_CONFIG", (folder_ / "krb5.conf").c_str(), 1);
    }
    bool got_datagrams() { return over_udp_.available() > 0; }

private:
    test::TempFolder folder_;
    asio::io_context io_;
    Listener over_tcp_;
    asio::ip::udp::socket over_udp_;
};

TEST(ConnectTime, HasAnEndWhereTheKdcDoesNotAnswer_COM7) {
    const auto threads_before = threads();
    std::optional<SilentKdcs> kdcs(std::in_place);
    Listener service(64);
    for (const auto authentication : {Authentication::kerberos, Authentication::negotiate}) {
        for (const auto* const realm : {u"TCP.TEST", u"UDP.TEST"}) {
            SCOPED_TRACE(text(realm));
            ServerConfig there = server_at("127.0.0.1", service.port());
            there.authentication = authentication;
            there.principal = text("host/dc1.test@", realm);
            const auto alice =
                std::make_shared<const transport::AuthIdentity>(transport::AuthIdentity{
                    u"alice", realm, platform::Secret::protect(u"password").value()});
            attempt(there, alice)
                .expect_in_time("KDC or domain controller that it asks does not answer");
        }
    }
    EXPECT_TRUE(kdcs->got_datagrams());
    EXPECT_GT(threads(), threads_before) << "they wait for the KDCs still";
    kdcs.reset();
    expect_no_more_threads_than(threads_before);
}

// --- a host that vanishes while connected

// This process's own sockets that are connected to, or accepted at, this port of its own.
template <class GetName>
std::vector<int> sockets_with(std::uint16_t port, GetName get_name) {
    std::vector<int> found;
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_in name{};
        sockaddr_in peer{};
        socklen_t size = sizeof name;
        if (get_name(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 &&
            name.sin_family == AF_INET && ntohs(name.sin_port) == port &&
            (size = sizeof peer, ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size)) == 0)
            found.push_back(fd);
    }
    return found;
}

int option(int socket, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(socket, level, name, &value, &size), 0);
    return value;
}

using KeepAlive = ServerTest;

TEST_F(KeepAlive, FindsAVanishedHostOutOnBothSides) {
    start();
    ServerConfig there;
    there.address = address();
    there.authentication = Authentication::none;
    const auto connection = transport::connect_rpc(there, wire::Interface::backup);
    ASSERT_TRUE(connection) << connection.error().what;
    const auto port =
        static_cast<std::uint16_t>(std::stoul(platform::split_address(address()).value().port));
    const auto clients = sockets_with(port, ::getpeername);
    const auto servers = sockets_with(port, ::getsockname);
    ASSERT_EQ(clients.size(), 1u);
    ASSERT_EQ(servers.size(), 1u);
    for (const int socket : {clients.front(), servers.front()}) {
        EXPECT_NE(option(socket, SOL_SOCKET, SO_KEEPALIVE), 0);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPIDLE), 30);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPINTVL), 10);
        EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPCNT), 3);
    }
    // While octets are on their way keepalive rests. The server has unread_timeout_s for that.
    EXPECT_EQ(option(clients.front(), IPPROTO_TCP, TCP_USER_TIMEOUT), 60'000);
}

} // namespace
} // namespace ntdsb::server
