// platform/append_file.h on Windows.
#include "platform/append_file.h"

#include "platform/windows/system_error.h"

namespace ntdsb::platform {

Result<AppendFile> AppendFile::open(const Path& path) {
    NTDSB_TRY(const auto security, PrivateSecurity::make(PrivateSecurity::For::file));
    auto attributes = security.attributes();
    // The right to append without the right to write makes every write go to the file's end.
    Handle handle(CreateFileW(long_form(path).c_str(), FILE_APPEND_DATA | SYNCHRONIZE,
                              FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, &attributes,
                              OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr));
    if (!handle) return system_error(GetLastError(), "open", path);
    return AppendFile(handle.release(), true);
}

AppendFile AppendFile::standard_error() noexcept {
    return AppendFile(GetStdHandle(STD_ERROR_HANDLE), false);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : handle_(other.handle_), owned_(std::exchange(other.owned_, false)) {}
AppendFile::~AppendFile() {
    if (owned_) CloseHandle(static_cast<HANDLE>(handle_));
}

bool AppendFile::append(std::string_view bytes) noexcept {
    DWORD put = 0;
    const auto size = static_cast<DWORD>(bytes.size());
    return handle_ && handle_ != INVALID_HANDLE_VALUE &&
           WriteFile(static_cast<HANDLE>(handle_), bytes.data(), size, &put, nullptr) &&
           put == size;
}

bool AppendFile::flush() noexcept { return FlushFileBuffers(static_cast<HANDLE>(handle_)) != 0; }

} // namespace ntdsb::platform
