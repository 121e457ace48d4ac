#include "platform/windows/system_function.h"

#include "platform/windows/system_error.h"

#include <array>
#include <string>

namespace ntdsb::platform {

// By its full name, as Windows 7 without updates does not know LOAD_LIBRARY_SEARCH_SYSTEM32.
Result<void*> find_system_function(const wchar_t* library, const char* name) {
    std::array<wchar_t, MAX_PATH> folder{};
    const UINT length = GetSystemDirectoryW(folder.data(), static_cast<UINT>(folder.size()));
    if (length == 0 || length >= folder.size())
        return system_error(GetLastError(), "find the system's folder");
    const std::wstring file = std::wstring(folder.data(), length) + L"\\" + library;
    const HMODULE module = LoadLibraryExW(file.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (module == nullptr) return system_error(GetLastError(), "load a DLL of the system");
    void* const function = reinterpret_cast<void*>(GetProcAddress(module, name));
    if (function == nullptr) return system_error(GetLastError(), "find a function of the system");
    return function;
}

} // namespace ntdsb::platform
