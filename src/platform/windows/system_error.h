// Inside of the platform layer: the one place where GetLastError becomes an Error, and the few
// things that every Windows twin needs: an owned handle, private access lists, the form of a path
// for W functions.
#pragma once

#include "core/path.h"
#include "core/result.h" // brings <windows.h>

#include <utility>

namespace ntdsb::platform {

// "could not <attempt> <path>: Access is denied. (error 5)"; the code stays the raw one, of Win32
// or, shown in hexadecimal, another of the system's (HRESULT, SECURITY_STATUS).
Error system_error(DWORD error, std::string_view attempt, const std::filesystem::path& path);
Error system_error(DWORD error, std::string_view attempt);

// UTF-16 as the W functions and as the library spell it.
std::wstring to_wide(std::u16string_view utf16);
std::u16string from_wide(std::wstring_view wide);

// `path` as the W functions take it: with \\?\ where it or a name in it would be too long without.
std::wstring long_form(const std::filesystem::path& path);

// Owns a HANDLE that CloseHandle closes; neither NULL nor INVALID_HANDLE_VALUE is closed.
class Handle {
public:
    Handle() noexcept = default;
    explicit Handle(HANDLE handle) noexcept : handle_(handle) {}
    Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
        if (this != &other) {
            close();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    ~Handle() { close(); }

    HANDLE get() const noexcept { return handle_; }
    HANDLE release() noexcept { return std::exchange(handle_, nullptr); }
    HANDLE* out() noexcept {
        return &handle_;
    } // for functions that return a handle through a pointer
    explicit operator bool() const noexcept {
        return handle_ != nullptr && handle_ != INVALID_HANDLE_VALUE;
    }

private:
    void close() noexcept {
        if (*this) CloseHandle(handle_);
    }
    HANDLE handle_ = nullptr;
};

// A security descriptor for what only its owner, Administrators and SYSTEM may touch.
class PrivateSecurity {
public:
    enum class For { file, folder };
    static Result<PrivateSecurity> make(For what);
    PrivateSecurity(PrivateSecurity&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
    PrivateSecurity& operator=(PrivateSecurity&&) = delete;
    ~PrivateSecurity();

    // Not inheritable; valid as long as this object.
    SECURITY_ATTRIBUTES attributes() const noexcept;

private:
    explicit PrivateSecurity(PSECURITY_DESCRIPTOR descriptor) noexcept : descriptor_(descriptor) {}
    PSECURITY_DESCRIPTOR descriptor_;
};

} // namespace ntdsb::platform
