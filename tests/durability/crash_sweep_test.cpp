// Processes that are really stopped, or whose calls really fail, at each step that changes disk or
// registry, one after another; after each a fresh process finds the old state or the new one, a
// directory that is not startable in mid-restore, and can restore it (contract REC-1, REG-13,
// END-3, VER-7). All steps in `./dev prove`, a sample otherwise.
#include "child_roles.h"
#include "crash_child.h"
#include "machine_registry.h"
#include "scenarios.h"
#include "support/child_process.h"

#include <cerrno>
#include <fstream>
#include <map>

namespace ntdsb::service {
namespace {

struct Kind {
    const char* mode;
    Code code;
    const char* name;
    int stride = 1; // of the steps, in the whole sweep
};
const std::vector<Kind> fault_kinds{
    {"kill", 0, "Killed"},
    {"once", ERROR_DISK_FULL, "DiskFullOnce"},
    {"from", ERROR_WRITE_PROTECT, "WriteProtectedFromThenOn"},
#ifndef _WIN32
    // Windows: the file is open and cannot be cut by name.
    {"tear", 0, "KilledWithHalfWritten"},
    // The other codes take the same ways: once is enough.
    {"once", ERROR_IO_DEVICE, "InputOutputErrorOnce"},
    {"once", ERROR_WRITE_PROTECT, "WriteProtectedOnce"},
    {"from", ERROR_DISK_FULL, "DiskFullFromThenOn"},
    {"from", ERROR_IO_DEVICE, "InputOutputErrorFromThenOn"},
    {"once", ERROR_ACCESS_DENIED, "AccessDeniedOnce"},
    {"once", ERROR_OPERATION_ABORTED, "InterruptedOnce"},
#endif
};
// What only reads fails. EIO; EACCES; EMFILE and ENFILE; ENOMEM.
const std::vector<Kind> read_kinds{
    {"read-once", ERROR_IO_DEVICE, "ReadErrorOnce"},
    {"read-from", ERROR_IO_DEVICE, "ReadErrorFromThenOn"},
#ifndef _WIN32
    {"read-once", ERROR_ACCESS_DENIED, "ReadDeniedOnce"},
    {"read-once", ERROR_TOO_MANY_OPEN_FILES, "NoDescriptorOnce"},
    {"read-once", ERROR_NOT_ENOUGH_MEMORY, "NoMemoryOnce"},
#endif
};

#ifndef _WIN32
// Any system call on the directory's files fails. Not with an errno that says something else of what
// is there (ENOENT, EEXIST, EAGAIN of a lock): nobody could know that for a lie.
const std::vector<Kind> call_kinds{
    {"call-once", EINTR, "CallInterruptedOnce"},
    {"call-once", EIO, "CallErrorOnce"},
    {"call-from", EIO, "CallErrorFromThenOn", 5},
    {"call-once", EINVAL, "CallInvalidOnce", 5},
    {"call-once", EOPNOTSUPP, "CallUnsupportedOnce", 5},
    {"call-once", ESTALE, "CallStaleOnce", 5},
    {"call-from", ENOSPC, "CallNoSpaceFromThenOn", 5},
    {"call-once", EMFILE, "CallNoDescriptorOnce", 5},
};
#endif

std::string content_of(const platform::Path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

// How many points were tried, and what was found.
class Tally {
public:
    void add(const std::string& kind, const std::string& outcome) {
        ++points_;
        ++outcomes_[text(kind, ": ", outcome)];
    }
    ~Tally() {
        if (points_ == 0) return;
        std::cout << "crash points tried: " << points_ << "\n";
        for (const auto& [outcome, count] : outcomes_)
            std::cout << "crash points, " << outcome << ": " << count << "\n";
    }

private:
    unsigned points_ = 0;
    std::map<std::string, unsigned> outcomes_;
};
Tally& tally() {
    static Tally all;
    return all;
}

int run_child(const RestoreDirectory& directory, const Scenario& scenario, const Kind& kind,
              int step, bool prepared = false) {
    std::vector<std::string> words{"crash-run",          directory.root().string(),
                                   scenario.name,        kind.mode,
                                   std::to_string(step), std::to_string(kind.code)};
    if (prepared) words.push_back("prepared");
    return test::ChildProcess(words).wait();
}

// A fresh process looks and goes on.
void look(const RestoreDirectory& directory, const Scenario& scenario, const Kind& kind,
          int outcome) {
    test::ChildProcess looking({"crash-look", directory.root().string(), scenario.name, kind.mode,
                                std::to_string(outcome)});
    EXPECT_EQ(looking.wait(), 0) << content_of(directory.root() / "problems");
    EXPECT_TRUE(is_marked_restored());
    const auto found = content_of(directory.root() / "found");
    const std::string_view before = scenario.before, after = scenario.after;
    const auto* const state = before == after ? "the one" : found == after ? "new" : "old";
    const auto code = content_of(directory.root() / "code");
    const auto end = outcome == run_killed   ? std::string("killed")
                     : outcome == run_failed ? "failed with " + code
                                             : std::string("succeeded");
    tally().add(kind.name, text(end, ", ", state, " state found"));
}

bool ends_the_process(const Kind& kind) {
    return std::string_view(kind.mode) == "kill" || std::string_view(kind.mode) == "tear";
}

class CrashSweep : public testing::TestWithParam<Scenario> {
protected:
    // False: the scenario has fewer steps.
    bool try_step(const Kind& kind, int step) {
        RestoreDirectory directory;
        make_directory(directory);
        make_domain_controller();
        const int outcome = run_child(directory, GetParam(), kind, step);
        if (outcome == run_not_reached) return false;
        SCOPED_TRACE(text(kind.name, " at step ", step, ", the process ended with ", outcome));
        const bool expected = ends_the_process(kind)
                                  ? outcome == run_killed
                                  : outcome == run_succeeded || outcome == run_failed;
        EXPECT_TRUE(expected);
        if (std::string_view(kind.mode) == "call-once" && kind.code == EINTR) {
            EXPECT_EQ(outcome, run_succeeded) << "what a signal interrupts is called again";
        }
        look(directory, GetParam(), kind, outcome);
        return true;
    }

    // One of the scenario's steps, chosen by `number`.
    void try_some_step(const Kind& kind, unsigned number) {
        while (!try_step(kind, static_cast<int>(number))) {
            ASSERT_GT(number, 0U) << kind.name << ": the scenario has no such call";
            number /= 2;
        }
    }
    // How many steps there are from `first` on.
    int sweep(const Kind& kind, int first, int stride) {
        int step = first;
        while (!HasFailure() && step < 1000 && try_step(kind, step)) step += stride;
        EXPECT_LT(step, 1000);
        return step - first;
    }
};

TEST_P(CrashSweep, LeavesOldOrNew) {
    if (is_proving()) {
        auto all = fault_kinds;
        all.insert(all.end(), read_kinds.begin(), read_kinds.end());
#ifndef _WIN32
        all.insert(all.end(), call_kinds.begin(), call_kinds.end());
#endif
        for (const Kind& kind : all) {
            const int steps = sweep(kind, 0, kind.stride);
            EXPECT_GT(steps, 2) << kind.name;
            std::cout << "crash points of " << GetParam().name << ", " << kind.name << ": " << steps
                      << std::endl;
        }
        return;
    }
    // The sample: a kill, one of the other kinds and a read, at other steps for each scenario.
    unsigned number = 0;
    for (const char c : std::string_view(GetParam().name))
        number = number * 31 + static_cast<unsigned char>(c);
    try_some_step(fault_kinds.front(), number % 8);
    try_some_step(fault_kinds[1 + number % (fault_kinds.size() - 1)], number % 8 + 3);
    try_some_step(read_kinds[number % read_kinds.size()], number % 23);
#ifndef _WIN32
    try_some_step(call_kinds.front(), number % 37);
    try_some_step(call_kinds[number % call_kinds.size()], number % 41);
#endif
}

INSTANTIATE_TEST_SUITE_P(EveryStep, CrashSweep, testing::ValuesIn(scenarios()),
                         [](const auto& row) { return std::string(row.param.name); });

// A restore that takes over from a crashed one may crash as well.
TEST(SecondCrash, InTheRestoreThatTakesOverLeavesOldOrNew) {
    const Scenario& first = scenario_named("Complete");
    const Scenario& second = scenario_named("TakeOver");
    const Kind& kill = fault_kinds.front();
    const int stride = is_proving() ? 3 : 17;
    unsigned points = 0;
    for (int at = 0; at < 200 && !testing::Test::HasFailure(); at += stride) {
        for (int then = at % 5;; then += 5) {
            RestoreDirectory directory;
            make_directory(directory);
            make_domain_controller();
            if (run_child(directory, first, kill, at) != run_killed) {
                EXPECT_GT(points, 1u);
                return;
            }
            const int outcome = run_child(directory, second, kill, then, true);
            if (outcome == run_not_reached) break;
            SCOPED_TRACE(text("steps ", at, " and ", then));
            ASSERT_EQ(outcome, run_killed);
            look(directory, second, kill, outcome);
            ++points;
            if (!is_proving()) break;
        }
    }
}

} // namespace
} // namespace ntdsb::service
