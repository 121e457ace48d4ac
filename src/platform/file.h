// Files and folders, as much as the service needs: positioned reads, durable creation and
// replacement, listing. One header, twin implementations (windows/, posix/). Knows no format. Every
// failure carries the Win32 code that corresponds (ERROR_FILE_NOT_FOUND, ERROR_ACCESS_DENIED,
// ERROR_DISK_FULL, ERROR_WRITE_PROTECT, ...) and a sentence that names the file. All functions are
// thread-safe; one File may be read by several threads.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ntdsb::platform {

using Path = std::filesystem::path;

#ifdef _WIN32
using NativeHandle = void*; // HANDLE
#else
using NativeHandle = int; // file descriptor
#endif

// Whether a path may lead through links: symbolic ones, on Windows every reparse point that leads
// elsewhere. Where they are refused, a function reaches only what is at the path itself, also if a
// component is exchanged for a link at that very moment; else it fails with link_refused, a link as
// the last component included. What renames or removes takes the last one as it is in either case.
// `path` is then one without links and "..", as resolved_path gives it.
enum class Links { followed, refused };
inline constexpr Code link_refused =
    681; // ERROR_STOPPED_ON_SYMLINK, which not every winerror.h has

// An open file, closed by the destructor. Never inherited by child processes.
class File {
public:
    // For reading, shared with readers, writers and deleters (a directory's files may be open
    // elsewhere).
    static Result<File> open_read(const Path& path, Links links = Links::followed);
    // For reading and writing, owner only; ERROR_FILE_EXISTS if there is one. Never follows a
    // symbolic link at the last component.
    static Result<File> create_new(const Path& path);
    // The same with the owner and the rights that the folder's own files have: for files that
    // another account shall read. POSIX: the folder's owner and group, and its group's rights.
    static Result<File> create_shared(const Path& path, Links links = Links::followed);

    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    ~File();

    // Reads until `into` is full or the file ends; returns the bytes read. `into` may be empty.
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const;
    // The same for a file that one thread at a time reads: it moves the file's own position. Under
    // Wine a read with an OVERLAPPED costs a round trip to wineserver, this one does not.
    Result<std::size_t> read_alone(std::uint64_t offset, std::span<std::byte> into) const;
    Result<void> write_at(std::uint64_t offset, std::span<const std::byte> from);
    // The data and the size are on stable storage when this returns (fsync, FlushFileBuffers).
    Result<void> flush();
    Result<std::uint64_t> size() const;
    // How many names (hard links) the file has.
    Result<std::uint64_t> name_count() const;
    const Path& path() const noexcept { return path_; }

private:
    File(NativeHandle handle, Path path) noexcept;
    NativeHandle handle_;
    Path path_;
};

struct FileInfo {
    std::uint64_t size = 0;
    bool is_folder = false;
    // Symbolic link, junction or other reparse point; never followed for this answer.
    bool is_link = false;
};

struct FolderEntry {
    Path name; // the last component alone
    FileInfo info;
};

// Nothing there is std::nullopt, not an error.
Result<std::optional<FileInfo>> file_info(const Path& path, Links links = Links::followed);
// Without "." and "..", in no order.
Result<std::vector<FolderEntry>> list_folder(const Path& folder, Links links = Links::followed);

// Renames atomically; an existing `to` is replaced. Not durable until flush_folder.
Result<void> rename_replace(const Path& from, const Path& to);
// Renames atomically; ERROR_FILE_EXISTS if `to` exists.
Result<void> rename_new(const Path& from, const Path& to, Links links = Links::followed);
// ERROR_FILE_NOT_FOUND if there is none.
Result<void> remove_file(const Path& path, Links links = Links::followed);
// Makes renames, creations and removals in `folder` durable. Nothing to do on Windows, whose file
// systems journal them; there it succeeds.
Result<void> flush_folder(const Path& folder, Links links = Links::followed);
// What another program wrote to `path` is on stable storage when this returns. Windows asks for the
// right to write the file.
Result<void> flush_file(const Path& path, Links links = Links::followed);
// Creates the folder and its missing parents for their owner alone (mode 0700; Windows:
// Administrators and SYSTEM). An existing folder is left as it is.
Result<void> create_private_folder(const Path& folder);

// Writes `content` to `path` so that a crash at any moment leaves the old file or the new one: a
// new file beside it, flush, rename, flush of the folder.
Result<void> replace_file_durably(const Path& path, std::span<const std::byte> content);
// The whole file; ERROR_FILE_TOO_LARGE-like error (ERROR_INVALID_DATA) when it is longer than
// `limit`.
Result<std::vector<std::byte>> read_whole_file(const Path& path, std::size_t limit);

// The file's true path with links resolved, of an existing file or of a path whose existing part is
// resolved and whose rest is appended.
Result<Path> resolved_path(const Path& path);
// Whether two existing paths are the same file (device and inode, volume and index).
Result<bool> is_same_file(const Path& a, const Path& b, Links links = Links::followed);

// Test seam. Called before each operation that changes the disk (Windows: the registry, too); a
// code other than 0 is returned by the operation instead of doing it. A hook may also end the
// process, to try a crash at that point. Null in production.
enum class DiskOperation {
    create,
    write,
    truncate,
    flush,
    rename,
    remove,
    flush_folder,
    create_folder,
    create_key,
    set_value,
    flush_key,
    remove_key
};
inline constexpr std::size_t disk_operations = 12;
std::string_view name_of(DiskOperation operation) noexcept;
using DiskHook = Code (*)(DiskOperation operation, const Path& path);
void set_disk_hook(DiskHook hook) noexcept;

// The same for what only reads: opening for reading and locking, reading, asking what is there,
// listing. The hook also gets where a read begins, 0 of the others.
enum class ReadOperation { open, read, examine, list };
inline constexpr std::size_t read_operations = 4;
std::string_view name_of(ReadOperation operation) noexcept;
using ReadHook = Code (*)(ReadOperation operation, const Path& path, std::uint64_t offset);
void set_read_hook(ReadHook hook) noexcept;

} // namespace ntdsb::platform
