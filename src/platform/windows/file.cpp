// platform/file.h on Windows.
#include "platform/file.h"

#include "platform/disk_hook.h"
#include "platform/windows/system_error.h"

#include <algorithm>

namespace ntdsb::platform {
namespace {

constexpr DWORD share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

// One system call moves at most this much.
constexpr std::size_t most_bytes_per_call = std::size_t{1} << 30;

bool means_nothing_there(DWORD error) {
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ||
           error == ERROR_INVALID_DRIVE;
}

std::uint64_t join_halves(DWORD high, DWORD low) { return (std::uint64_t{high} << 32) | low; }

OVERLAPPED position(std::uint64_t offset) {
    OVERLAPPED at{};
    at.Offset = static_cast<DWORD>(offset);
    at.OffsetHigh = static_cast<DWORD>(offset >> 32);
    return at;
}

// Opens for attributes alone, which no sharing mode of others refuses; backup semantics opens
// folders, too.
Handle open_for_attributes(const Path& path, DWORD flags) {
    return Handle(CreateFileW(long_form(path).c_str(), FILE_READ_ATTRIBUTES, share_all, nullptr,
                              OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | flags, nullptr));
}

FileInfo info_from(DWORD attributes, DWORD size_high, DWORD size_low) {
    FileInfo info;
    info.is_link = (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
    info.is_folder = !info.is_link && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    info.size = info.is_link || info.is_folder ? 0 : join_halves(size_high, size_low);
    return info;
}

// The path of what is open, without links, in the form that the file functions take.
Result<Path> final_path(const Handle& handle, const Path& path) {
    std::wstring name(32768, L'\0');
    const DWORD length =
        GetFinalPathNameByHandleW(handle.get(), name.data(), static_cast<DWORD>(name.size()),
                                  FILE_NAME_NORMALIZED | VOLUME_NAME_DOS);
    if (length == 0 || length >= name.size()) return system_error(GetLastError(), "resolve", path);
    name.resize(length);
    return native_path(wire_path(Path(name))); // without \\?\ where it is not needed
}

// Where links are refused: what was opened as `path` must be at that path itself.
Result<void> check_place(const Handle& handle, const Path& path, Links links) {
    if (links == Links::followed) return ok();
    NTDSB_TRY(const auto found, final_path(handle, path));
    if (same_path(wire_path(found), wire_path(path))) return ok();
    return fail(link_refused, "could not use ", wire_path(path), ": a link leads from it to ",
                wire_path(found), ", and none is followed here");
}

// Where links are refused: the folder, itself and held, so that neither it nor one above it can be
// renamed and another take its place until the handle is closed. A right that sharing counts is
// asked for, since without one the handle would hold nothing.
Result<Handle> hold_folder(const Path& folder, Links links) {
    if (links == Links::followed) return Handle();
    Handle handle(CreateFileW(long_form(folder).c_str(), FILE_TRAVERSE | FILE_READ_ATTRIBUTES,
                              FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS, nullptr));
    if (!handle) return system_error(GetLastError(), "open the folder", folder);
    NTDSB_CHECK(check_place(handle, folder, links));
    return handle;
}

// Scanners and indexers hold new files open for moments: a refusal that they may have caused is
// tried again, for half a second at most.
Result<void> move_file(const Path& from, const Path& to, DWORD flags, Links links) {
    NTDSB_CHECK(about_to(DiskOperation::rename, to));
    NTDSB_TRY(const auto source_folder, hold_folder(from.parent_path(), links));
    NTDSB_TRY(const auto target_folder, hold_folder(to.parent_path(), links));
    const std::wstring source = long_form(from);
    const std::wstring target = long_form(to);
    DWORD error = 0;
    for (DWORD pause_ms = 1; pause_ms <= 256; pause_ms *= 2) {
        if (MoveFileExW(source.c_str(), target.c_str(), flags | MOVEFILE_WRITE_THROUGH))
            return ok();
        error = GetLastError();
        if (error != ERROR_ACCESS_DENIED && error != ERROR_SHARING_VIOLATION) break;
        Sleep(pause_ms);
    }
    if (error == ERROR_ALREADY_EXISTS) error = ERROR_FILE_EXISTS;
    return system_error(error, text("rename ", wire_path(from), " to"), to);
}

Result<void> create_one_folder(const Path& folder, const PrivateSecurity& security) {
    const DWORD attributes = GetFileAttributesW(long_form(folder).c_str());
    if (attributes != INVALID_FILE_ATTRIBUTES) {
        if (attributes & FILE_ATTRIBUTE_DIRECTORY) return ok();
        return system_error(ERROR_DIRECTORY, "use as a folder what is at", folder);
    }
    if (!means_nothing_there(GetLastError()))
        return system_error(GetLastError(), "look for the folder", folder);
    NTDSB_CHECK(about_to(DiskOperation::create_folder, folder));
    auto private_attributes = security.attributes();
    if (!CreateDirectoryW(long_form(folder).c_str(), &private_attributes) &&
        GetLastError() != ERROR_ALREADY_EXISTS) {
        return system_error(GetLastError(), "create the folder", folder);
    }
    return ok();
}

// Closes a search.
struct Search {
    HANDLE handle;
    ~Search() {
        if (handle != INVALID_HANDLE_VALUE) FindClose(handle);
    }
};

Result<BY_HANDLE_FILE_INFORMATION> identity(const Path& path, Links links) {
    const Handle handle = open_for_attributes(path, 0);
    BY_HANDLE_FILE_INFORMATION information{};
    if (!handle || !GetFileInformationByHandle(handle.get(), &information)) {
        return system_error(GetLastError(), "examine", path);
    }
    NTDSB_CHECK(check_place(handle, path, links));
    return information;
}

} // namespace

Result<File> File::open_read(const Path& path, Links links) {
    NTDSB_CHECK(about_to(ReadOperation::open, path));
    NTDSB_TRY(const auto folder, hold_folder(path.parent_path(), links));
    // Backup semantics lets a held SE_BACKUP privilege count (contract ACC-1); it also opens
    // folders, which are refused here.
    Handle handle(CreateFileW(long_form(path).c_str(), GENERIC_READ, share_all, nullptr,
                              OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS,
                              nullptr));
    if (!handle) return system_error(GetLastError(), "open", path);
    BY_HANDLE_FILE_INFORMATION information{};
    const bool is_file = GetFileType(handle.get()) == FILE_TYPE_DISK &&
                         GetFileInformationByHandle(handle.get(), &information) &&
                         !(information.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY);
    if (!is_file)
        return fail(ERROR_ACCESS_DENIED, "could not open ", wire_path(path), ": it is not a file");
    NTDSB_CHECK(check_place(handle, path, links));
    return File(handle.release(), path);
}

namespace {

// Without `attributes` the file has what its folder hands down.
Result<Handle> create_file(const Path& path, SECURITY_ATTRIBUTES* attributes, Links links) {
    NTDSB_CHECK(about_to(DiskOperation::create, path));
    NTDSB_TRY(const auto folder, hold_folder(path.parent_path(), links));
    Handle handle(CreateFileW(long_form(path).c_str(), GENERIC_READ | GENERIC_WRITE,
                              FILE_SHARE_READ | FILE_SHARE_DELETE, attributes, CREATE_NEW,
                              FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS |
                                  FILE_FLAG_OPEN_REPARSE_POINT,
                              nullptr));
    if (!handle) return system_error(GetLastError(), "create", path);
    NTDSB_CHECK(check_place(handle, path, links));
    return handle;
}

} // namespace

Result<File> File::create_new(const Path& path) {
    NTDSB_TRY(const auto security, PrivateSecurity::make(PrivateSecurity::For::file));
    auto attributes = security.attributes();
    NTDSB_TRY(auto handle, create_file(path, &attributes, Links::followed));
    return File(handle.release(), path);
}

Result<File> File::create_shared(const Path& path, Links links) {
    NTDSB_TRY(auto handle, create_file(path, nullptr, links));
    return File(handle.release(), path);
}

File::File(NativeHandle handle, Path path) noexcept : handle_(handle), path_(std::move(path)) {}
File::File(File&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)) {}
File& File::operator=(File&& other) noexcept {
    if (this != &other) {
        const Handle old(std::exchange(handle_, std::exchange(other.handle_, nullptr)));
        path_ = std::move(other.path_);
    }
    return *this;
}
File::~File() { const Handle closing(handle_); }

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    NTDSB_CHECK(about_to(ReadOperation::read, path_, offset));
    std::size_t done = 0;
    while (done < into.size()) {
        const auto count = static_cast<DWORD>(std::min(into.size() - done, most_bytes_per_call));
        OVERLAPPED at = position(offset + done);
        DWORD got = 0;
        if (!ReadFile(handle_, into.data() + done, count, &got, &at)) {
            if (GetLastError() == ERROR_HANDLE_EOF) break;
            return system_error(GetLastError(), "read from", path_);
        }
        if (got == 0) break;
        done += got;
    }
    return done;
}

