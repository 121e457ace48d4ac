// Locks on Windows: a file opened with share mode 0. LockFileEx locks would die with the process
// that took them even where a child inherited the handle; such a handle holds until its last copy
// closes. Since nobody else can read the locked file, the holder's line is in a twin beside it,
// `<lock>.holder`.
#include "platform/lock.h"

#include "platform/disk_hook.h"
#include "platform/windows/system_error.h"

#include <algorithm>

namespace ntdsb::platform {
namespace {

constexpr std::size_t longest_holder = 1024;

Path holder_file(const Path& lock) {
    Path twin = lock;
    twin += L".holder";
    return twin;
}

// Backup semantics lets held privileges count (contract ACC-1).
constexpr DWORD open_flags =
    FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;

// Opens for reading and writing, and creates what is missing for its owner, Administrators and
// SYSTEM. Never follows a link.
Result<Handle> open_own_file(const Path& path, DWORD share) {
    constexpr DWORD access = GENERIC_READ | GENERIC_WRITE;
    const std::wstring name = long_form(path);
    Handle handle(
        CreateFileW(name.c_str(), access, share, nullptr, OPEN_EXISTING, open_flags, nullptr));
    DWORD error = handle ? ERROR_SUCCESS : GetLastError();
    if (error == ERROR_FILE_NOT_FOUND) {
        NTDSB_CHECK(about_to(DiskOperation::create, path));
        NTDSB_TRY(const auto security, PrivateSecurity::make(PrivateSecurity::For::file));
        auto attributes = security.attributes();
        handle = Handle(CreateFileW(name.c_str(), access, share, &attributes, OPEN_ALWAYS,
                                    open_flags, nullptr));
        error = handle ? ERROR_SUCCESS : GetLastError();
    }
    if (!handle) return system_error(error, "open the lock file", path);
    BY_HANDLE_FILE_INFORMATION information{};
    if (!GetFileInformationByHandle(handle.get(), &information)) {
        return system_error(GetLastError(), "examine the lock file", path);
    }
    if (information.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) {
        return fail(ERROR_CANT_RESOLVE_FILENAME, "the lock file ", wire_path(path),
                    " is a link; remove it");
    }
    if (information.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
        return fail(ERROR_ACCESS_DENIED, "the lock file ", wire_path(path),
                    " is a folder; remove it");
    return handle;
}

// Only the lock's holder comes here, so nobody else writes. Not flushed: the line matters while its
// writer lives, and a crash of the machine ends that. The new line is written over the old one
// before the rest is cut off, so that a reader, who stops at the line's end, sees one of them.
Result<void> write_holder(const Path& path, std::string_view holder) {
    std::string line(holder.substr(0, std::min(holder.find_first_of("\r\n"), longest_holder)));
    line += '\n';
    NTDSB_TRY(const auto file,
              open_own_file(path, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE));
    NTDSB_CHECK(about_to(DiskOperation::write, path));
    DWORD put = 0;
    if (!WriteFile(file.get(), line.data(), static_cast<DWORD>(line.size()), &put, nullptr))
        return system_error(GetLastError(), "write the holder's name to", path);
    NTDSB_CHECK(about_to(DiskOperation::truncate, path));
    if (!SetEndOfFile(file.get()))
        return system_error(GetLastError(), "write the holder's name to", path);
    return ok();
}

// Whether the file is open elsewhere as a lock, which shares nothing; a virus scanner or an indexer
// that has it open for a moment shares reading.
bool is_locked(const Path& path) {
    const Handle probe(CreateFileW(long_form(path).c_str(), GENERIC_READ,
                                   FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                   OPEN_EXISTING, open_flags, nullptr));
    return !probe && GetLastError() == ERROR_SHARING_VIOLATION;
}

// The lock's file, nobody else having it open; none where another holds the lock.
Result<std::optional<Handle>> open_exclusively(const Path& path) {
    constexpr int most_attempts = 20;
    constexpr DWORD pause_ms = 15;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto opened = open_own_file(path, 0);
        if (opened) return std::optional(std::move(opened).value());
        if (opened.error().code != ERROR_SHARING_VIOLATION) return std::move(opened).error();
        if (is_locked(path)) return std::optional<Handle>();
        Sleep(pause_ms);
    }
    return fail(ERROR_LOCK_VIOLATION, "the lock file ", wire_path(path),
                " is kept open by a program that is none of ours (a virus scanner?); exclude the "
                "state folder from it");
}

} // namespace

// A handle is never inherited unless it is handed on, so closing ours is all.
void Lock::release() noexcept { const Handle closing(std::exchange(handle_, nullptr)); }

Result<std::optional<Lock>> try_lock(const Path& path, std::string_view holder) {
    NTDSB_TRY(auto handle, open_exclusively(path));
    if (!handle) return std::optional<Lock>();
    Lock lock(handle->release());
    NTDSB_CHECK(write_holder(holder_file(path), holder));
    return std::optional<Lock>(std::move(lock));
}

std::string read_lock_holder(const Path& path) {
    const Handle file(CreateFileW(long_form(holder_file(path)).c_str(), GENERIC_READ,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                  OPEN_EXISTING, open_flags, nullptr));
    char line[longest_holder + 1];
    DWORD got = 0;
    if (!file || !ReadFile(file.get(), line, sizeof line, &got, nullptr)) return {};
    const std::string_view content(line, got);
    return std::string(content.substr(0, content.find('\n')));
}

} // namespace ntdsb::platform
