// Starts a process on Windows, for ServerProcess and ChildProcess.
#pragma once

#include <functional>
#include <string>

#include <windows.h>

namespace ntdsb::test {

// Returns its handle, which the caller closes. `line`: the command line. Handles are inherited
// where `startup` names some. Throws runtime_error with the system's code.
HANDLE start_process(const std::wstring& program, std::wstring line, STARTUPINFOW& startup);

// Under Wine 8, on a machine with more work than cores, one start in 6,000 failed with
// ERROR_INTERNAL_ERROR (ntdsbsrv --version in four loops at once): the new process ends before it has
// told Wine's server that it is there. The next start succeeds. So `start`, which gives the system's
// code or 0, is called again after that code alone, and its last code is the result.
DWORD start_again_if_lost(const std::function<DWORD()>& start);
inline constexpr int most_starts = 5;

} // namespace ntdsb::test
