// See start_process.h.
#include "support/start_process.h"

#include <filesystem>
#include <stdexcept>

namespace ntdsb::test {

DWORD start_again_if_lost(const std::function<DWORD()>& start) {
    for (int tries = 1;; ++tries) {
        const DWORD error = start();
        if (error != ERROR_INTERNAL_ERROR || tries == most_starts) return error;
        Sleep(200);
    }
}

HANDLE start_process(const std::wstring& program, std::wstring line, STARTUPINFOW& startup) {
    const BOOL inherit = (startup.dwFlags & STARTF_USESTDHANDLES) != 0;
    PROCESS_INFORMATION information{};
    const DWORD error = start_again_if_lost([&]() -> DWORD {
        if (CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, inherit, 0, nullptr,
                           nullptr, &startup, &information))
            return 0;
        return GetLastError();
    });
    if (error != 0)
        throw std::runtime_error("cannot start " + std::filesystem::path(program).string() +
                                 ": error " + std::to_string(error));
    CloseHandle(information.hThread);
    return information.hProcess;
}

} // namespace ntdsb::test
