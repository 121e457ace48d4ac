// Out of memory in the thread that waits for the service's network, at every allocation from a
// connection's beginning to the answer of its first call: that connection may be hung up on, and
// later ones are served.
#include "failing_new.h"

#include "unit/server/server_fixture.h"

#include <filesystem>
#include <set>

namespace ntdsb::server {
namespace {

std::set<int> threads() {
    std::set<int> all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
        all.insert(std::stoi(entry.path().filename().string()));
    return all;
}

class ServerWithoutMemory : public ServerTest {
protected:
    // The thread that `start` makes.
    int start_and_find_thread() {
        const auto before = threads();
        start();
        for (const int thread : threads())
            if (!before.contains(thread)) return thread;
        throw std::runtime_error("the server has no thread");
    }
};

TEST_F(ServerWithoutMemory, GoesOnAcceptingConnections) {
    long without = 0; // failures, in a row: which thread allocates what is partly chance
    for (long number = 1; without < 3; ++number) {
        ASSERT_LT(number, 200) << "there is no end of allocations";
        const int thread = start_and_find_thread();
        expect_alive(); // what is made once is made
        memory::fail_allocation(number, memory::Mode::once, thread);
        {
            RawClient first(address());
            if (first.bind()) static_cast<void>(first.ping()); // or hung up on: never silent
        }
        const bool has_failed = memory::stop_failing();
        expect_alive();
        server.reset();
        if (HasFailure()) FAIL() << "when allocation " << number << " failed";
        without = has_failed ? 0 : without + 1;
        EXPECT_TRUE(has_failed || number > 10) << "hardly an allocation was tried";
    }
}

} // namespace
} // namespace ntdsb::server