Result<std::size_t> File::read_alone(std::uint64_t offset, std::span<std::byte> into) const {
    LARGE_INTEGER to;
    to.QuadPart = static_cast<LONGLONG>(offset);
    if (!SetFilePointerEx(handle_, to, nullptr, FILE_BEGIN))
        return system_error(GetLastError(), "read from", path_);
    std::size_t done = 0;
    while (done < into.size()) {
        const auto count = static_cast<DWORD>(std::min(into.size() - done, most_bytes_per_call));
        DWORD got = 0;
        if (!ReadFile(handle_, into.data() + done, count, &got, nullptr))
            return system_error(GetLastError(), "read from", path_);
        if (got == 0) break;
        done += got;
    }
    return done;
}

Result<void> File::write_at(std::uint64_t offset, std::span<const std::byte> from) {
    NTDSB_CHECK(about_to(DiskOperation::write, path_));
    std::size_t done = 0;
    while (done < from.size()) {
        const auto count = static_cast<DWORD>(std::min(from.size() - done, most_bytes_per_call));
        OVERLAPPED at = position(offset + done);
        DWORD put = 0;
        if (!WriteFile(handle_, from.data() + done, count, &put, &at)) {
            return system_error(GetLastError(), "write to", path_);
        }
        if (put == 0) return system_error(ERROR_DISK_FULL, "write to", path_);
        done += put;
    }
    return ok();
}

