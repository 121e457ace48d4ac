// See proxy.h. Each connection has a thread of its own, which waits for both sides at once.
#include "proxy.h"

#include <array>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace faults {

using ntdsb::transport::Fault;
using Octets = std::vector<std::byte>;

namespace {

constexpr std::size_t header_size = 16;
// An altered fragment may make one side wait for octets that never come: no network does that for
// long.
constexpr int patience_after_alter_ms = 150;
constexpr int tick_ms = 20;

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address_of(const std::string& text) {
    Address out;
    if (text.starts_with("unix:")) {
        auto& local = reinterpret_cast<sockaddr_un&>(out.storage);
        local.sun_family = AF_UNIX;
        text.substr(5).copy(local.sun_path, sizeof local.sun_path - 1);
        out.size = sizeof local;
    } else {
        auto& tcp = reinterpret_cast<sockaddr_in&>(out.storage);
        tcp.sin_family = AF_INET;
        tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        tcp.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(text.substr(text.find(':') + 1))));
        out.size = sizeof tcp;
    }
    return out;
}

int open_socket(const Address& address) {
    return ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

// Else each of several fragments waits for the last one's acknowledgement, which is delayed.
void send_at_once(int tcp) {
    const int on = 1;
    ::setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &on,
                 sizeof on); // a local socket refuses, and needs none
}

bool send_all(int to, std::span<const std::byte> octets) {
    while (!octets.empty()) {
        const auto sent = ::send(to, octets.data(), octets.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        octets = octets.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

std::size_t length_of(const Octets& fragment) {
    return std::to_integer<std::size_t>(fragment[8]) | std::to_integer<std::size_t>(fragment[9])
                                                           << 8;
}
int type_of(const Octets& fragment) { return std::to_integer<int>(fragment[2]); }
int opnum_of(const Octets& fragment) {
    return std::to_integer<int>(fragment[22]) | std::to_integer<int>(fragment[23]) << 8;
}

} // namespace

struct Proxy::Link {
    int client, service;
    Octets from_client, from_service;
    bool altered = false;
};

Proxy::Proxy(std::string service, const std::filesystem::path& local)
    : service_(std::move(service)) {
    const bool is_local = !local.empty();
    Address address = address_of(is_local ? "unix:" + local.string() : "127.0.0.1:0");
    listener_ = open_socket(address);
    if (::bind(listener_, address.get(), address.size) != 0 || ::listen(listener_, 64) != 0)
        throw std::runtime_error("the proxy cannot listen");
    address.size = sizeof address.storage;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address.storage), &address.size);
    const auto port = ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
    address_ = is_local ? "unix:" + local.string() : "127.0.0.1:" + std::to_string(port);
    acceptor_ = std::thread([this] { accept(); });
}

Proxy::~Proxy() {
    stopping_ = true;
    acceptor_.join();
    for (auto& carrier : carriers_) carrier.join();
    ::close(listener_);
}

void Proxy::arm(int opnum, const Fault& fault) {
    const std::lock_guard lock(mutex_);
    watches_ = armed_ = true;
    struck_ = awaits_reply_ = false;
    opnum_ = opnum;
    fault_ = fault;
    times_sent_ = 0;
    request_sizes_.clear();
    reply_sizes_.clear();
}
void Proxy::disarm() {
    const std::lock_guard lock(mutex_);
    watches_ = armed_ = struck_ = awaits_reply_ = false;
}
bool Proxy::has_struck() const {
    const std::lock_guard lock(mutex_);
    return struck_;
}
unsigned Proxy::times_sent() const {
    const std::lock_guard lock(mutex_);
    return times_sent_;
}
std::vector<std::size_t> Proxy::request_sizes() const {
    const std::lock_guard lock(mutex_);
    return request_sizes_;
}
std::vector<std::size_t> Proxy::reply_sizes() const {
    const std::lock_guard lock(mutex_);
    return reply_sizes_;
}

