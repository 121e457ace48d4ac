// The processes of the crash sweep: one that does a scenario and is stopped at a step, and a fresh
// one that looks at what is left and goes on from there. The sweep (crash_sweep_test.cpp) starts
// both.
#pragma once

#include <string>
#include <vector>

namespace ntdsb::service {

// kill: the process ends before the step. tear: the same, and what was written and not flushed is
// lost by half. once: the step's call fails. from: it and all later ones do. read-once, read-from:
// the same, where the steps are what only reads. call-once, call-from: the same, where the steps are
// the system calls themselves on files of the directory, and CODE is an errno (POSIX).
// Words: crash-run ROOT SCENARIO MODE STEP CODE [prepared]
int crash_run(const std::vector<std::string>& words);
// Words: crash-look ROOT SCENARIO MODE OUTCOME. 0 if all is well, else 1 and ROOT/problems.
int crash_look(const std::vector<std::string>& words);

// Exit statuses of crash_run.
inline constexpr int run_not_reached = 20; // it has fewer steps, and succeeded
inline constexpr int run_succeeded = 21;   // in spite of the fault
inline constexpr int run_failed = 22;      // and said so; the code is in ROOT/code
inline constexpr int run_broken = 23;      // the test's own trouble
#ifdef _WIN32
inline constexpr int run_killed = 99; // TerminateProcess
#else
inline constexpr int run_killed = -1; // SIGKILL
#endif

} // namespace ntdsb::service
