// Starts a process on Windows, for ServerProcess and ChildProcess.
#pragma once

#include <string>

#include <windows.h>

namespace ntdsb::test {

// Returns its handle, which the caller closes. `line`: the command line. Handles are inherited
// where `startup` names some. Throws runtime_error with the system's code.
HANDLE start_process(const std::wstring& program, std::wstring line, STARTUPINFOW& startup);

} // namespace ntdsb::test
