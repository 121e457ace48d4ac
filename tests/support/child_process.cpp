#include "support/child_process.h"

#include <filesystem>
#include <stdexcept>
#include <utility>

#ifdef _WIN32
#include "support/start_process.h"
#else
#include <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace ntdsb::test {

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : process_(std::exchange(other.process_, {})) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    if (process_ != decltype(process_){}) kill();
    process_ = std::exchange(other.process_, {});
    return *this;
}

#ifdef _WIN32

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
    wchar_t self[MAX_PATH];
    if (GetModuleFileNameW(nullptr, self, MAX_PATH) == 0)
        throw std::runtime_error("GetModuleFileName");
    std::wstring line = L"\"" + std::wstring(self) + L"\"";
    for (const std::string& argument : arguments)
        line += L" \"" + std::wstring(argument.begin(), argument.end()) + L"\"";
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    process_ = start_process(self, line, startup);
}

void ChildProcess::kill() {
    TerminateProcess(process_, 1);
    wait();
}

int ChildProcess::wait() {
    DWORD status = 0;
    WaitForSingleObject(process_, INFINITE);
    GetExitCodeProcess(process_, &status);
    CloseHandle(std::exchange(process_, nullptr));
    return static_cast<int>(status);
}

ChildProcess::~ChildProcess() {
    if (process_ != nullptr) kill();
}

#else

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
    std::vector<std::string> words{"test"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    // Read, not started: under valgrind the link itself is valgrind's.
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
    // Not fork, which copies what a sanitizer maps.
    if (posix_spawn(&process_, self.c_str(), nullptr, nullptr, argv.data(), environ) != 0)
        throw std::runtime_error("posix_spawn");
}

void ChildProcess::kill() {
    ::kill(process_, SIGKILL);
    wait();
}

int ChildProcess::wait() {
    int status = 0;
    while (waitpid(process_, &status, 0) < 0) {
    }
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

ChildProcess::~ChildProcess() {
    if (process_ != 0) kill();
}

#endif

} // namespace ntdsb::test
