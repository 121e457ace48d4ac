// platform/file.h on POSIX systems.
#include "platform/file.h"

#include "platform/disk_hook.h"
#include "platform/posix/located.h"
#include "platform/posix/system_error.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ntdsb::platform {
namespace {

// One system call moves at most this much; Linux itself stops a page short of 2 GiB.
constexpr std::size_t most_bytes_per_call = std::size_t{1} << 30;

void close_file(int handle) noexcept {
    if (handle != no_file) ::close(handle);
}

FileInfo info_from(const struct stat& status) {
    FileInfo info;
    info.is_folder = S_ISDIR(status.st_mode);
    info.is_link = S_ISLNK(status.st_mode);
    info.size = S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
    return info;
}

// Makes one folder; what is there already is fine if it is a folder (or leads to one).
Result<void> create_one_folder(const Path& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode)) return ok();
        return errno_error(ENOTDIR, "use as a folder what is at", folder);
    }
    if (errno != ENOENT) return errno_error(errno, "look for the folder", folder);
    NTDSB_CHECK(about_to(DiskOperation::create_folder, folder));
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return errno_error(errno, "create the folder", folder);
    return flush_folder(folder.parent_path());
}

Result<void> rename_with_flags(const Path& from, const Path& to, unsigned flags, Links links) {
    NTDSB_CHECK(about_to(DiskOperation::rename, to));
    NTDSB_TRY(const auto source, Located::file(from, links));
    NTDSB_TRY(const auto target, Located::file(to, links));
    if (::renameat2(source.at(), source.name(), target.at(), target.name(), flags) == 0)
        return ok();
    return errno_error(errno, text("rename ", wire_path(from), " to"), to);
}

// `flags` as fstatat takes them.
Result<struct stat> status_of(const Path& path, Links links, int flags) {
    NTDSB_TRY(const auto place, Located::file(path, links));
    flags |= place.no_follow(AT_SYMLINK_NOFOLLOW);
    struct stat status {};
    if (::fstatat(place.at(), place.name(), &status, flags) != 0)
        return errno_error(errno, "examine", path);
    if (links == Links::refused && S_ISLNK(status.st_mode)) return link_error(path, path);
    return status;
}

Result<Descriptor> open_folder(const Path& folder, Links links) {
    NTDSB_TRY(const auto place, Located::folder(folder, links));
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    Descriptor handle(uninterrupted([&] { return ::openat(place.at(), place.name(), flags); }));
    if (!handle) return errno_error(errno, "open the folder", folder);
    return handle;
}

} // namespace

Result<File> File::open_read(const Path& path, Links links) {
    NTDSB_CHECK(about_to(ReadOperation::open, path));
    NTDSB_TRY(const auto place, Located::file(path, links));
    // Nonblocking, so that a FIFO in a file's place fails below instead of waiting for a writer.
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | place.no_follow(O_NOFOLLOW);
    const int handle = uninterrupted([&] { return ::openat(place.at(), place.name(), flags); });
    if (handle == no_file) return place.failure(errno, "open");
    File file(handle, path);
    struct stat status {};
    if (::fstat(handle, &status) != 0) return errno_error(errno, "examine", path);
    if (!S_ISREG(status.st_mode))
        return fail(ERROR_ACCESS_DENIED, "could not open ", wire_path(path), ": it is not a file");
    return file;
}

namespace {

Result<int> create_file(const Located& place, const Path& path) {
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const int handle =
        uninterrupted([&] { return ::openat(place.at(), place.name(), flags, 0600); });
    if (handle == no_file) return errno_error(errno, "create", path);
    return handle;
}

} // namespace

Result<File> File::create_new(const Path& path) {
    NTDSB_CHECK(about_to(DiskOperation::create, path));
    NTDSB_TRY(const auto place, Located::file(path, Links::followed));
    NTDSB_TRY(const int handle, create_file(place, path));
    return File(handle, path);
}

