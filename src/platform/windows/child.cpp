// run_child on Windows: an inheritable copy of the one handle, in a handle list that keeps every
// other handle at home.
#include "platform/child.h"

#include "platform/process.h"
#include "platform/windows/system_error.h"

#include <vector>

namespace ntdsb::platform {
namespace {

// One argument as the C runtime's start-up code takes it apart again.
void append_argument(std::wstring& line, std::wstring_view argument) {
    if (!line.empty()) line += L' ';
    if (!argument.empty() && argument.find_first_of(L" \t\n\v\"") == std::wstring_view::npos) {
        line += argument;
        return;
    }
    line += L'"';
    std::size_t backslashes = 0;
    for (const wchar_t c : argument) {
        if (c == L'"')
            line.append(backslashes + 1,
                        L'\\'); // doubles the backslashes before the quote, and masks it
        backslashes = c == L'\\' ? backslashes + 1 : 0;
        line += c;
    }
    line.append(backslashes, L'\\');
    line += L'"';
}

// The program's file: as given if it says where, else searched on PATH alone, not in the current
// folder.
Result<std::wstring> find_program(const std::u16string& program) {
    if (program.find_first_of(u"\\/:") != std::u16string::npos) return to_wide(program);
    std::wstring found(32768, L'\0');
    const std::wstring search = to_wide(environment("PATH").value_or(u""));
    const DWORD length = SearchPathW(search.c_str(), to_wide(program).c_str(), L".exe",
                                     static_cast<DWORD>(found.size()), found.data(), nullptr);
    if (length == 0 || length >= found.size())
        return system_error(GetLastError(), text("find ", program, " on PATH"));
    found.resize(length);
    return found;
}

// A list of attributes for CreateProcessW that names one handle.
class HandleList {
public:
    explicit HandleList(HANDLE& handle) {
        SIZE_T size = 0;
        InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
        memory_.resize(size);
        is_made_ = size != 0 && InitializeProcThreadAttributeList(get(), 1, 0, &size);
        is_filled_ =
            is_made_ && UpdateProcThreadAttribute(get(), 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                                  &handle, sizeof handle, nullptr, nullptr);
    }
    HandleList(const HandleList&) = delete;
    HandleList& operator=(const HandleList&) = delete;
    ~HandleList() {
        if (is_made_) DeleteProcThreadAttributeList(get());
    }
    LPPROC_THREAD_ATTRIBUTE_LIST get() noexcept {
        return reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
    }
    bool is_filled() const noexcept { return is_filled_; }

private:
    std::vector<std::byte> memory_;
    bool is_made_ = false;
    bool is_filled_ = false;
};

Result<Handle> start(const std::wstring& program, std::wstring& line, HANDLE inherited) {
    Handle copy;
    if (!DuplicateHandle(GetCurrentProcess(), inherited, GetCurrentProcess(), copy.out(), 0, TRUE,
                         DUPLICATE_SAME_ACCESS)) {
        return system_error(GetLastError(), "copy the handle for a child process");
    }
    HANDLE listed = copy.get();
    HandleList list(listed);
    if (!list.is_filled())
        return system_error(GetLastError(), "list the handle for a child process");
    STARTUPINFOEXW startup{};
    startup.StartupInfo.cb = sizeof startup;
    startup.lpAttributeList = list.get();
    PROCESS_INFORMATION process{};
    if (!CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, TRUE,
                        EXTENDED_STARTUPINFO_PRESENT, nullptr, nullptr, &startup.StartupInfo,
                        &process)) {
        return system_error(GetLastError(), "run", program);
    }
    const Handle thread(process.hThread);
    return Handle(process.hProcess);
}

} // namespace

Result<int> run_child(const std::vector<std::u16string>& arguments, NativeHandle inherited,
                      bool& was_started) {
    was_started = false;
    if (arguments.empty()) return fail(ERROR_INVALID_PARAMETER, "there is no program to run");
    NTDSB_TRY(const auto program, find_program(arguments.front()));
    std::wstring line;
    for (const auto& argument : arguments) append_argument(line, to_wide(argument));
    NTDSB_TRY(const auto process, start(program, line, static_cast<HANDLE>(inherited)));
    was_started = true;
    DWORD status = 0;
    if (WaitForSingleObject(process.get(), INFINITE) != WAIT_OBJECT_0 ||
        !GetExitCodeProcess(process.get(), &status)) {
        return system_error(GetLastError(), "wait for", program);
    }
    return static_cast<int>(status);
}

} // namespace ntdsb::platform
