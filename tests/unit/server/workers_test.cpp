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

} // namespace
} // namespace ntdsb::server
