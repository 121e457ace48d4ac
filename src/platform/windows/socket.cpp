// platform/socket.h on Windows. Winsock is started when the first connection is made and never
// stopped: other threads of the host may use it (design point 10).
#include <winsock2.h>
#include <ws2tcpip.h>

#include <mstcpip.h>

#include "platform/socket.h"

#include "core/utf16.h"
#include "platform/windows/system_error.h"

#include <algorithm>
#include <array>
#include <climits>
#include <memory>
#include <utility>

namespace ntdsb::platform {
namespace {

using Monotonic = std::chrono::steady_clock;
using Addresses = std::unique_ptr<ADDRINFOW, decltype(&::FreeAddrInfoW)>;

constexpr std::size_t most_octets_at_once = std::size_t{1} << 30;

Error socket_error(int error, std::string_view attempt) {
    return system_error(static_cast<DWORD>(error), attempt);
}

// A socket is a handle, as a number.
HANDLE as_handle(SOCKET socket) {
    return reinterpret_cast<HANDLE>(socket); // NOLINT(performance-no-int-to-ptr)
}

Result<void> start_winsock() {
    static const int started = [] {
        WSADATA data;
        return ::WSAStartup(MAKEWORD(2, 2), &data);
    }();
    if (started != 0) return socket_error(started, "start the network");
    return ok();
}

Result<Addresses> look_up(const HostAndPort& to) {
    NTDSB_TRY(const auto host, utf8_to_utf16(to.host));
    NTDSB_TRY(const auto port, utf8_to_utf16(to.port));
    ADDRINFOW hints{};
    hints.ai_socktype = SOCK_STREAM;
    ADDRINFOW* found = nullptr;
    const int error = ::GetAddrInfoW(to_wide(host).c_str(), to_wide(port).c_str(), &hints, &found);
    if (error != 0) return socket_error(error, text("look up the host ", to.host));
    return Addresses(found, &::FreeAddrInfoW);
}

enum class WaitFor { connected, readable };

// 0, or the Winsock error.
int wait_before(SOCKET handle, WaitFor what, Monotonic::time_point deadline) noexcept {
    const auto left = std::max<long long>(
        0, std::chrono::ceil<std::chrono::microseconds>(deadline - Monotonic::now()).count());
    timeval patience{static_cast<long>(left / 1'000'000), static_cast<long>(left % 1'000'000)};
    fd_set ready;
    FD_ZERO(&ready);
    FD_SET(handle, &ready);
    fd_set failed = ready;
    fd_set* const connected = what == WaitFor::connected ? &ready : nullptr;
    fd_set* const readable = what == WaitFor::readable ? &ready : nullptr;
    const int count = ::select(0, readable, connected, &failed, &patience);
    if (count == 0) return WSAETIMEDOUT;
    return count < 0 ? ::WSAGetLastError() : 0;
}

// 0, or the Winsock error.
int connect_before(SOCKET handle, const ADDRINFOW& address, Monotonic::time_point deadline) {
    u_long nonblocking = 1;
    if (::ioctlsocket(handle, static_cast<long>(FIONBIO), &nonblocking) != 0)
        return ::WSAGetLastError();
    if (::connect(handle, address.ai_addr, static_cast<int>(address.ai_addrlen)) != 0) {
        if (const int error = ::WSAGetLastError(); error != WSAEWOULDBLOCK) return error;
        if (const int error = wait_before(handle, WaitFor::connected, deadline); error != 0)
            return error;
        int error = 0;
        int size = sizeof error;
        if (::getsockopt(handle, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &size) != 0)
            return ::WSAGetLastError();
        if (error != 0) return error;
    }
    nonblocking = 0;
    return ::ioctlsocket(handle, static_cast<long>(FIONBIO), &nonblocking) == 0
               ? 0
               : ::WSAGetLastError();
}

WSABUF buffer(std::span<std::byte> memory) {
    return {static_cast<ULONG>(std::min(memory.size(), most_octets_at_once)),
            reinterpret_cast<char*>(memory.data())};
}

} // namespace

bool is_numeric(const HostAndPort& to) {
    const auto host = utf8_to_utf16(to.host);
    if (!host || !start_winsock()) return false;
    ADDRINFOW hints{};
    hints.ai_flags = AI_NUMERICHOST;
    ADDRINFOW* found = nullptr;
    if (::GetAddrInfoW(to_wide(host.value()).c_str(), nullptr, &hints, &found) != 0) return false;
    ::FreeAddrInfoW(found);
    return true;
}

// A connection without these works too, so failures are no matter.
void keep_alive(NativeSocket socket) noexcept {
    tcp_keepalive keepalive{1, 30'000, 10'000};
    DWORD returned = 0;
    (void)::WSAIoctl(socket, SIO_KEEPALIVE_VALS, &keepalive, sizeof keepalive, nullptr, 0,
                     &returned, nullptr, nullptr);
    // TCP_KEEPCNT, which Windows 10 brought; before, ten probes are sent.
    constexpr int keepalive_count = 16;
    const DWORD probes = 3;
    (void)::setsockopt(socket, IPPROTO_TCP, keepalive_count, reinterpret_cast<const char*>(&probes),
                       sizeof probes);
}

void close_socket(NativeSocket socket) noexcept { ::closesocket(socket); }

bool is_readable_before(NativeSocket socket, Monotonic::time_point deadline) noexcept {
    return wait_before(socket, WaitFor::readable, deadline) == 0;
}

Result<Socket> Socket::connect(const HostAndPort& to, std::chrono::milliseconds patience) {
    NTDSB_CHECK(start_winsock());
    const auto deadline = Monotonic::now() + patience;
    NTDSB_TRY(const auto addresses, look_up(to));
    int left = 0;
    for (const ADDRINFOW* one = addresses.get(); one != nullptr; one = one->ai_next) ++left;
    int error = WSAETIMEDOUT;
    for (const ADDRINFOW* one = addresses.get(); one != nullptr; one = one->ai_next, --left) {
        const SOCKET handle = ::WSASocketW(one->ai_family, one->ai_socktype, one->ai_protocol,
                                           nullptr, 0, WSA_FLAG_OVERLAPPED);
        if (handle == INVALID_SOCKET) {
            error = ::WSAGetLastError();
            continue;
        }
        Socket socket(handle);
        (void)::SetHandleInformation(as_handle(handle), HANDLE_FLAG_INHERIT, 0);
        const auto now = Monotonic::now();
        error = connect_before(handle, *one, now + (deadline - now) / left);
        if (error != 0) continue;
        const BOOL yes = TRUE;
        (void)::setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&yes),
                           sizeof yes);
        keep_alive(handle);
        return socket;
    }
    return socket_error(error, text("connect to ", to.host, " port ", to.port));
}

