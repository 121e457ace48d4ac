// The threads that run calls: made when all others are busy, up to a limit, and gone when there is
// nothing to do, so that a call that lasts keeps no other one waiting.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace ntdsb::server {

class Workers {
public:
    // `most_waiting`: tasks that no thread has come to yet.
    explicit Workers(std::size_t most, std::size_t most_waiting = SIZE_MAX)
        : most_(most), most_waiting_(most_waiting) {}
    ~Workers() { stop(); }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    // In turn, on some thread. Throws bad_alloc, also where too many wait; then the task is not run.
    void run(std::function<void()> task);
    // All are busy, as many as may be, and a task waits for one.
    bool are_short() const;
    // Waits for everything that was given to `run`, and for the end of its threads.
    void stop();
    // The same, for so long. False: some threads still run.
    bool stop_before(std::chrono::steady_clock::time_point deadline);

private:
    using Thread = std::list<std::thread>::iterator;
    void work(Thread self);

    const std::size_t most_;
    const std::size_t most_waiting_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> tasks_;
    std::list<std::thread> threads_;
    std::thread ended_; // the last one that has
    std::size_t idle_ = 0;
    bool stopping_ = false;
};

} // namespace ntdsb::server
