// Work that is waited for until a given time only (in_time.h).
#include "transport/in_time.h"

#include "platform/process.h"

#include <gtest/gtest.h>

#ifdef _WIN32
#include <windows.h>
#endif

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace ntdsb::transport {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(DoneInTime, WaitsForItsEndAndNotLonger) {
    const auto begun = Clock::now();
    int seen = 0;
    const auto done = done_in_time(begun + 60s, [&] {
        std::this_thread::sleep_for(200ms);
        seen = 7;
    });
    const auto took = Clock::now() - begun;
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_TRUE(done.value());
    EXPECT_EQ(seen, 7);
    EXPECT_GE(took, 200ms);
    EXPECT_LT(took, 20s);
}

TEST(DoneInTime, TellsThatMemoryIsShort_COM10) {
    EXPECT_THROW((void)done_in_time(Clock::now() + 60s, [] { throw std::bad_alloc(); }),
                 std::bad_alloc);
}

// Threads that wait until the test lets them go.
struct Gate {
    std::promise<void> open;
    std::shared_future<void> opened{open.get_future()};
    std::atomic<unsigned> through{0};
};

TEST(DoneInTime, LeavesBehindWhatTakesLongerAndOnlySoMuchOfIt_COM7) {
    const auto gate = std::make_shared<Gate>();
    const std::weak_ptr<Gate> held = gate;
    const auto wait = [](std::shared_ptr<Gate> shared) {
        return [shared = std::move(shared)] {
            shared->opened.wait();
            ++shared->through;
        };
    };
    const auto begun = Clock::now();
    auto done = done_in_time(begun + 300ms, wait(gate));
    const auto took = Clock::now() - begun;
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_FALSE(done.value());
    EXPECT_GE(took, 300ms);
    EXPECT_LT(took, 20s);
    for (unsigned i = 1; i < most_left_behind; ++i) {
        done = done_in_time(Clock::now(), wait(gate));
        ASSERT_TRUE(done) << i << ": " << done.error().what;
        EXPECT_FALSE(done.value());
    }
    bool has_run = false;
    done = done_in_time(Clock::now() + 60s, [&] { has_run = true; });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, static_cast<Code>(hrCouldNotConnect));
    EXPECT_FALSE(has_run);
    gate->open.set_value();
    // Then all end, nothing of them stays, and there is room again.
    const auto patience = Clock::now() + 60s;
    while (held.use_count() > 1 && Clock::now() < patience) std::this_thread::sleep_for(5ms);
    EXPECT_EQ(gate->through, most_left_behind);
    EXPECT_EQ(held.use_count(), 1);
    do {
        done = done_in_time(Clock::now() + 60s, [&] { has_run = true; });
    } while (!done && Clock::now() < patience);
    EXPECT_TRUE(done);
    EXPECT_TRUE(has_run);
}

#ifdef _WIN32
// The SID's attributes do not matter here: whether there is a token, and which.
DWORD impersonation_token() {
    HANDLE token = nullptr;
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token)) return 0;
    TOKEN_STATISTICS statistics{};
    DWORD size = 0;
    GetTokenInformation(token, TokenStatistics, &statistics, sizeof statistics, &size);
    CloseHandle(token);
    return statistics.TokenId.LowPart;
}

TEST(DoneInTime, WorksWithTheRightsOfTheCallingThread_ACC1) {
    DWORD seen = 1;
    const auto look = [&] { seen = impersonation_token(); };
    ASSERT_TRUE(done_in_time(Clock::now() + 60s, look));
    EXPECT_EQ(seen, 0u);
    ASSERT_TRUE(ImpersonateSelf(SecurityImpersonation));
    const DWORD own = impersonation_token();
    const auto done = done_in_time(Clock::now() + 60s, look);
    RevertToSelf();
    ASSERT_TRUE(done);
    EXPECT_NE(own, 0u);
    EXPECT_EQ(seen, own);
}
#endif

} // namespace
} // namespace ntdsb::transport
