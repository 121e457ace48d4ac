// Ctrl-C during a long command: the first one asks it to stop where it can leave things in order,
// the second one ends the process at once.
#pragma once

#include "core/result.h"

#include <atomic>
#include <functional>
#include <thread>

namespace ntdsb::tools {

// While it lives, Ctrl-C (SIGINT, SIGTERM; Windows' console events) sets `interrupted`.
class InterruptGuard {
public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
};

const std::atomic<bool>& interrupted() noexcept;
// As Ctrl-C does; also for tests.
void interrupt() noexcept;

// ERROR_OPERATION_ABORTED.
Error interruption();

// Calls `action` once, in a thread of its own, when `interrupted` is set during its lifetime: for
// calls that only another thread can cancel.
class OnInterrupt {
public:
    explicit OnInterrupt(std::function<void()> action);
    ~OnInterrupt();
    OnInterrupt(const OnInterrupt&) = delete;
    OnInterrupt& operator=(const OnInterrupt&) = delete;

private:
    std::atomic<bool> over_ = false;
    std::thread watcher_;
};

} // namespace ntdsb::tools