Result<File> File::create_shared(const Path& path, Links links) {
    NTDSB_CHECK(about_to(DiskOperation::create, path));
    NTDSB_TRY(const auto place, Located::file(path, links));
    NTDSB_TRY(const int handle, create_file(place, path));
    File file(handle, path);
    struct stat folder {};
    const int examined = links == Links::refused ? ::fstat(place.at(), &folder)
                                                 : ::stat(path.parent_path().c_str(), &folder);
    if (examined != 0) return errno_error(errno, "examine the folder of", path);
    const mode_t group_rights = folder.st_mode & (S_IRGRP | S_IWGRP);
    const bool is_anothers = folder.st_uid != ::geteuid() || folder.st_gid != ::getegid();
    // Only root can give a file away; whoever else may write here made the folder's other files too.
    if (is_anothers && ::geteuid() == 0 &&
        uninterrupted([&] { return ::fchown(file.handle_, folder.st_uid, folder.st_gid); }) != 0)
        return errno_error(errno, "give to its folder's owner", path);
    const mode_t rights = S_IRUSR | S_IWUSR | group_rights;
    if (uninterrupted([&] { return ::fchmod(file.handle_, rights); }) != 0)
        return errno_error(errno, "set the rights of", path);
    return file;
}

File::File(NativeHandle handle, Path path) noexcept : handle_(handle), path_(std::move(path)) {}
File::File(File&& other) noexcept
    : handle_(std::exchange(other.handle_, no_file)), path_(std::move(other.path_)) {}
