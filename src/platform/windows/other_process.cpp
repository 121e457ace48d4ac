// platform/other_process.h on Windows.
#include "platform/other_process.h"

#include "platform/windows/system_error.h"

namespace ntdsb::platform {
namespace {

constexpr DWORD forced_end_ms = 5000;

} // namespace

std::string program_of(std::uint32_t process_id) {
    const Handle process(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, process_id));
    std::wstring name(32768, L'\0');
    auto size = static_cast<DWORD>(name.size());
    if (!process || !QueryFullProcessImageNameW(process.get(), 0, name.data(), &size)) return {};
    return text(from_wide(std::wstring_view(name).substr(0, size)));
}

std::optional<bool> has_open(std::uint32_t, const Path&) { return std::nullopt; }

Result<void> end_process(std::uint32_t process_id, std::uint32_t) {
    const std::string attempt = text("end process ", process_id);
    const Handle process(OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, process_id));
    if (!process) {
        const DWORD error = GetLastError(); // 87: the system's word for an id that is none
        return error == ERROR_INVALID_PARAMETER
                   ? fail(ERROR_FILE_NOT_FOUND, "there is no process ", process_id)
                   : system_error(error, attempt);
    }
    if (!TerminateProcess(process.get(), 1)) return system_error(GetLastError(), attempt);
    if (WaitForSingleObject(process.get(), forced_end_ms) != WAIT_OBJECT_0)
        return fail(ERROR_GEN_FAILURE, "process ", process_id, " was ended and does not go");
    return ok();
}

} // namespace ntdsb::platform
