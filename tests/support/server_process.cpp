#include "support/server_process.h"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#ifdef _WIN32
#include "support/start_process.h"
#else
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace ntdsb::test {

namespace fs = std::filesystem;

namespace {

// The rest of the first whole line that begins so.
std::string find_line(const fs::path& output, const std::string& beginning) {
    std::ifstream in(output);
    std::string line;
    while (std::getline(in, line)) {
        if (in.eof()) break; // not whole yet
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.compare(0, beginning.size(), beginning) == 0) return line.substr(beginning.size());
    }
    return {};
}

} // namespace

std::string ServerProcess::wait_for_line(const fs::path& output, const std::string& beginning) {
    for (int i = 0; i < 3000; ++i) {
        const bool running = is_running();
        if (auto rest = find_line(output, beginning); !rest.empty()) return rest;
        if (!running) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("the service does not tell where it listens");
}

ServerProcess::ServerProcess(const std::string& program, const fs::path& config)
    : ServerProcess({program, "run", "--config", config.string()},
                    config.parent_path() / "ntdsbsrv.out") {}

#ifdef _WIN32

ServerProcess::ServerProcess(const std::vector<std::string>& command, const fs::path& output) {
    SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
    const HANDLE out =
        CreateFileW(output.c_str(), GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited,
                    CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (out == INVALID_HANDLE_VALUE) throw std::runtime_error("cannot write the service's output");
    const fs::path executable(command.front());
    std::wstring line;
    for (const std::string& word : command) line += L"\"" + fs::path(word).wstring() + L"\" ";
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdOutput = out;
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    process_ = start_process(executable.wstring(), line, startup);
    CloseHandle(out);
    address_ = wait_for_line(output, "listening on ");
    metrics_address_ = find_line(output, "metrics on ");
}

bool ServerProcess::is_running() {
    return process_ != nullptr && WaitForSingleObject(process_, 0) == WAIT_TIMEOUT;
}

void ServerProcess::kill() {
    if (process_ == nullptr) return;
    TerminateProcess(process_, 1);
    WaitForSingleObject(process_, INFINITE);
    CloseHandle(std::exchange(process_, nullptr));
}

#else

ServerProcess::ServerProcess(const std::vector<std::string>& command, const fs::path& output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    std::vector<std::string> words = command;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    fs::remove(output);
    const int error =
        posix_spawn(&process_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + command.front());
    address_ = wait_for_line(output, "listening on ");
    // It is told in the same moment; where there is none, nothing is waited for.
    metrics_address_ = find_line(output, "metrics on ");
}

bool ServerProcess::is_running() {
    if (process_ == 0) return false;
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

void ServerProcess::kill() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    waitpid(std::exchange(process_, 0), nullptr, 0);
}

int ServerProcess::terminate() {
    int status = 0;
    ::kill(process_, SIGTERM);
    waitpid(std::exchange(process_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif

ServerProcess::~ServerProcess() { kill(); }

} // namespace ntdsb::test
