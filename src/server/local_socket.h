// Listening on a Unix-domain socket, `unix:/PATH` in [service] listen, and who connects to it
// (contract UNIX-1..UNIX-4). Off Windows; there nothing is such an address.
#pragma once

#include "core/result.h"
#include "server/asio.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace ntdsb::server {

bool is_local_socket(const StreamEndpoint& endpoint);

// The socket's file while it is listened on: removed by the destructor, if it is still the same.
class LocalSocketFile {
public:
    LocalSocketFile() = default;
    LocalSocketFile(LocalSocketFile&& other) noexcept;
    LocalSocketFile& operator=(LocalSocketFile&&) = delete;
    ~LocalSocketFile();

private:
    friend Result<LocalSocketFile> listen_locally(StreamAcceptor&, const std::filesystem::path&,
                                                  int);
    std::filesystem::path path_; // empty: nothing to remove
    std::uint64_t device_ = 0;
    std::uint64_t number_ = 0;
};

// Makes `acceptor` listen at `path`, mode 0660 but for what the umask takes away. A socket that a
// dead service left is replaced; one that somebody listens on, any other file, and a folder where
// others may exchange the socket are errors.
Result<LocalSocketFile> listen_locally(StreamAcceptor& acceptor, const std::filesystem::path& path,
                                       int backlog);

struct LocalUser {
    std::uint32_t id = 0;
    bool is_owner = false; // root, or who this process runs as
};
// Who connected, as the system says; nothing where it does not tell.
std::optional<LocalUser> local_user(StreamSocket::native_handle_type socket);

} // namespace ntdsb::server
