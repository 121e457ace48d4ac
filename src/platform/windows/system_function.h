// Functions of system DLLs that most processes never need: their DLLs are loaded by the first use,
// since loading them takes longer than all else of ntdsbcli.dll together.
#pragma once

#include "core/result.h"

#include <atomic>

namespace ntdsb::platform {

// From the system's own folder, which no search path leads around. The DLL stays loaded.
Result<void*> find_system_function(const wchar_t* library, const char* name);

// One function, of the type `Function`. Thread-safe; a failure is tried anew the next time.
template <class Function>
class SystemFunction {
public:
    constexpr SystemFunction(const wchar_t* library, const char* name)
        : library_(library), name_(name) {}
    Result<Function*> get() {
        void* found = found_;
        if (found == nullptr) {
            NTDSB_TRY(found, find_system_function(library_, name_));
            found_ = found;
        }
        return reinterpret_cast<Function*>(found);
    }

private:
    const wchar_t* library_;
    const char* name_;
    std::atomic<void*> found_{nullptr};
};

} // namespace ntdsb::platform
