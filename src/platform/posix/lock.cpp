// Locks on POSIX systems: open-file-description locks, which exclude two handles of one process,
// are inherited with the descriptor and end with its last holder. The holder's line is the lock
// file's content.
#include "platform/lock.h"

#include "platform/disk_hook.h"
#include "platform/posix/system_error.h"
#include "platform/process.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ntdsb::platform {
namespace {

constexpr std::size_t longest_holder = 1024;

// Close-on-exec; run_child hands the descriptor on deliberately.
constexpr int open_flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

Result<int> open_lock_file(const Path& path) {
    NTDSB_CHECK(about_to(ReadOperation::open, path));
    int handle = uninterrupted([&] { return ::open(path.c_str(), open_flags); });
    if (handle == no_file && errno == ENOENT) {
        NTDSB_CHECK(about_to(DiskOperation::create, path));
        handle = uninterrupted([&] { return ::open(path.c_str(), open_flags | O_CREAT, 0600); });
    }
    if (handle == no_file && errno == ELOOP) {
        return fail(ERROR_CANT_RESOLVE_FILENAME, "the lock file ", wire_path(path),
                    " is a symbolic link; remove it");
    }
    if (handle == no_file) return errno_error(errno, "open the lock file", path);
    return handle;
}

// False: somebody else has it.
Result<bool> take(int handle, const Path& path) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(handle, F_OFD_SETLK, &whole) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    return errno_error(errno, "lock", path);
}

// Whether the file that we locked is still the one that others will find.
bool is_still_at(int handle, const Path& path) {
    struct stat ours {};
    struct stat there {};
    return ::fstat(handle, &ours) == 0 && ::lstat(path.c_str(), &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

// The new line is written over the old one before the rest is cut off, so that a reader, who stops
// at the line's end, sees one of them.
Result<void> write_holder(int handle, const Path& path, std::string_view holder) {
    std::string line(holder.substr(0, std::min(holder.find_first_of("\r\n"), longest_holder)));
    line += '\n';
    NTDSB_CHECK(about_to(DiskOperation::write, path));
    const auto put = uninterrupted([&] { return ::pwrite(handle, line.data(), line.size(), 0); });
    if (put < 0) return errno_error(errno, "write the holder's name to", path);
    if (static_cast<std::size_t>(put) != line.size())
        return errno_error(ENOSPC, "write the holder's name to", path);
    NTDSB_CHECK(about_to(DiskOperation::truncate, path));
    const auto size = static_cast<off_t>(line.size());
    if (uninterrupted([&] { return ::ftruncate(handle, size); }) != 0)
        return errno_error(errno, "write the holder's name to", path);
    return ok();
}

} // namespace

// Closing alone leaves the lock with a child that the host has forked meanwhile and that knows
// nothing of it. Such a child itself only closes: the lock is the parent's.
void Lock::release() noexcept {
    if (handle_ == no_file) return;
    if (!handed_on_ && process_ == process_id()) {
        struct flock whole {};
        whole.l_type = F_UNLCK;
        whole.l_whence = SEEK_SET;
        ::fcntl(handle_, F_OFD_SETLK, &whole);
    }
    ::close(std::exchange(handle_, no_file));
}

Result<std::optional<Lock>> try_lock(const Path& path, std::string_view holder) {
    constexpr int most_attempts = 16; // each lost to somebody who removed the file meanwhile
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        NTDSB_TRY(const int handle, open_lock_file(path));
        Lock lock(handle);
        NTDSB_TRY(const bool taken, take(handle, path));
        if (!taken) return std::optional<Lock>();
        if (!is_still_at(handle, path)) continue;
        NTDSB_CHECK(write_holder(handle, path, holder));
        return std::optional<Lock>(std::move(lock));
    }
    return fail(ERROR_LOCK_VIOLATION, "the lock file ", wire_path(path),
                " is removed again and again by another program");
}

std::string read_lock_holder(const Path& path) {
    constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    const int handle = uninterrupted([&] { return ::open(path.c_str(), flags); });
    if (handle == no_file) return {};
    char line[longest_holder + 1];
    const auto got = uninterrupted([&] { return ::pread(handle, line, sizeof line, 0); });
    ::close(handle);
    const std::string_view content(line, got > 0 ? static_cast<std::size_t>(got) : 0);
    return std::string(content.substr(0, content.find('\n')));
}

} // namespace ntdsb::platform
