// The vendor's NTDS service as the service manager knows it (contract ONL-1, REG-6, BPREP-4): a
// service of that name is made in the test's own Wine prefix, run by this program, and removed.
#include "ntds_service.h"

#include "platform/domain_controller.h"
#include "platform/windows/wine.h"
#include "scenarios.h"

#include <chrono>
#include <thread>

namespace ntdsb::service {

namespace {

constexpr wchar_t name[] = L"NTDS";
SERVICE_STATUS_HANDLE status_handle = nullptr;
HANDLE stopped = nullptr;

void report(DWORD state) {
    SERVICE_STATUS status{};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PAUSE_CONTINUE;
    SetServiceStatus(status_handle, &status);
}

DWORD WINAPI control(DWORD code, DWORD, void*, void*) {
    if (code == SERVICE_CONTROL_PAUSE) report(SERVICE_PAUSED);
    if (code == SERVICE_CONTROL_STOP) SetEvent(stopped);
    return NO_ERROR;
}

void WINAPI service_main(DWORD, wchar_t**) {
    stopped = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    status_handle = RegisterServiceCtrlHandlerExW(name, control, nullptr);
    report(SERVICE_RUNNING);
    WaitForSingleObject(stopped, 60'000);
    report(SERVICE_STOPPED);
}

} // namespace

int be_ntds_service() {
    wchar_t own_name[] = L"NTDS";
    const SERVICE_TABLE_ENTRYW table[] = {{own_name, service_main}, {nullptr, nullptr}};
    return StartServiceCtrlDispatcherW(table) ? 0 : 1;
}

namespace {

class NtdsService : public testing::Test {
protected:
    void SetUp() override {
        if (!platform::is_wine()) GTEST_SKIP() << "a real machine's services are left alone";
        wchar_t self[MAX_PATH];
        GetModuleFileNameW(nullptr, self, MAX_PATH);
        const std::wstring line = L"\"" + std::wstring(self) + L"\" be-ntds-service";
        manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS);
        service =
            CreateServiceW(manager, name, nullptr, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                           SERVICE_DEMAND_START, SERVICE_ERROR_IGNORE, line.c_str(), nullptr,
                           nullptr, nullptr, nullptr, nullptr);
        ASSERT_NE(service, nullptr) << GetLastError();
    }
    void TearDown() override {
        if (service) {
            tell(SERVICE_CONTROL_STOP);
            wait_for(SERVICE_STOPPED);
            remove();
        }
        if (manager) CloseServiceHandle(manager);
    }
    void remove() {
        EXPECT_TRUE(DeleteService(service));
        CloseServiceHandle(std::exchange(service, nullptr));
    }
    // A prefix that has just come up may hold its database of services for a while.
    void start() {
        for (int i = 0; i < 3000 && !StartServiceW(service, 0, nullptr); ++i) {
            ASSERT_EQ(GetLastError(), static_cast<DWORD>(ERROR_SERVICE_DATABASE_LOCKED));
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    void tell(DWORD code) {
        SERVICE_STATUS status{};
        ControlService(service, code, &status);
    }
    void wait_for(DWORD state) {
        SERVICE_STATUS status{};
        for (int i = 0; i < 3000; ++i) {
            if (QueryServiceStatus(service, &status) && status.dwCurrentState == state) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        FAIL() << "the service is in state " << status.dwCurrentState;
    }
    // What the gate's questions answer.
    void expect_online(bool online) {
        EXPECT_EQ(platform::ntds_service_state().value(),
                  online ? platform::ServiceState::running : platform::ServiceState::stopped);
        EXPECT_EQ(directory_is_online(*directory.instance()).value(), online);
        EXPECT_EQ(code_of(directory.enter()), online ? static_cast<Code>(hrDatabaseInUse) : S_OK);
    }

    RestoreDirectory directory;
    SC_HANDLE manager = nullptr, service = nullptr;
};

TEST_F(NtdsService, IsOnlineUnlessItIsStopped) {
    expect_online(false);
    EXPECT_TRUE(directory.enter().value().complete());
    start();
    wait_for(SERVICE_RUNNING);
    expect_online(true);
    EXPECT_EQ(code_of(start_directory(*directory.instance())), hrDatabaseInUse);
    EXPECT_EQ(code_of(BackupClaim::enter(*directory.instance(), BackupSource::live)),
              hrBackupNotAllowedYet);
    tell(SERVICE_CONTROL_PAUSE);
    wait_for(SERVICE_PAUSED);
    expect_online(true);
    tell(SERVICE_CONTROL_STOP);
    wait_for(SERVICE_STOPPED);
    expect_online(false);
    remove();
    EXPECT_EQ(platform::ntds_service_state().value(), platform::ServiceState::absent);
}

} // namespace
} // namespace ntdsb::service
