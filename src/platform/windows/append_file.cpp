// platform/append_file.h on Windows.
#include "platform/append_file.h"

#include "platform/disk_hook.h"
#include "platform/windows/system_error.h"

namespace ntdsb::platform {

Result<AppendFile> AppendFile::open(const Path& path) {
    NTDSB_TRY(const auto security, PrivateSecurity::make(PrivateSecurity::For::file));
    auto attributes = security.attributes();
    // The right to append without the right to write makes every write go to the file's end.
    const auto open_it = [&](DWORD disposition) {
        return Handle(CreateFileW(long_form(path).c_str(), FILE_APPEND_DATA | SYNCHRONIZE,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                  &attributes, disposition, FILE_ATTRIBUTE_NORMAL, nullptr));
    };
    Handle handle = open_it(OPEN_EXISTING);
    if (!handle && GetLastError() == ERROR_FILE_NOT_FOUND) {
        NTDSB_CHECK(about_to(DiskOperation::create, path));
        handle = open_it(OPEN_ALWAYS);
    }
    if (!handle) return system_error(GetLastError(), "open", path);
    return AppendFile(handle.release(), path);
}

AppendFile AppendFile::standard_error() noexcept {
    return AppendFile(GetStdHandle(STD_ERROR_HANDLE), {});
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : handle_(other.handle_), path_(std::move(other.path_)),
      owned_(std::exchange(other.owned_, false)) {}
AppendFile::~AppendFile() {
    if (owned_) CloseHandle(static_cast<HANDLE>(handle_));
}

bool AppendFile::append(std::string_view bytes) noexcept {
    if (owned_ && is_refused(DiskOperation::write, path_)) return false;
    DWORD put = 0;
    const auto size = static_cast<DWORD>(bytes.size());
    return handle_ && handle_ != INVALID_HANDLE_VALUE &&
           WriteFile(static_cast<HANDLE>(handle_), bytes.data(), size, &put, nullptr) &&
           put == size;
}

bool AppendFile::flush() noexcept {
    return !is_refused(DiskOperation::flush, path_) &&
           FlushFileBuffers(static_cast<HANDLE>(handle_)) != 0;
}

} // namespace ntdsb::platform
