// platform/shared_library.h on Windows.
#include "platform/shared_library.h"

#include "platform/windows/system_error.h"

namespace ntdsb::platform {

Result<void*> library_symbol(const Path& library, const char* symbol) {
    const HMODULE module =
        LoadLibraryExW(long_form(library).c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (module == nullptr) return system_error(GetLastError(), "load the library", library);
    void* const address = reinterpret_cast<void*>(GetProcAddress(module, symbol));
    if (address == nullptr)
        return fail(ERROR_PROC_NOT_FOUND, wire_path(library), " does not export ", symbol);
    return address;
}

} // namespace ntdsb::platform
