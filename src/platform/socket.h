// One connected TCP socket for a client that waits: whole reads and writes, a time limit for
// connecting, keepalive while connected (design points 7 and 14). Twins in windows/ and posix/.
// Knows no protocol.
#pragma once

#include "core/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ntdsb::platform {

// "HOST:PORT" or "[IPV6]:PORT", taken apart; the brackets are gone.
struct HostAndPort {
    std::string host;
    std::string port;
};
Result<HostAndPort> split_address(std::string_view address);
// Whether the host is an IP address, which nobody looks up.
bool is_numeric(const HostAndPort& to);

#ifdef _WIN32
using NativeSocket = std::uintptr_t; // SOCKET
#else
using NativeSocket = int;
#endif

// Design point 7: a peer that is silent for 30 s is asked, and given up after 3 questions 10 s
// apart. Where the system knows no such thing nothing happens.
void keep_alive(NativeSocket socket) noexcept;

void close_socket(NativeSocket socket) noexcept;
// Whether the socket has octets, or an end or an error, to receive before this time.
bool is_readable_before(NativeSocket socket,
                        std::chrono::steady_clock::time_point deadline) noexcept;

class Socket {
public:
    // Tries each address of the host in turn; together they get `patience`, the look-up of the name
    // has the system's own time. The errors say what was tried last.
    static Result<Socket> connect(const HostAndPort& to, std::chrono::milliseconds patience);

    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&&) = delete;
    ~Socket();

    // All of `octets`.
    Result<void> write(std::span<const std::byte> octets);
    // The same without waiting: an error where the system has no room for them, and none was sent.
    // Where it took only some the connection ends.
    Result<void> write_at_once(std::span<const std::byte> octets);
    // At least one octet, first into `first`, then into `second`; returns how many. That the peer
    // hung up is an error.
    Result<std::size_t> read_some(std::span<std::byte> first, std::span<std::byte> second);
    // Reading fails once this time has come; without one it waits as long as the connection lives.
    void set_read_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) {
        deadline_ = deadline;
    }
    // From any thread: whoever reads or writes now or later gets an error at once.
    void wake() noexcept;

private:
    explicit Socket(NativeSocket handle) noexcept : handle_(handle) {}
    NativeSocket handle_;
    std::optional<std::chrono::steady_clock::time_point> deadline_;
};

} // namespace ntdsb::platform
