// platform/socket.h on POSIX systems.
#include "platform/socket.h"

#include "platform/posix/system_error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace ntdsb::platform {
namespace {

using Monotonic = std::chrono::steady_clock;
using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

constexpr std::size_t most_octets_at_once = std::size_t{1} << 30;

Result<Addresses> look_up(const HostAndPort& to) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found);
    if (error == EAI_SYSTEM) return errno_error(errno, text("look up the host ", to.host));
    if (error != 0)
        return fail(ERROR_PATH_NOT_FOUND, "could not look up the host ", to.host, ": ",
                    std::string_view(::gai_strerror(error)));
    return Addresses(found, &::freeaddrinfo);
}

// Milliseconds for poll, rounded up so that it does not return just before the time.
int until(Monotonic::time_point when) noexcept {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Monotonic::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, INT_MAX));
}

// 0, or the errno.
int wait_before(int handle, short events, Monotonic::time_point deadline) noexcept {
    for (;;) {
        pollfd wait{handle, events, 0};
        const int ready = ::poll(&wait, 1, until(deadline));
        if (ready == 0) return ETIMEDOUT;
        if (ready > 0) return 0;
        if (errno != EINTR) return errno;
    }
}

int connect_before(int handle, const addrinfo& address, Monotonic::time_point deadline) {
    if (::connect(handle, address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS && errno != EINTR) return errno;
    if (const int waited = wait_before(handle, POLLOUT, deadline); waited != 0) return waited;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

// A connection without these works too, so failures are no matter.
void set(int handle, int level, int name, int value) noexcept {
    (void)::setsockopt(handle, level, name, &value, sizeof value);
}

// The user timeout is what keepalive is while octets are on their way.
void tune(int handle) noexcept {
    set(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    keep_alive(handle);
#ifdef TCP_USER_TIMEOUT
    set(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
#endif
}

} // namespace

bool is_numeric(const HostAndPort& to) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (::getaddrinfo(to.host.c_str(), nullptr, &hints, &found) != 0) return false;
    ::freeaddrinfo(found);
    return true;
}

void keep_alive(NativeSocket socket) noexcept {
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
#endif
}

void close_socket(NativeSocket socket) noexcept { ::close(socket); }

bool is_readable_before(NativeSocket socket, Monotonic::time_point deadline) noexcept {
    return wait_before(socket, POLLIN, deadline) == 0;
}

Result<Socket> Socket::connect(const HostAndPort& to, std::chrono::milliseconds patience) {
    const auto deadline = Monotonic::now() + patience;
    NTDSB_TRY(const auto addresses, look_up(to));
    int left = 0;
    for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) ++left;
    int error = ETIMEDOUT;
    for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next, --left) {
        const int handle = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                    one->ai_protocol);
        if (handle == no_file) {
            error = errno;
            continue;
        }
        Socket socket(handle);
        const auto now = Monotonic::now();
        error = connect_before(handle, *one, now + (deadline - now) / left);
        if (error != 0) continue;
        if (::fcntl(handle, F_SETFL, 0) != 0) return errno_error(errno, "set up the connection");
        tune(handle);
        return socket;
    }
    return errno_error(error, text("connect to ", to.host, " port ", to.port));
}

Socket::Socket(Socket&& other) noexcept
    : handle_(std::exchange(other.handle_, no_file)), deadline_(other.deadline_) {}

Socket::~Socket() {
    if (handle_ != no_file) close_socket(handle_);
}

// NOLINTNEXTLINE(readability-make-member-function-const): what is connected changes
Result<void> Socket::write(std::span<const std::byte> octets) {
    while (!octets.empty()) {
        const auto part = std::min(octets.size(), most_octets_at_once);
        const auto sent = ::send(handle_, octets.data(), part, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return errno_error(errno, "send to the other side");
        octets = octets.subspan(static_cast<std::size_t>(sent));
    }
    return ok();
}

Result<void> Socket::write_at_once(std::span<const std::byte> octets) {
    const auto sent = ::send(handle_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == static_cast<ssize_t>(octets.size())) return ok();
    if (sent >= 0) wake();
    return errno_error(sent < 0 && errno != EAGAIN ? errno : ETIMEDOUT,
                       "send to the other side at once");
}

Result<std::size_t> Socket::read_some(std::span<std::byte> first, std::span<std::byte> second) {
    if (deadline_) {
        if (const int error = wait_before(handle_, POLLIN, *deadline_); error != 0)
            return errno_error(error, "receive from the other side");
    }
    std::array<iovec, 2> parts{iovec{first.data(), std::min(first.size(), most_octets_at_once)},
                               iovec{second.data(), second.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = second.empty() || first.size() > most_octets_at_once ? 1 : 2;
    for (;;) {
        const auto got = ::recvmsg(handle_, &message, 0);
        if (got > 0) return static_cast<std::size_t>(got);
        if (got == 0) return fail(ERROR_BROKEN_PIPE, "the other side hung up");
        if (errno != EINTR) return errno_error(errno, "receive from the other side");
    }
}

// NOLINTNEXTLINE(readability-make-member-function-const): what is connected changes
void Socket::wake() noexcept { (void)::shutdown(handle_, SHUT_RDWR); }

} // namespace ntdsb::platform