Result<void> File::flush() {
    NTDSB_CHECK(about_to(DiskOperation::flush, path_));
    if (!FlushFileBuffers(handle_)) return system_error(GetLastError(), "flush", path_);
    return ok();
}

Result<std::uint64_t> File::size() const {
    NTDSB_CHECK(about_to(ReadOperation::examine, path_));
    LARGE_INTEGER size{};
    if (!GetFileSizeEx(handle_, &size)) return system_error(GetLastError(), "examine", path_);
    return static_cast<std::uint64_t>(size.QuadPart);
}

Result<std::uint64_t> File::name_count() const {
    NTDSB_CHECK(about_to(ReadOperation::examine, path_));
    BY_HANDLE_FILE_INFORMATION information{};
    if (!GetFileInformationByHandle(handle_, &information))
        return system_error(GetLastError(), "examine", path_);
    return information.nNumberOfLinks;
}

Result<std::optional<FileInfo>> file_info(const Path& path, Links links) {
    NTDSB_CHECK(about_to(ReadOperation::examine, path));
    // Where links are refused, what one at `path` leads to is seen to be elsewhere.
    const DWORD flags = links == Links::followed ? FILE_FLAG_OPEN_REPARSE_POINT : 0;
    const Handle handle = open_for_attributes(path, flags);
    BY_HANDLE_FILE_INFORMATION information{};
    if (handle && GetFileInformationByHandle(handle.get(), &information)) {
        NTDSB_CHECK(check_place(handle, path, links));
        return std::optional<FileInfo>(info_from(
            information.dwFileAttributes, information.nFileSizeHigh, information.nFileSizeLow));
    }
    const DWORD error = GetLastError();
    if (means_nothing_there(error)) return std::optional<FileInfo>();
    return system_error(error, "examine", path);
}

