// Threads on demand (workers.h).
#include "server/workers.h"

#include "core/log.h"

#include <chrono>
#include <system_error>
#include <utility>

namespace ntdsb::server {

namespace {
constexpr std::chrono::seconds idle_time{10};
}

void Workers::stop() {
    while (!stop_before(std::chrono::steady_clock::now() + std::chrono::hours(1))) {
    }
}

bool Workers::stop_before(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    if (!changed_.wait_until(lock, deadline, [this] { return threads_.empty(); })) return false;
    std::thread last = std::move(ended_);
    lock.unlock();
    if (last.joinable()) last.join();
    return true;
}

bool Workers::are_short() const {
    const std::lock_guard lock(mutex_);
    return threads_.size() >= most_ && tasks_.size() > idle_;
}

void Workers::run(std::function<void()> task) {
    std::unique_lock lock(mutex_);
    if (tasks_.size() >= most_waiting_) throw std::bad_alloc();
    tasks_.push_back(std::move(task));
    if (idle_ >= tasks_.size() || threads_.size() >= most_) {
        lock.unlock(); // else the one who is woken would wait for it
        changed_.notify_one();
        return;
    }
    try {
        const auto thread = threads_.emplace(threads_.end());
        try {
            *thread = std::thread([this, thread] { work(thread); });
        } catch (...) {
            threads_.erase(thread);
            throw;
        }
    } catch (const std::exception& error) { // no thread, or no memory for it
        if (!threads_.empty()) return;      // the others will come to it
        tasks_.pop_back();
        log::error("no thread can be started for a call: ", std::string_view(error.what()));
        throw std::bad_alloc();
    }
}

void Workers::work(Thread self) {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        const bool woken =
            changed_.wait_for(lock, idle_time, [this] { return !tasks_.empty() || stopping_; });
        --idle_;
        if (tasks_.empty() && (stopping_ || !woken)) break;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        task = nullptr; // what it holds goes without the lock
        lock.lock();
    }
    // Each one that ends waits for the one before, and `stop` for the last: what a library keeps of a
    // thread goes behind all of this, and must not meet the end of the process.
    std::thread before = std::exchange(ended_, std::move(*self));
    threads_.erase(self);
    changed_.notify_all();
    lock.unlock();
    if (before.joinable()) before.join();
}

} // namespace ntdsb::server
