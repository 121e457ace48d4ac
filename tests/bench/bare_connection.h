// A TCP connection by the system's own calls alone, to the bare peer that bench_host serves: what
// is asked for is so many octets, of the peer's memory or of a file, and so many come. The peer of
// the figures over rpc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

namespace ntdsb::bench {

// Where the octets come from: the same memory again and again, or a file, from its beginning to its
// end and over again, read and sent in pieces of 64 KiB or handed on by sendfile(2).
enum class BareSource : std::uint32_t { memory, file_read, file_handed_on };

// What a request begins with; the rest of it is any octets.
struct BareRequest {
    std::uint32_t request_size; // this included
    BareSource source;
    std::uint64_t reply_size;
};

#ifdef _WIN32
using BareSocket = SOCKET;
inline void close_bare(BareSocket socket) { closesocket(socket); }
inline BareSocket make_bare_socket() {
    static const int started = [] {
        WSADATA data;
        return WSAStartup(MAKEWORD(2, 2), &data);
    }();
    return started == 0 ? socket(AF_INET, SOCK_STREAM, 0) : INVALID_SOCKET;
}
#else
using BareSocket = int;
inline void close_bare(BareSocket socket) { ::close(socket); }
inline BareSocket make_bare_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
#endif

inline void no_delay(BareSocket socket) {
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&on), sizeof on);
}

class BareConnection {
public:
    explicit BareConnection(std::uint16_t port) : socket_(make_bare_socket()) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(port);
        must(connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
        no_delay(socket_);
    }
    ~BareConnection() { close_bare(socket_); }
    BareConnection(const BareConnection&) = delete;
    BareConnection& operator=(const BareConnection&) = delete;

    // `request_size` octets go, `reply_size` come, a buffer at a time.
    void exchange(std::uint32_t request_size, std::uint64_t reply_size,
                  std::vector<std::byte>& buffer, BareSource source = BareSource::memory) {
        request_.resize(request_size);
        const BareRequest head{request_size, source, reply_size};
        std::memcpy(request_.data(), &head, sizeof head);
        must(send(socket_, reinterpret_cast<const char*>(request_.data()),
                  static_cast<Length>(request_size), 0) == static_cast<int>(request_size));
        while (reply_size > 0) {
            const auto part = std::min<std::uint64_t>(reply_size, buffer.size());
            const auto got =
                recv(socket_, reinterpret_cast<char*>(buffer.data()), static_cast<Length>(part), 0);
            must(got > 0);
            reply_size -= static_cast<std::uint64_t>(got);
        }
    }

private:
#ifdef _WIN32
    using Length = int;
#else
    using Length = std::size_t;
#endif
    static void must(bool holds) {
        if (!holds) throw std::runtime_error("the bare connection failed");
    }
    BareSocket socket_;
    std::vector<std::byte> request_;
};

} // namespace ntdsb::bench
