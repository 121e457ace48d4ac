// Unix-domain sockets (local_socket.h).
#include "server/local_socket.h"

#include "core/path.h"
#include "platform/process.h"

#include <cerrno>
#include <utility>

#ifndef _WIN32
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace ntdsb::server {

#ifdef _WIN32

bool is_local_socket(const StreamEndpoint&) { return false; }
LocalSocketFile::LocalSocketFile(LocalSocketFile&&) noexcept {}
LocalSocketFile::~LocalSocketFile() = default;
Result<LocalSocketFile> listen_locally(StreamAcceptor&, const std::filesystem::path& path, int) {
    return fail(hrError, "[service] listen: cannot listen on unix:", wire_path(path),
                ": there are no such sockets here");
}
std::optional<LocalUser> local_user(StreamSocket::native_handle_type) { return std::nullopt; }

#else

namespace {

using Local = asio::local::stream_protocol;

Error listen_error(const std::filesystem::path& path, std::string_view why, std::string_view mend) {
    return fail(hrError, "[service] listen: cannot listen on unix:", wire_path(path), ": ", why,
                "; ", mend);
}

// Whether nobody listens at the socket there any more. Without waiting: somebody whose queue is full
// is there, too.
bool is_left_over(const std::filesystem::path& path) {
    const Local::endpoint endpoint(path.string());
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool refused =
        probe >= 0 &&
        ::connect(probe, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 &&
        errno == ECONNREFUSED;
    if (probe >= 0) ::close(probe);
    return refused;
}

// Makes room: only a socket that nobody listens on any more goes away.
Result<void> clear(const std::filesystem::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return ok(); // what else is wrong, bind will say
    if (!S_ISSOCK(status.st_mode))
        return listen_error(path, "there is something else than a socket",
                            "remove it or choose another path");
    if (!is_left_over(path))
        return listen_error(path, "another program listens there or may not be asked",
                            "stop it or choose another path");
    (void)::unlink(path.c_str());
    return ok();
}

} // namespace

bool is_local_socket(const StreamEndpoint& endpoint) {
    return endpoint.protocol().family() == AF_UNIX;
}

LocalSocketFile::LocalSocketFile(LocalSocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), number_(other.number_) {}

LocalSocketFile::~LocalSocketFile() {
    struct stat status {};
    if (!path_.empty() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
        status.st_ino == number_)
        (void)::unlink(path_.c_str());
}

Result<LocalSocketFile> listen_locally(StreamAcceptor& acceptor, const std::filesystem::path& path,
                                       int backlog) {
    if (const auto trusted = platform::check_trusted(path.parent_path()); !trusted)
        return listen_error(path, trusted.error().what, "choose a folder of the service's own");
    NTDSB_CHECK(clear(path));
    ErrorCode error;
    const Local::endpoint endpoint(path.string());
    acceptor.open(endpoint.protocol(), error);
    // Before the file is there, so that it is never open to more.
    if (!error && ::fchmod(acceptor.native_handle(), S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0)
        error.assign(errno, boost::system::system_category());
    if (!error) acceptor.bind(endpoint, error);
    LocalSocketFile file;
    struct stat status {};
    if (!error && ::lstat(path.c_str(), &status) == 0) {
        file.path_ = path;
        file.device_ = status.st_dev;
        file.number_ = status.st_ino;
    }
    if (!error) acceptor.listen(backlog, error);
    if (error) return listen_error(path, error.message(), "see that its folder is there");
    return file;
}

std::optional<LocalUser> local_user(StreamSocket::native_handle_type socket) {
#ifdef SO_PEERCRED
    // A process of 0 is one that cannot be seen from here, in another container say: its user id is
    // no user's here.
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid != 0)
        return LocalUser{peer.uid, peer.uid == 0 || peer.uid == ::geteuid()};
#else
    static_cast<void>(socket);
#endif
    return std::nullopt;
}

#endif

} // namespace ntdsb::server
