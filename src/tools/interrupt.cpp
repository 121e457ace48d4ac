// See interrupt.h.
#include "tools/interrupt.h"

#include <chrono>

#ifdef _WIN32
#include <windows.h>
#else
#include <csignal>
#endif

namespace ntdsb::tools {

namespace {

std::atomic<bool> flag = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

constexpr std::chrono::milliseconds look_again{20};

#ifdef _WIN32
// False hands the event on to the default, which ends the process.
BOOL WINAPI on_event(DWORD) { return flag.exchange(true) ? FALSE : TRUE; }
#else
void on_signal(int) { flag = true; }

void handle_once(int signal) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &action, nullptr);
}
#endif

} // namespace

#ifdef _WIN32
InterruptGuard::InterruptGuard() {
    flag = false;
    SetConsoleCtrlHandler(on_event, TRUE);
}
InterruptGuard::~InterruptGuard() { SetConsoleCtrlHandler(on_event, FALSE); }
#else
InterruptGuard::InterruptGuard() {
    flag = false;
    handle_once(SIGINT);
    handle_once(SIGTERM);
}
InterruptGuard::~InterruptGuard() {
    static_cast<void>(std::signal(SIGINT, SIG_DFL));
    static_cast<void>(std::signal(SIGTERM, SIG_DFL));
}
#endif

const std::atomic<bool>& interrupted() noexcept { return flag; }
void interrupt() noexcept { flag = true; }

Error interruption() { return fail(ERROR_OPERATION_ABORTED, "interrupted"); }

OnInterrupt::OnInterrupt(std::function<void()> action)
    : watcher_([this, action = std::move(action)] {
          while (!over_) {
              if (flag) {
                  action();
                  return;
              }
              std::this_thread::sleep_for(look_again);
          }
      }) {}

OnInterrupt::~OnInterrupt() {
    over_ = true;
    watcher_.join();
}

} // namespace ntdsb::tools
