// Starting and killing children on both platforms.
#include "child_process.h"

#include "core/path.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#ifndef _WIN32
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>
#endif

namespace ntdsb::test {

#ifdef _WIN32

std::u16string own_program() {
    wchar_t name[32768];
    const DWORD length = GetModuleFileNameW(nullptr, name, static_cast<DWORD>(std::size(name)));
    return std::u16string(name, name + length);
}

ChildProcess::ChildProcess(const std::vector<std::u16string>& arguments) {
    std::u16string line = u"\"" + own_program() + u"\"";
    for (const auto& argument : arguments) line += u" \"" + argument + u"\"";
    std::wstring wide(line.begin(), line.end());
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    PROCESS_INFORMATION information{};
    if (!CreateProcessW(nullptr, wide.data(), nullptr, nullptr, FALSE, 0, nullptr, nullptr,
                        &startup, &information)) {
        throw std::runtime_error("could not start a child: error " +
                                 std::to_string(GetLastError()));
    }
    CloseHandle(information.hThread);
    process_ = information.hProcess;
    is_running_ = true;
}

void ChildProcess::kill() {
    if (!is_running_) return;
    is_running_ = false;
    TerminateProcess(process_, 1);
    WaitForSingleObject(process_, INFINITE);
    CloseHandle(process_);
}

#else

std::u16string own_program() { return wire_path(std::filesystem::read_symlink("/proc/self/exe")); }

ChildProcess::ChildProcess(const std::vector<std::u16string>& arguments) {
    std::vector<std::string> words{native_path(own_program()).string()};
    for (const auto& argument : arguments) words.push_back(native_path(argument).string());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("could not start a child");
    if (child == 0) {
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    process_ = child;
    is_running_ = true;
}

void ChildProcess::kill() {
    if (!is_running_) return;
    is_running_ = false;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

#endif

ChildProcess::~ChildProcess() { kill(); }

bool wait_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

} // namespace ntdsb::test
