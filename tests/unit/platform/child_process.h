// Child processes of the platform tests: this very executable, started again to play a part (parts
// are in main.cpp).
#pragma once

#include "platform/file.h"

#include <functional>
#include <string>
#include <vector>

namespace ntdsb::test {

// This executable.
std::u16string own_program();

// A running child; killed, not asked, when it goes.
class ChildProcess {
public:
    explicit ChildProcess(const std::vector<std::u16string>& arguments); // after the program's name
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    // Ends it at once, as a crash would, and waits until it is gone.
    void kill();

private:
    platform::NativeHandle process_{};
    bool is_running_ = false;
};

// Waits for what another process does; gives up after a minute, which only a broken test takes.
bool wait_until(const std::function<bool()>& condition);

} // namespace ntdsb::test
