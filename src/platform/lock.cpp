// What is the same on every platform: who owns a lock, and waiting for one by polling.
#include "platform/lock.h"

#include "core/path.h"
#include "platform/process.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace ntdsb::platform {

namespace {

#ifdef _WIN32
constexpr NativeHandle no_handle = nullptr;
#else
constexpr NativeHandle no_handle = -1;
#endif

} // namespace

Lock::Lock(NativeHandle handle) noexcept : handle_(handle), process_(process_id()) {}
Lock::Lock(Lock&& other) noexcept
    : handle_(std::exchange(other.handle_, no_handle)), handed_on_(other.handed_on_),
      process_(other.process_) {}
Lock& Lock::operator=(Lock&& other) noexcept {
    if (this != &other) {
        release();
        handle_ = std::exchange(other.handle_, no_handle);
        handed_on_ = other.handed_on_;
        process_ = other.process_;
    }
    return *this;
}
Lock::~Lock() { release(); }

Result<Lock> wait_lock(const Path& path, std::string_view holder, std::uint32_t timeout_ms) {
    using namespace std::chrono;
    constexpr milliseconds longest_pause{100};
    const auto deadline = steady_clock::now() + milliseconds(timeout_ms);
    milliseconds pause{1};
    for (;;) {
        NTDSB_TRY(auto lock, platform::try_lock(path, holder));
        if (lock) return std::move(*lock);
        const auto left = duration_cast<milliseconds>(deadline - steady_clock::now());
        if (left <= milliseconds::zero()) break;
        std::this_thread::sleep_for(std::min(pause, left));
        pause = std::min(pause * 2, longest_pause);
    }
    const std::string other = read_lock_holder(path);
    return fail(ERROR_LOCK_VIOLATION, "the lock ", wire_path(path), " was still held after ",
                timeout_ms, " ms by ", other.empty() ? "an unknown holder" : other,
                "; wait until it ends, or end it");
}

} // namespace ntdsb::platform