File& File::operator=(File&& other) noexcept {
    if (this != &other) {
        close_file(std::exchange(handle_, std::exchange(other.handle_, no_file)));
        path_ = std::move(other.path_);
    }
    return *this;
}
File::~File() { close_file(handle_); }

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    NTDSB_CHECK(about_to(ReadOperation::read, path_, offset));
    std::size_t done = 0;
    while (done < into.size()) {
        const auto count = std::min(into.size() - done, most_bytes_per_call);
        const auto at = static_cast<off_t>(offset + done);
        const auto got =
            uninterrupted([&] { return ::pread(handle_, into.data() + done, count, at); });
        if (got < 0) return errno_error(errno, "read from", path_);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

Result<std::size_t> File::read_alone(std::uint64_t offset, std::span<std::byte> into) const {
    return read_at(offset, into);
}

Result<void> File::write_at(std::uint64_t offset, std::span<const std::byte> from) {
    NTDSB_CHECK(about_to(DiskOperation::write, path_));
    std::size_t done = 0;
    while (done < from.size()) {
        const auto count = std::min(from.size() - done, most_bytes_per_call);
        const auto at = static_cast<off_t>(offset + done);
        const auto put =
            uninterrupted([&] { return ::pwrite(handle_, from.data() + done, count, at); });
        if (put < 0) return errno_error(errno, "write to", path_);
        done += static_cast<std::size_t>(put);
    }
    return ok();
}

Result<void> File::flush() {
    NTDSB_CHECK(about_to(DiskOperation::flush, path_));
    if (uninterrupted([&] { return ::fsync(handle_); }) != 0)
        return errno_error(errno, "flush", path_);
    return ok();
}

Result<std::uint64_t> File::size() const {
    NTDSB_CHECK(about_to(ReadOperation::examine, path_));
    struct stat status {};
    if (::fstat(handle_, &status) != 0) return errno_error(errno, "examine", path_);
    return static_cast<std::uint64_t>(status.st_size);
}

Result<std::uint64_t> File::name_count() const {
    NTDSB_CHECK(about_to(ReadOperation::examine, path_));
    struct stat status {};
    if (::fstat(handle_, &status) != 0) return errno_error(errno, "examine", path_);
    return static_cast<std::uint64_t>(status.st_nlink);
}

Result<std::optional<FileInfo>> file_info(const Path& path, Links links) {
    NTDSB_CHECK(about_to(ReadOperation::examine, path));
    auto status = status_of(path, links, AT_SYMLINK_NOFOLLOW);
    if (status) return std::optional<FileInfo>(info_from(status.value()));
    const Code code = status.error().code;
    if (code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND)
        return std::optional<FileInfo>();
    return std::move(status).error();
}

Result<std::vector<FolderEntry>> list_folder(const Path& folder, Links links) {
    NTDSB_CHECK(about_to(ReadOperation::list, folder));
    struct Close {
        void operator()(DIR* stream) const noexcept { ::closedir(stream); }
    };
    NTDSB_TRY(auto handle, open_folder(folder, links));
    const std::unique_ptr<DIR, Close> stream(::fdopendir(handle.get()));
    if (!stream) return errno_error(errno, "list the folder", folder);
    static_cast<void>(handle.release()); // the stream's
    std::vector<FolderEntry> entries;
    for (;;) {
        errno = 0;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): safe on a stream that no other thread has
        const dirent* entry = ::readdir(stream.get());
        if (!entry) break;
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        struct stat status {};
        if (::fstatat(::dirfd(stream.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) continue; // removed while we listed
            return errno_error(errno, "examine", folder / name);
        }
        entries.push_back(FolderEntry{Path(name), info_from(status)});
    }
    if (errno != 0) return errno_error(errno, "list the folder", folder);
    return entries;
}

Result<void> rename_replace(const Path& from, const Path& to) {
    return rename_with_flags(from, to, 0, Links::followed);
}

Result<void> rename_new(const Path& from, const Path& to, Links links) {
    auto renamed = rename_with_flags(from, to, RENAME_NOREPLACE, links);
    if (renamed || (renamed.error().code != ERROR_INVALID_PARAMETER &&
                    renamed.error().code != ERROR_NOT_SUPPORTED))
        return renamed;
    // The file system knows no such rename: a second name and the first one's removal do the same.
    NTDSB_CHECK(about_to(DiskOperation::rename, to));
    NTDSB_TRY(const auto source, Located::file(from, links));
    NTDSB_TRY(const auto target, Located::file(to, links));
    if (::linkat(source.at(), source.name(), target.at(), target.name(), 0) != 0)
        return errno_error(errno, text("rename ", wire_path(from), " to"), to);
    return remove_file(from, links);
}

Result<void> remove_file(const Path& path, Links links) {
    NTDSB_CHECK(about_to(DiskOperation::remove, path));
    NTDSB_TRY(const auto place, Located::file(path, links));
    if (::unlinkat(place.at(), place.name(), 0) != 0) return errno_error(errno, "remove", path);
    return ok();
}

Result<void> flush_folder(const Path& folder, Links links) {
    NTDSB_CHECK(about_to(DiskOperation::flush_folder, folder));
    NTDSB_TRY(const auto handle, open_folder(folder.empty() ? Path(".") : folder, links));
    // EINVAL: nothing to flush there.
    if (uninterrupted([&] { return ::fsync(handle.get()); }) != 0 && errno != EINVAL)
        return errno_error(errno, "flush the folder", folder);
    return ok();
}

Result<void> flush_file(const Path& path, Links links) {
    NTDSB_TRY(auto file, File::open_read(path, links)); // fsync asks for no right to write
    return file.flush();
}

Result<void> create_private_folder(const Path& folder) {
    Path part;
    for (const Path& component : folder) {
        part /= component;
        if (component != folder.root_path()) NTDSB_CHECK(create_one_folder(part));
    }
    return ok();
}

Result<Path> resolved_path(const Path& path) {
    NTDSB_CHECK(about_to(ReadOperation::examine, path));
    struct Free {
        void operator()(char* memory) const noexcept { std::free(memory); }
    };
    Path existing = path;
    Path rest;
    for (;;) {
        const std::unique_ptr<char, Free> resolved(::realpath(existing.c_str(), nullptr));
        if (resolved) return rest.empty() ? Path(resolved.get()) : Path(resolved.get()) / rest;
        if (errno != ENOENT || !existing.has_relative_path())
            return errno_error(errno, "resolve", path);
        NTDSB_TRY(const auto info, file_info(existing));
        if (info)
            return fail(ERROR_CANT_RESOLVE_FILENAME, wire_path(existing),
                        " is a link that leads nowhere");
        const Path name = existing.filename();
        if (name == "..") return errno_error(ENOENT, "resolve", path);
        if (!name.empty() && name != ".") rest = rest.empty() ? name : name / rest;
        existing = existing.parent_path();
    }
}

Result<bool> is_same_file(const Path& a, const Path& b, Links links) {
    NTDSB_CHECK(about_to(ReadOperation::examine, a));
    NTDSB_TRY(const auto x, status_of(a, links, 0));
    NTDSB_TRY(const auto y, status_of(b, links, 0));
    return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

} // namespace ntdsb::platform
