// The console's events and the service manager (service_host.h).
#include "tools/service_host.h"

#include "core/path.h"
#include "platform/file.h"
#include "platform/windows/system_error.h"

#include <array>
#include <memory>

namespace ntdsb::tools {

namespace {

using platform::system_error;
using Service = std::unique_ptr<std::remove_pointer_t<SC_HANDLE>, decltype(&::CloseServiceHandle)>;

constexpr wchar_t service_name[] = L"ntdsbsrv";
constexpr wchar_t display_name[] = L"Directory backup and restore service";
// How long the service manager waits for the next report of a service that starts, or is told to
// stop.
constexpr DWORD first_hint_ms = 120'000;

HANDLE stop_event() {
    static const HANDLE event = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    return event;
}

// One process is one service at most.
struct RunningService {
    const std::function<int()>* body = nullptr;
    SERVICE_STATUS_HANDLE handle = nullptr;
    SERVICE_STATUS status{};
};
RunningService& running_service() {
    static RunningService service;
    return service;
}

// Runs on a thread of its own; when it returns after a close the process ends, so it does not.
BOOL WINAPI console_event(DWORD event) {
    // Some user's who was logged on, and no matter of a service's.
    if (event == CTRL_LOGOFF_EVENT && running_service().handle != nullptr) return TRUE;
    const bool is_key = event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
    if (is_key && ::WaitForSingleObject(stop_event(), 0) == WAIT_OBJECT_0)
        return FALSE; // asked again: the process ends at once
    ::SetEvent(stop_event());
    if (event == CTRL_CLOSE_EVENT || event == CTRL_LOGOFF_EVENT || event == CTRL_SHUTDOWN_EVENT)
        ::Sleep(INFINITE);
    return TRUE;
}

void report(DWORD state, DWORD exit_code = NO_ERROR, DWORD hint_ms = first_hint_ms) {
    RunningService& service = running_service();
    service.status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    service.status.dwCurrentState = state;
    service.status.dwControlsAccepted =
        state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0;
    service.status.dwWin32ExitCode = exit_code;
    service.status.dwWaitHint =
        state == SERVICE_STOP_PENDING || state == SERVICE_START_PENDING ? hint_ms : 0;
    ::SetServiceStatus(service.handle, &service.status);
}

DWORD WINAPI control(DWORD what, DWORD, void*, void*) {
    switch (what) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
        report(SERVICE_STOP_PENDING);
        ::SetEvent(stop_event());
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

void WINAPI service_main(DWORD, wchar_t**) {
    RunningService& service = running_service();
    service.handle = ::RegisterServiceCtrlHandlerExW(service_name, control, nullptr);
    if (service.handle == nullptr) return;
    report(SERVICE_START_PENDING);
    const int status = (*service.body)();
    service.status.dwServiceSpecificExitCode = static_cast<DWORD>(status);
    report(SERVICE_STOPPED, status == 0 ? NO_ERROR : ERROR_SERVICE_SPECIFIC_ERROR);
}

Result<Service> open_manager(DWORD rights) {
    Service manager(::OpenSCManagerW(nullptr, nullptr, rights), &::CloseServiceHandle);
    if (!manager) return system_error(::GetLastError(), "open the service manager");
    return manager;
}

Result<std::wstring> own_path() {
    std::array<wchar_t, 32768> path;
    const DWORD length =
        ::GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
    if (length == 0 || length == path.size())
        return system_error(::GetLastError(), "find this program's path");
    return std::wstring(path.data(), length);
}

// Judged now, since the service begins in a folder of the system's and has nobody to tell.
Result<std::wstring> config_argument(const std::u16string& config_file) {
    if (config_file.empty()) return std::wstring();
    std::error_code error;
    const auto path = std::filesystem::absolute(native_path(config_file), error);
    if (error) return system_error(static_cast<DWORD>(error.value()), "find the configuration");
    NTDSB_TRY(const auto info, platform::file_info(path));
    if (!info || info->is_folder)
        return fail(ERROR_FILE_NOT_FOUND, "there is no configuration file ", wire_path(path),
                    "; no service was made. Write it first, or name another one: --config FILE");
    return L" --config \"" + path.native() + L"\"";
}

} // namespace

void watch_for_stop() {
    (void)stop_event();
    ::SetConsoleCtrlHandler(console_event, TRUE);
}

void wait_for_stop() { ::WaitForSingleObject(stop_event(), INFINITE); }

void raise_file_limit() {}

Result<std::vector<platform::NativeSocket>> inherited_sockets() {
    return std::vector<platform::NativeSocket>();
}

void notify_ready() noexcept {
    if (running_service().handle != nullptr) report(SERVICE_RUNNING);
}

void notify_stopping(std::chrono::seconds most) noexcept {
    const std::chrono::milliseconds hint = most;
    if (running_service().handle != nullptr)
        report(SERVICE_STOP_PENDING, NO_ERROR, static_cast<DWORD>(hint.count()));
}

Result<void> install_service(const std::u16string& config_file) {
    NTDSB_TRY(const auto manager, open_manager(SC_MANAGER_CREATE_SERVICE));
    NTDSB_TRY(const auto path, own_path());
    NTDSB_TRY(const auto config, config_argument(config_file));
    const std::wstring command = L"\"" + path + L"\" service" + config;
    const Service service(
        ::CreateServiceW(manager.get(), service_name, display_name, SERVICE_CHANGE_CONFIG,
                         SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL,
                         command.c_str(), nullptr, nullptr, nullptr, nullptr, nullptr),
        &::CloseServiceHandle);
    if (!service) return system_error(::GetLastError(), "create the service ntdsbsrv");
    wchar_t text[] = L"Lets backup tools back up and restore the directory of this computer.";
    SERVICE_DESCRIPTIONW description{text};
    (void)::ChangeServiceConfig2W(service.get(), SERVICE_CONFIG_DESCRIPTION, &description);
    return ok();
}

Result<void> uninstall_service() {
    NTDSB_TRY(const auto manager, open_manager(SC_MANAGER_CONNECT));
    const Service service(
        ::OpenServiceW(manager.get(), service_name, DELETE | SERVICE_STOP | SERVICE_QUERY_STATUS),
        &::CloseServiceHandle);
    if (!service) return system_error(::GetLastError(), "open the service ntdsbsrv");
    SERVICE_STATUS status{};
    (void)::ControlService(service.get(), SERVICE_CONTROL_STOP, &status); // it may be stopped
    if (!::DeleteService(service.get()))
        return system_error(::GetLastError(), "delete the service ntdsbsrv");
    return ok();
}

Result<void> run_as_service(const std::function<int()>& body) {
    running_service().body = &body;
    wchar_t name[std::size(service_name)];
    std::copy(std::begin(service_name), std::end(service_name), name);
    const SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {nullptr, nullptr}};
    if (::StartServiceCtrlDispatcherW(table)) return ok();
    return system_error(::GetLastError(), "join the service manager (to run without it: "
                                          "ntdsbsrv run)");
}

} // namespace ntdsb::tools
