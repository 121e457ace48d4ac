// A service of the test's own, in a process of its own: an ntdsbsrv, started with a configuration
// that listens on port 0. Gone with the object.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ntdsb::test {

class ServerProcess {
public:
    // Waits until it listens. `program`: ntdsbsrv's path. Its output goes to files beside `config`.
    ServerProcess(const std::string& program, const std::filesystem::path& config);
    ~ServerProcess();
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    // "127.0.0.1:40001"; empty where it ended instead of listening.
    const std::string& address() const { return address_; }
    const std::string& metrics_address() const { return metrics_address_; }
    void kill();
    // As a person stops it; returns its exit status. Natively only: Windows has no SIGTERM.
    int terminate();
    bool is_running();
#ifndef _WIN32
    int id() const { return process_; }
#endif

private:
    // `command` prints "listening on ADDRESS" to its output, which goes to the file `output`.
    ServerProcess(const std::vector<std::string>& command, const std::filesystem::path& output);
    std::string wait_for_line(const std::filesystem::path& output, const std::string& beginning);

#ifdef _WIN32
    void* process_ = nullptr;
#else
    int process_ = 0;
#endif
    std::string address_;
    std::string metrics_address_;
};

} // namespace ntdsb::test
