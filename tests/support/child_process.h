// This test executable again, as a child process with other arguments; killed without ceremony if a
// test says so or forgets it.
#pragma once

#include <string>
#include <vector>

namespace ntdsb::test {

class ChildProcess {
public:
    // Starts the running executable with `arguments` (ASCII). Throws std::runtime_error if it
    // cannot be started.
    explicit ChildProcess(const std::vector<std::string>& arguments);
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ~ChildProcess(); // kills it if it still runs

    // SIGKILL or TerminateProcess, and waits until it is gone.
    void kill();
    // The exit status; -1 if it was killed. Waits as long as it takes.
    int wait();

private:
#ifdef _WIN32
    void* process_ = nullptr;
#else
    int process_ = 0;
#endif
};

} // namespace ntdsb::test
