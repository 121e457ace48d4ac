// platform/append_file.h on POSIX systems.
#include "platform/append_file.h"

#include "platform/disk_hook.h"
#include "platform/posix/system_error.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace ntdsb::platform {

namespace {

// While it lives, a write to a pipe without a reader is an error for this thread and no signal,
// which would end the host (ABI-10).
class NoPipeSignal {
public:
    NoPipeSignal() noexcept {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        was_pending_ = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoPipeSignal() {
        const timespec at_once{};
        // One that was there before is not ours to take away.
        while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &at_once) == -1 && errno == EINTR) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoPipeSignal(const NoPipeSignal&) = delete;
    NoPipeSignal& operator=(const NoPipeSignal&) = delete;

private:
    sigset_t pipe_;
    sigset_t before_;
    bool was_pending_;
};

} // namespace

Result<AppendFile> AppendFile::open(const Path& path) {
    // Nonblocking, so that a FIFO in the file's place fails or loses lines where it would hang the
    // host for want of a reader.
    constexpr int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int handle = uninterrupted([&] { return ::open(path.c_str(), flags); });
    if (handle < 0 && errno == ENOENT) {
        NTDSB_CHECK(about_to(DiskOperation::create, path));
        handle = uninterrupted([&] { return ::open(path.c_str(), flags | O_CREAT, 0600); });
    }
    if (handle < 0) return errno_error(errno, "open", path);
    return AppendFile(handle, path);
}

AppendFile AppendFile::standard_error() noexcept { return AppendFile(STDERR_FILENO, {}); }

AppendFile::AppendFile(AppendFile&& other) noexcept
    : handle_(other.handle_), path_(std::move(other.path_)),
      owned_(std::exchange(other.owned_, false)) {}
AppendFile::~AppendFile() {
    if (owned_) ::close(handle_);
}

// NOLINTBEGIN(readability-make-member-function-const): they change the file
bool AppendFile::append(std::string_view bytes) noexcept {
    if (owned_ && is_refused(DiskOperation::write, path_)) return false;
    const NoPipeSignal no_signal;
    const auto put = uninterrupted([&] { return ::write(handle_, bytes.data(), bytes.size()); });
    return put == static_cast<ssize_t>(bytes.size());
}

bool AppendFile::flush() noexcept {
    return !is_refused(DiskOperation::flush, path_) &&
           uninterrupted([&] { return ::fdatasync(handle_); }) == 0;
}
// NOLINTEND(readability-make-member-function-const)

} // namespace ntdsb::platform
