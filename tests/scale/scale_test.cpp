// One service and many sessions: at once, each a whole restore in its own directory, and one after
// another without growth. In CI some dozens and hundreds; NTDSB_PROVE=1: 1,000 and 20,000.
#include "many_directories.h"

#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace ntdsb::scale {
namespace {

bool proves() { return std::getenv("NTDSB_PROVE") != nullptr; }

// The outcome of `count` restores, in the words of the first that failed.
class Outcomes {
public:
    void add(int number, HRESULT code, bool restored) {
        const std::lock_guard lock(mutex_);
        if (code == S_OK && restored) return;
        if (failed_++ == 0)
            first_ = ManyDirectories::server(number) + ": " + contract::hex_code(code) +
                     (code == S_OK ? ", but its bytes differ" : "");
    }
    int failed() const { return failed_; }
    const std::string& first() const { return first_; }

private:
    std::mutex mutex_;
    int failed_ = 0;
    std::string first_;
};

TEST(Scale, EverySessionOfManyAtOnceRestoresItsOwnDirectory) {
    const int count = proves() ? 1000 : 50;
    const ManyDirectories directories(count);
    const double before = directories.resident_mib();
    double with_all = 0;
    // Nobody goes on before all sessions are open.
    std::barrier all_open(count, [&]() noexcept { with_all = directories.resident_mib(); });
    Outcomes outcomes;
    const auto begun = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int number = 0; number < count; ++number)
        threads.emplace_back([&, number] {
            WholeRestore restore(directories, number);
            HRESULT code = restore.begin();
            all_open.arrive_and_wait();
            bool restored = false;
            if (code == S_OK) code = restore.finish(restored);
            outcomes.add(number, code, restored);
        });
    for (std::thread& thread : threads) thread.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
    EXPECT_EQ(outcomes.failed(), 0) << outcomes.first();
    std::printf("sessions at once: %d whole restores in %.1f s, %d failed; the service held %.0f "
                "KiB a session\n",
                count, seconds.count(), outcomes.failed(), (with_all - before) * 1024 / count);
}

// Every fiftieth is a whole restore, the others ask for the locations.
TEST(Scale, SessionsOneAfterAnotherLeaveNothingBehind) {
    const int count = proves() ? 20'000 : 200;
    const ManyDirectories directories(1);
    const auto run = [&](int number) {
        bool restored = true;
        HRESULT code = S_OK;
        if (number % 50 == 0) {
            WholeRestore restore(directories, 0);
            code = restore.begin();
            if (code == S_OK) code = restore.finish(restored);
        } else {
            contract::Restore session({}, "d0");
            LPSTR list = nullptr;
            DWORD size = 0;
            code = DsRestoreGetDatabaseLocationsA(session.handle(), &list, &size);
            DsBackupFree(list);
            if (code == S_OK) code = session.end();
        }
        EXPECT_TRUE(restored) << number;
        return code;
    };
    const int warm = count / 4;
    for (int number = 0; number < warm; ++number) ASSERT_EQ(run(number), S_OK) << number;
    const double before = directories.resident_mib();
    const int files = directories.open_files();
    const auto begun = std::chrono::steady_clock::now();
    for (int number = warm; number < count; ++number) ASSERT_EQ(run(number), S_OK) << number;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
    const double grown = directories.resident_mib() - before;
    std::printf("sessions in sequence: %d, %.0f a second; the service grew by %.2f MiB and %d "
                "files\n",
                count, (count - warm) / seconds.count(), grown, directories.open_files() - files);
    EXPECT_LT(grown, 4.0);
    // A connection that was just closed may not be cleared away yet.
    EXPECT_LE(directories.open_files(), files + 2);
}

} // namespace
} // namespace ntdsb::scale