Result<std::vector<FolderEntry>> list_folder(const Path& folder, Links links) {
    NTDSB_CHECK(about_to(ReadOperation::list, folder));
    NTDSB_TRY(const auto held, hold_folder(folder, links));
    WIN32_FIND_DATAW found{};
    const Search search{FindFirstFileExW(long_form(folder / L"*").c_str(), FindExInfoBasic, &found,
                                         FindExSearchNameMatch, nullptr, 0)};
    std::vector<FolderEntry> entries;
    if (search.handle == INVALID_HANDLE_VALUE) {
        if (GetLastError() == ERROR_FILE_NOT_FOUND) return entries; // an empty drive
        return system_error(GetLastError(), "list the folder", folder);
    }
    do {
        const std::wstring_view name = found.cFileName;
        if (name == L"." || name == L"..") continue;
        entries.push_back(
            FolderEntry{Path(name), info_from(found.dwFileAttributes, found.nFileSizeHigh,
                                              found.nFileSizeLow)});
    } while (FindNextFileW(search.handle, &found));
    if (GetLastError() != ERROR_NO_MORE_FILES)
        return system_error(GetLastError(), "list the folder", folder);
    return entries;
}

Result<void> rename_replace(const Path& from, const Path& to) {
    return move_file(from, to, MOVEFILE_REPLACE_EXISTING, Links::followed);
}

Result<void> rename_new(const Path& from, const Path& to, Links links) {
    return move_file(from, to, 0, links);
}

Result<void> remove_file(const Path& path, Links links) {
    NTDSB_CHECK(about_to(DiskOperation::remove, path));
    NTDSB_TRY(const auto folder, hold_folder(path.parent_path(), links));
    if (!DeleteFileW(long_form(path).c_str())) return system_error(GetLastError(), "remove", path);
    return ok();
}

Result<void> flush_folder(const Path& folder, Links) {
    return about_to(DiskOperation::flush_folder, folder);
}

Result<void> flush_file(const Path& path, Links links) {
    NTDSB_CHECK(about_to(DiskOperation::flush, path));
    NTDSB_TRY(const auto folder, hold_folder(path.parent_path(), links));
    const Handle handle(CreateFileW(long_form(path).c_str(), GENERIC_WRITE, share_all, nullptr,
                                    OPEN_EXISTING,
                                    FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS, nullptr));
    if (!handle) return system_error(GetLastError(), "open to flush", path);
    NTDSB_CHECK(check_place(handle, path, links));
    if (!FlushFileBuffers(handle.get())) return system_error(GetLastError(), "flush", path);
    return ok();
}

Result<void> create_private_folder(const Path& folder) {
    NTDSB_TRY(const auto security, PrivateSecurity::make(PrivateSecurity::For::folder));
    Path part = folder.root_path();
    for (const Path& component : folder.relative_path()) {
        part /= component;
        if (!component.empty()) NTDSB_CHECK(create_one_folder(part, security));
    }
    return ok();
}

Result<Path> resolved_path(const Path& path) {
    NTDSB_CHECK(about_to(ReadOperation::examine, path));
    Path existing = path;
    Path rest;
    for (;;) {
        const Handle handle = open_for_attributes(existing, 0);
        if (handle) {
            NTDSB_TRY(const Path found, final_path(handle, path));
            return rest.empty() ? found : found / rest;
        }
        const DWORD error = GetLastError();
        if (!means_nothing_there(error) || !existing.has_relative_path())
            return system_error(error, "resolve", path);
        NTDSB_TRY(const auto info, file_info(existing));
        if (info)
            return fail(ERROR_CANT_RESOLVE_FILENAME, wire_path(existing),
                        " is a link that leads nowhere");
        const Path name = existing.filename();
        if (name == L"..") return system_error(error, "resolve", path);
        if (!name.empty() && name != L".") rest = rest.empty() ? name : name / rest;
        existing = existing.parent_path();
    }
}

Result<bool> is_same_file(const Path& a, const Path& b, Links links) {
    NTDSB_CHECK(about_to(ReadOperation::examine, a));
    NTDSB_TRY(const auto x, identity(a, links));
    NTDSB_TRY(const auto y, identity(b, links));
    return x.dwVolumeSerialNumber == y.dwVolumeSerialNumber &&
           x.nFileIndexHigh == y.nFileIndexHigh && x.nFileIndexLow == y.nFileIndexLow;
}

} // namespace ntdsb::platform
