// Inside of the platform layer: the one place where errno becomes an Error.
#pragma once

#include "core/path.h"
#include "core/result.h"

#include <cerrno>

namespace ntdsb::platform {

inline constexpr int no_file = -1; // the file descriptor that is none

// What a system call returns, called again whenever a signal has interrupted it, which a file
// system on a network or in user space lets happen to every call on a file.
template <class Call>
auto uninterrupted(Call call) noexcept {
    for (;;) {
        const auto returned = call();
        if (returned != -1 || errno != EINTR) return returned;
    }
}

// The Win32 code that says the same; ERROR_GEN_FAILURE where none does.
Code code_from_errno(int error) noexcept;

// "could not <attempt> <path>: No such file or directory (errno 2)"
Error errno_error(int error, std::string_view attempt, const std::filesystem::path& path);
Error errno_error(int error, std::string_view attempt);

} // namespace ntdsb::platform
