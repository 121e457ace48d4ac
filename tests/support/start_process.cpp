// See start_process.h.
#include "support/start_process.h"

#include <filesystem>
#include <stdexcept>

namespace ntdsb::test {

HANDLE start_process(const std::wstring& program, std::wstring line, STARTUPINFOW& startup) {
    const BOOL inherit = (startup.dwFlags & STARTF_USESTDHANDLES) != 0;
    PROCESS_INFORMATION information{};
    // Under Wine 8, on a machine with more work than cores, one start in 6,000 failed with this code
    // (ntdsbsrv --version in four loops at once): the new process ends before it has told Wine's
    // server that it is there. The next start succeeds.
    constexpr int most_tries = 5;
    for (int tries = 1;; ++tries) {
        if (CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, inherit, 0, nullptr,
                           nullptr, &startup, &information))
            break;
        const DWORD error = GetLastError();
        if (error != ERROR_INTERNAL_ERROR || tries == most_tries)
            throw std::runtime_error("cannot start " + std::filesystem::path(program).string() +
                                     ": error " + std::to_string(error));
        Sleep(200);
    }
    CloseHandle(information.hThread);
    return information.hProcess;
}

} // namespace ntdsb::test
