// See in_time.h.
#include "transport/in_time.h"

#include "platform/process.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace ntdsb::transport {

namespace {

std::atomic<unsigned> left_behind{0};

// Shared by the thread and whoever waits for it.
struct Task {
    std::function<void()> work;
    platform::ThreadRights rights;
    std::mutex mutex;
    std::condition_variable ended;
    bool is_done = false;
    bool is_left_behind = false;
    Result<void> outcome = ok();
    std::exception_ptr thrown;
};

void run(Task& task) {
    try {
        task.outcome = task.rights.take_on();
        if (task.outcome) task.work();
    } catch (...) { // the caller's to deal with, as if it had done the work itself
        task.thrown = std::current_exception();
    }
    task.work = nullptr; // what it holds may take its time, too
    const std::lock_guard lock(task.mutex);
    task.is_done = true;
    if (task.is_left_behind) --left_behind;
    task.ended.notify_all();
}

} // namespace

Result<bool> done_in_time(std::chrono::steady_clock::time_point deadline,
                          std::function<void()> work) {
    if (left_behind >= most_left_behind)
        return fail(hrCouldNotConnect, left_behind.load(),
                    " earlier attempts still wait for the system's answer");
    const auto task = std::make_shared<Task>();
    task->work = std::move(work);
    NTDSB_CHECK(task->rights.of_this_thread());
    std::thread thread;
    try {
        thread = std::thread([task] { run(*task); });
    } catch (const std::system_error& error) {
        return fail(ERROR_NOT_ENOUGH_MEMORY,
                    "no thread can be started: ", std::string_view(error.what()));
    }
    std::unique_lock lock(task->mutex);
    if (!task->ended.wait_until(lock, deadline, [&] { return task->is_done; })) {
        task->is_left_behind = true;
        ++left_behind;
        platform::pin_module();
        thread.detach();
        return false;
    }
    lock.unlock();
    thread.join(); // its last steps are in this module
    if (task->thrown) std::rethrow_exception(task->thrown);
    NTDSB_CHECK(std::move(task->outcome));
    return true;
}

} // namespace ntdsb::transport
