// platform/append_file.h on POSIX systems.
#include "platform/append_file.h"

#include "platform/posix/system_error.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace ntdsb::platform {

Result<AppendFile> AppendFile::open(const Path& path) {
    const int handle =
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (handle < 0) return errno_error(errno, "open", path);
    return AppendFile(handle, true);
}

AppendFile AppendFile::standard_error() noexcept { return AppendFile(STDERR_FILENO, false); }

AppendFile::AppendFile(AppendFile&& other) noexcept
    : handle_(other.handle_), owned_(std::exchange(other.owned_, false)) {}
AppendFile::~AppendFile() {
    if (owned_) ::close(handle_);
}

bool AppendFile::append(std::string_view bytes) noexcept {
    return ::write(handle_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
}

} // namespace ntdsb::platform
