// See service_figures.h.
#include "service_figures.h"

#include <stdexcept>

#ifdef _WIN32
#include <windows.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace ntdsb::bench {

namespace {
void must(bool holds) {
    if (!holds) throw std::runtime_error("the bare write failed");
}
} // namespace

#ifdef _WIN32

void bare_atomic_write(const platform::Path& to, const std::vector<std::byte>& from) {
    platform::Path temporary = to;
    temporary += L".new";
    DWORD put = 0;
    const HANDLE file = CreateFileW(temporary.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS,
                                    FILE_ATTRIBUTE_NORMAL, nullptr);
    must(file != INVALID_HANDLE_VALUE);
    must(WriteFile(file, from.data(), static_cast<DWORD>(from.size()), &put, nullptr));
    must(FlushFileBuffers(file));
    CloseHandle(file);
    must(MoveFileExW(temporary.c_str(), to.c_str(),
                     MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH));
}

#else

void bare_atomic_write(const platform::Path& to, const std::vector<std::byte>& from) {
    platform::Path temporary = to;
    temporary += ".new";
    const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(file >= 0 && ::write(file, from.data(), from.size()) == static_cast<ssize_t>(from.size()));
    must(::fsync(file) == 0);
    ::close(file);
    must(::rename(temporary.c_str(), to.c_str()) == 0);
    const int folder = ::open(to.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(folder >= 0 && ::fsync(folder) == 0);
    ::close(folder);
}

#endif

} // namespace ntdsb::bench