Socket::Socket(Socket&& other) noexcept
    : handle_(std::exchange(other.handle_, INVALID_SOCKET)), deadline_(other.deadline_) {}

Socket::~Socket() {
    if (handle_ != INVALID_SOCKET) close_socket(handle_);
}

// NOLINTNEXTLINE(readability-make-member-function-const): what is connected changes
Result<void> Socket::write(std::span<const std::byte> octets) {
    while (!octets.empty()) {
        const auto part = static_cast<int>(std::min(octets.size(), most_octets_at_once));
        const int sent = ::send(handle_, reinterpret_cast<const char*>(octets.data()), part, 0);
        if (sent < 0) return socket_error(::WSAGetLastError(), "send to the other side");
        octets = octets.subspan(static_cast<std::size_t>(sent));
    }
    return ok();
}

// A socket that is writable takes a few octets without waiting.
Result<void> Socket::write_at_once(std::span<const std::byte> octets) {
    const int error = wait_before(handle_, WaitFor::connected, Monotonic::now());
    if (error != 0) return socket_error(error, "send to the other side at once");
    return write(octets);
}

Result<std::size_t> Socket::read_some(std::span<std::byte> first, std::span<std::byte> second) {
    if (deadline_) {
        if (const int error = wait_before(handle_, WaitFor::readable, *deadline_); error != 0)
            return socket_error(error, "receive from the other side");
    }
    std::array<WSABUF, 2> parts{buffer(first), buffer(second)};
    const DWORD count = second.empty() || first.size() > most_octets_at_once ? 1 : 2;
    DWORD got = 0;
    DWORD flags = 0;
    if (::WSARecv(handle_, parts.data(), count, &got, &flags, nullptr, nullptr) != 0)
        return socket_error(::WSAGetLastError(), "receive from the other side");
    if (got == 0) return fail(ERROR_BROKEN_PIPE, "the other side hung up");
    return std::size_t{got};
}

// What waits already is woken by the second call, what would wait next fails because of the first.
// NOLINTNEXTLINE(readability-make-member-function-const): what is connected changes
void Socket::wake() noexcept {
    (void)::shutdown(handle_, SD_BOTH);
    (void)::CancelIoEx(as_handle(handle_), nullptr);
}

} // namespace ntdsb::platform
