// Whether perturbing the schedule (perturb.c) finds what an undisturbed run does not: two threads that each look at
// a number under its lock, give the lock back, and then store one more. Every lost addition is a race found.
//
//     perturb_test        last line: `N passed, N failed, N skipped`
#include <cstdio>
#include <mutex>
#include <thread>

namespace {

std::mutex mutex;
int number = 0;

void add(int times) {
    for (int i = 0; i < times; ++i) {
        int seen = 0;
        {
            const std::lock_guard lock(mutex);
            seen = number;
        }
        const std::lock_guard lock(mutex);
        number = seen + 1;
    }
}

} // namespace

int main() {
    constexpr int times = 2000;
    std::thread one(add, times), other(add, times);
    one.join();
    other.join();
    const int lost = 2 * times - number;
    // Undisturbed, one thread mostly ends before the other begins; perturbed, they meet all the time.
    const bool found = lost > times / 10;
    std::printf("%s additions lost: %d of %d\n%d passed, %d failed, 0 skipped\n",
                found ? "ok  " : "FAIL", lost, 2 * times, found, !found);
    return found ? 0 : 1;
}
