// platform/shared_library.h on POSIX systems.
#include "platform/shared_library.h"

#include "core/path.h"

#include <dlfcn.h>

namespace ntdsb::platform {

Result<void*> library_symbol(const Path& library, const char* symbol) {
    void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char* const why =
            ::dlerror(); // NOLINT(concurrency-mt-unsafe): glibc keeps one a thread
        return fail(ERROR_MOD_NOT_FOUND, "could not load ", wire_path(library), ": ",
                    why == nullptr ? "the system does not say why" : why);
    }
    void* const address = ::dlsym(handle, symbol);
    if (address == nullptr)
        return fail(ERROR_PROC_NOT_FOUND, wire_path(library), " does not export ", symbol);
    return address;
}

} // namespace ntdsb::platform
