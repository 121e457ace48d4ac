// How many threads work, and what those that only wait count for (server/workers.h).
#include "server/workers.h"

#include <gtest/gtest.h>

#include <future>

namespace ntdsb::server {
namespace {

TEST(Workers, TakeNoMoreThanMayWait) {
    Workers workers(1, 2);
    std::promise<void> begun, end;
    workers.run([&] {
        begun.set_value();
        end.get_future().wait();
    });
    begun.get_future().wait();
    std::atomic<int> ran = 0;
    workers.run([&] { ++ran; });
    workers.run([&] { ++ran; });
    EXPECT_THROW(workers.run([&] { ++ran; }), std::bad_alloc);
    end.set_value();
    workers.stop();
    EXPECT_EQ(ran, 2);
}

TEST(Workers, ATaskThatStepsAsideMakesRoomForOneOther) {
    Workers workers(1);
    std::promise<void> goes_on;
    std::promise<bool> aside;
    workers.run([&] {
        aside.set_value(workers.step_aside());
        goes_on.get_future().wait();
        workers.step_back();
    });
    EXPECT_TRUE(aside.get_future().get());
    std::promise<bool> other;
    workers.run([&] { other.set_value(workers.step_aside()); });
    EXPECT_FALSE(other.get_future().get()) << "as many wait already as may be busy";
    goes_on.set_value();
    workers.stop();
}

TEST(Workers, StepAsideBeginsWhatWaitedAlready) {
    Workers workers(1);
    std::promise<void> is_queued;
    std::promise<void> has_run;
    workers.run([&] {
        is_queued.get_future().wait();
        EXPECT_TRUE(workers.are_short());
        EXPECT_TRUE(workers.step_aside());
        has_run.get_future().wait();
        workers.step_back();
    });
    workers.run([&] { has_run.set_value(); });
    is_queued.set_value();
    workers.stop();
}

} // namespace
} // namespace ntdsb::server
