// What ntdsbsrv needs of the system that runs it: when to stop, sockets handed over, telling that
// it is ready. Twins in service_host_posix.cpp (systemd) and service_host_windows.cpp (the service
// manager).
#pragma once

#include "core/result.h"
#include "platform/socket.h"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ntdsb::tools {

// To be called first, while the process has one thread: from now on the wish to stop is noticed.
void watch_for_stop();
// Returns when somebody wants the process to stop (SIGTERM, SIGINT; Ctrl+C, Ctrl+Break, the console
// closes). Another such wish ends the process at once: a signal that comes a second later or more,
// Ctrl+C or Ctrl+Break on Windows.
void wait_for_stop();

// Lets the process open as many files as it may.
void raise_file_limit();

// Listening sockets that whoever started this process opened for it (LISTEN_FDS); mostly none.
Result<std::vector<platform::NativeSocket>> inherited_sockets();

// Tell systemd (NOTIFY_SOCKET) or the service manager; nothing where nobody listens.
void notify_ready() noexcept;
// `most`: how long it may take.
void notify_stopping(std::chrono::seconds most) noexcept;

// Windows services. `name`: "ntdsbsrv". Off Windows all are ERROR_NOT_SUPPORTED.
// `config_file` must be there, ERROR_FILE_NOT_FOUND, or be empty: the service then finds its own.
Result<void> install_service(const std::u16string& config_file);
Result<void> uninstall_service();
// Runs `body` as the service that the service manager has started; wait_for_stop returns in it when
// the manager wants it to stop. ERROR_NOT_SUPPORTED where no service manager has started the
// process.
Result<void> run_as_service(const std::function<int()>& body);

} // namespace ntdsb::tools