void Proxy::accept() {
    while (!stopping_) {
        pollfd waiting{listener_, POLLIN, 0};
        if (::poll(&waiting, 1, tick_ms) <= 0) continue;
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const Address address = address_of(service_);
        const int service = open_socket(address);
        if (client >= 0 && ::connect(service, address.get(), address.size) == 0) {
            send_at_once(client);
            send_at_once(service);
            carriers_.emplace_back([this, client, service] { carry(client, service); });
        } else {
            ::close(client);
            ::close(service);
        }
    }
}

void Proxy::carry(int client, int service) {
    Link link{client, service, {}, {}};
    for (int idle = 0; !stopping_; idle += tick_ms) {
        std::array<pollfd, 2> waiting{pollfd{client, POLLIN, 0}, pollfd{service, POLLIN, 0}};
        if (link.altered && idle > patience_after_alter_ms) break;
        if (::poll(waiting.data(), waiting.size(), tick_ms) <= 0) continue;
        idle = 0;
        if (waiting[0].revents != 0 && !pass_on(link, true)) break;
        if (waiting[1].revents != 0 && !pass_on(link, false)) break;
    }
    ::close(client);
    ::close(service);
}

// False: the connection is over.
bool Proxy::pass_on(Link& link, bool to_service) {
    Octets& have = to_service ? link.from_client : link.from_service;
    std::array<std::byte, 65536> octets;
    const auto got =
        ::recv(to_service ? link.client : link.service, octets.data(), octets.size(), 0);
    if (got <= 0) return false;
    have.insert(have.end(), octets.begin(), octets.begin() + got);
    while (have.size() >= header_size && have.size() >= length_of(have)) {
        const auto length = static_cast<std::ptrdiff_t>(length_of(have));
        const Octets fragment(have.begin(), have.begin() + length);
        have.erase(have.begin(), have.begin() + length);
        if (!forward(link, to_service, fragment)) return false;
    }
    return true;
}

bool Proxy::forward(Link& link, bool to_service, const Octets& fragment) {
    const int to = to_service ? link.service : link.client;
    bool strikes = false;
    Fault fault;
    {
        const std::lock_guard lock(mutex_);
        const int type = type_of(fragment);
        const bool is_it =
            to_service && watches_ &&
            (opnum_ == bind ? type == 11 : type == 0 && opnum_of(fragment) == opnum_);
        // A bind has one answer; what follows is another's.
        const bool is_answer =
            !to_service && awaits_reply_ && (opnum_ != bind || reply_sizes_.empty());
        if (is_it) request_sizes_.push_back(fragment.size());
        if (is_answer) reply_sizes_.push_back(fragment.size());
        const bool on_request = fault_.side == Fault::Side::request;
        const std::size_t come = (on_request ? request_sizes_ : reply_sizes_).size();
        strikes = armed_ && (on_request ? is_it : is_answer) && come == fault_.fragment + 1;
        if (is_it && (std::to_integer<int>(fragment[3]) & 1) != 0) ++times_sent_;
        if (is_it) awaits_reply_ = true;
        if (strikes) {
            armed_ = false;
            struck_ = true;
            fault = fault_;
        }
    }
    return strikes ? strike(link, to, fault, fragment) : send_all(to, fragment);
}

bool Proxy::strike(Link& link, int to, const Fault& fault, const Octets& fragment) {
    if (fault.kind == Fault::Kind::delay) {
        const auto until = std::chrono::steady_clock::now() + fault.time;
        while (!stopping_ && std::chrono::steady_clock::now() < until) {
            std::array<pollfd, 2> gone{pollfd{link.client, POLLRDHUP, 0},
                                       pollfd{link.service, POLLRDHUP, 0}};
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                until - std::chrono::steady_clock::now());
            const int wait = static_cast<int>(std::clamp<long long>(left.count(), 0, tick_ms));
            if (::poll(gone.data(), gone.size(), wait) > 0) return false;
        }
    }
    link.altered = fault.kind == Fault::Kind::alter;
    return send_all(to, ntdsb::transport::damaged(fault, fragment)) &&
           !ntdsb::transport::loses_the_connection(fault);
}

} // namespace faults
