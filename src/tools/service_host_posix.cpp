// Signals, and systemd's protocols, which are an environment variable each (service_host.h).
#include "tools/service_host.h"

#include "platform/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// The environment is read and changed by the main thread, before and after there are others.
// NOLINTBEGIN(concurrency-mt-unsafe)
namespace ntdsb::tools {

namespace {

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

// A number in an environment variable; -1 where there is none.
int environment_number(const char* name) {
    const char* const value = std::getenv(name);
    int number = -1;
    if (value == nullptr) return -1;
    const char* const end = value + std::strlen(value);
    const auto parsed = std::from_chars(value, end, number);
    return parsed.ec == std::errc() && parsed.ptr == end ? number : -1;
}

// The same wish within a second is the same wish: many programs send it twice (to a process and to
// its group). After that a signal ends the process, also where its parent had it ignored.
void end_when_asked_again(std::chrono::steady_clock::time_point begin) {
    using Clock = std::chrono::steady_clock;
    const sigset_t set = stop_signals();
    for (auto now = Clock::now(); now < begin; now = Clock::now()) {
        const timespec left{0, std::chrono::nanoseconds(begin - now).count() % 1'000'000'000};
        (void)::sigtimedwait(&set, nullptr, &left);
    }
    (void)::signal(SIGTERM, SIG_DFL);
    (void)::signal(SIGINT, SIG_DFL);
    (void)::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    for (;;) ::pause();
}

} // namespace

// Threads inherit the mask, so that none is interrupted.
void watch_for_stop() {
    const sigset_t set = stop_signals();
    (void)::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    (void)::signal(SIGPIPE, SIG_IGN);
}

void wait_for_stop() {
    const sigset_t set = stop_signals();
    int signal = 0;
    while (::sigwait(&set, &signal) != 0) {
    }
    try {
        const auto begin = std::chrono::steady_clock::now() + std::chrono::seconds(1);
        std::thread(end_when_asked_again, begin).detach();
    } catch (const std::system_error&) { // no thread: then the stop takes its time
    }
}

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<std::vector<platform::NativeSocket>> inherited_sockets() {
    constexpr int first = 3; // SD_LISTEN_FDS_START
    constexpr int most = 64;
    std::vector<platform::NativeSocket> sockets;
    if (environment_number("LISTEN_PID") != static_cast<int>(::getpid())) return sockets;
    const int count = environment_number("LISTEN_FDS");
    if (count > most)
        return fail(hrError, "LISTEN_FDS is ", count, "; at most ", most, " are taken");
    for (int socket = first; socket < first + count; ++socket) {
        int listens = 0;
        socklen_t size = sizeof listens;
        if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
            return fail(hrError, "the descriptor ", socket,
                        " of LISTEN_FDS is no listening socket; the socket unit must have "
                        "ListenStream= and Accept=no");
        (void)::fcntl(socket, F_SETFD, FD_CLOEXEC);
        sockets.push_back(socket);
    }
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDS");
    ::unsetenv("LISTEN_FDNAMES");
    return sockets;
}

namespace {

void notify(std::string_view state) noexcept {
    const char* const path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = '\0'; // the abstract namespace
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return;
    (void)::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
    ::close(socket);
}

Error only_on_windows() {
    return fail(ERROR_NOT_SUPPORTED, "this is for the service manager of Windows; here a systemd "
                                     "unit runs \"ntdsbsrv run\" (see dist/systemd)");
}
} // namespace

void notify_ready() noexcept { notify("READY=1"); }

void notify_stopping(std::chrono::seconds most) noexcept {
    constexpr std::string_view beginning = "STOPPING=1\nEXTEND_TIMEOUT_USEC=";
    std::array<char, 64> text{};
    std::ranges::copy(beginning, text.begin());
    const auto end = std::to_chars(text.data() + beginning.size(), text.data() + text.size(),
                                   std::chrono::microseconds(most).count());
    notify({text.data(), end.ptr});
}

Result<void> install_service(const std::u16string&) { return only_on_windows(); }
Result<void> uninstall_service() { return only_on_windows(); }
Result<void> run_as_service(const std::function<int()>&) { return only_on_windows(); }

} // namespace ntdsb::tools
// NOLINTEND(concurrency-mt-unsafe)
