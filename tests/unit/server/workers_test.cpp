// How many threads work, and what those that only wait count for (server/workers.h).
#include "server/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

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

#ifndef _WIN32 // where GCC's emulated thread_local frees the memory before it runs the destructor
struct LongFarewell {
    std::atomic<int>* count = nullptr;
    ~LongFarewell() {
        if (count == nullptr) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        ++*count;
    }
};
thread_local LongFarewell farewell;

// What a library keeps of a thread (OpenSSL does) goes last of all.
TEST(Workers, StopWaitsForTheWholeEndOfItsThreads) {
    constexpr int threads = 3;
    std::atomic<int> begun = 0, gone = 0;
    Workers workers(threads);
    for (int i = 0; i < threads; ++i) {
        workers.run([&] {
            farewell.count = &gone;
            ++begun;
            while (begun < threads) std::this_thread::yield();
        });
    }
    workers.stop();
    EXPECT_EQ(gone, threads);
}
#endif

} // namespace
} // namespace ntdsb::server
