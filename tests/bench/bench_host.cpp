// The other side of the figures over rpc, a native process: a directory with a database of 256 MiB,
// an ntdsbsrv that serves it, and the bare peer (bare_connection.h) beside it.
//
//     bench_host NTDSBSRV
//
// The service takes anonymous callers, and bench_user.h's user where the environment is a realm's
// (tests/support/realm.py).
// Prints a line `SERVICE_PORT SERVICE_PID PEER_PORT` and stays until its standard input ends.
#include "backup_stream.h"
#include "bare_connection.h"
#include "bench_user.h"

#include "support/big_database.h"

#include <fcntl.h>
#include <sys/sendfile.h>

#include <array>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

namespace ntdsb::bench {
namespace {

bool receive(int socket, std::byte* to, std::size_t size) {
    return ::recv(socket, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

// What the bare peer sends.
class BareOctets {
public:
    explicit BareOctets(const std::filesystem::path& file)
        : memory_(mib, std::byte{0x5a}), file_size_(std::filesystem::file_size(file)),
          file_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (file_ < 0) throw std::runtime_error("the bare peer cannot read its file");
    }

    // At most `left`, of the file from `at` on, which moves; how many, not more than 0: failed.
    ssize_t send_some(int socket, BareSource source, std::uint64_t left, off_t& at) const {
        if (source == BareSource::memory)
            return ::send(socket, memory_.data(), std::min<std::uint64_t>(left, mib), MSG_NOSIGNAL);
        if (at == static_cast<off_t>(file_size_)) at = 0;
        left = std::min(left, file_size_ - static_cast<std::uint64_t>(at));
        if (source == BareSource::file_handed_on) return ::sendfile(socket, file_, &at, left);
        std::array<std::byte, mib / 16> piece;
        const ssize_t got = ::pread(file_, piece.data(), std::min<std::size_t>(left, mib / 16), at);
        if (got <= 0) return got;
        at += got;
        const auto sent = ::send(socket, piece.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
        return sent == got ? sent : -1; // the socket waits
    }

private:
    std::vector<std::byte> memory_;
    std::uint64_t file_size_;
    int file_;
};

void serve(int socket, const BareOctets& octets) {
    no_delay(socket);
    std::vector<std::byte> rest;
    BareRequest request{};
    off_t at = 0;
    while (receive(socket, reinterpret_cast<std::byte*>(&request), sizeof request)) {
        rest.resize(request.request_size - sizeof request);
        if (!receive(socket, rest.data(), rest.size())) break;
        ssize_t sent = 1;
        for (std::uint64_t left = request.reply_size; left > 0 && sent > 0;
             left -= static_cast<std::uint64_t>(sent))
            sent = octets.send_some(socket, request.source, left, at);
        if (sent <= 0) break; // what is asked for does not come: the asker must not wait
    }
    ::close(socket);
}

std::uint16_t start_bare_peer(const std::filesystem::path& file) {
    static const BareOctets octets(file);
    const int listening = make_bare_socket();
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listening, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        ::listen(listening, 1024) != 0 ||
        ::getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size) != 0)
        throw std::runtime_error("the bare peer cannot listen");
    std::thread([listening] {
        for (;;) {
            const int socket = ::accept(listening, nullptr, nullptr);
            if (socket >= 0) std::thread([socket] { serve(socket, octets); }).detach();
        }
    }).detach();
    return ntohs(at.sin_port);
}

std::filesystem::path write_config(const contract::MadeDirectory& directory) {
    const auto file = directory.root() / "ntdsbsrv.toml";
    const std::string user = std::string("['") + bench_domain + "\\" + bench_user + "', '" +
                             bench_user + "@" + bench_realm + "']\n";
    std::stringstream text;
    text << std::ifstream(directory.config_file()).rdbuf()
         << "\n[service]\nlisten = ['127.0.0.1:0']\nallow_anonymous = true\n"
         << "allow_backup = " << user << "allow_restore = " << user;
    std::ofstream(file) << text.str();
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    return file;
}

} // namespace
} // namespace ntdsb::bench

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    using namespace ntdsb::bench;
    (void)std::signal(SIGPIPE, SIG_IGN); // sendfile(2) to an asker who has gone
    const contract::MadeDirectory directory(contract::Shape::clean_without_logs, "verify = 'off'");
    ntdsb::test::write_big_database(directory.database_file(), 256 * mib);
    ntdsb::test::ServerProcess service(argv[1], write_config(directory));
    const std::string address = service.address();
    std::cout << address.substr(address.rfind(':') + 1) << ' ' << service.id() << ' '
              << start_bare_peer(directory.database_file()) << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
    }
    return 0;
}
