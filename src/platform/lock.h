// Lock files: the interlock's primitive between processes, between handles of one process, and with
// engines that inherit a lock. POSIX: open-file-description locks; Windows: a file opened with
// share mode 0. A dead process frees its locks. Knows nothing of what a lock means.
#pragma once

#include "platform/file.h"

namespace ntdsb::platform {

// A held lock; released by the destructor.
class Lock {
public:
    Lock(Lock&& other) noexcept;
    Lock& operator=(Lock&& other) noexcept;
    ~Lock();

    // The open lock file, to be handed on to a child process: from now on the lock is held until
    // the last holder of the handle ends. One that was not handed on is free when this object goes,
    // also where a forked child has copies of all descriptors.
    NativeHandle hand_on() noexcept {
        handed_on_ = true;
        return handle_;
    }

private:
    friend Result<std::optional<Lock>> try_lock(const Path&, std::string_view);
    explicit Lock(NativeHandle handle) noexcept;
    void release() noexcept;
    NativeHandle handle_;
    bool handed_on_ = false;
    std::uint32_t process_; // that took it
};

// Takes the lock if it is free (std::nullopt if it is held) and writes `holder` (one line of UTF-8
// for people, cut at a line end) where read_lock_holder finds it: in the lock file itself; on
// Windows, where nobody else can read that, in `<path>.holder`. Creates the files, owner only;
// refuses a symbolic link. Never waits. Call it qualified, platform::try_lock: std::try_lock would
// be found by its arguments.
Result<std::optional<Lock>> try_lock(const Path& path, std::string_view holder);

// Waits up to `timeout_ms` (polling with growing pauses); ERROR_LOCK_VIOLATION, naming the holder,
// when it is still held then.
Result<Lock> wait_lock(const Path& path, std::string_view holder, std::uint32_t timeout_ms);

// What the present or last holder wrote; empty if nothing is known. Advice for people and for
// decisions taken under another lock.
std::string read_lock_holder(const Path& path);

} // namespace ntdsb::platform
