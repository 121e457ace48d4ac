// errno to Win32 codes, and the sentence that goes with them.
#include "platform/posix/system_error.h"

#include <cerrno>
#include <system_error>

namespace ntdsb::platform {
namespace {

struct Row {
    int error;
    Code code;
};

constexpr Row rows[] = {
    {ENOENT, ERROR_FILE_NOT_FOUND},
    {ENOTDIR, ERROR_PATH_NOT_FOUND},
    {EACCES, ERROR_ACCESS_DENIED},
    {EPERM, ERROR_ACCESS_DENIED},
    {EISDIR, ERROR_ACCESS_DENIED},
    {EEXIST, ERROR_FILE_EXISTS},
    {ENOTEMPTY, ERROR_DIR_NOT_EMPTY},
    {ENOSPC, ERROR_DISK_FULL},
    {EDQUOT, ERROR_DISK_FULL},
    {EFBIG, ERROR_DISK_FULL},
    {EROFS, ERROR_WRITE_PROTECT},
    {EXDEV, ERROR_NOT_SAME_DEVICE},
    {EIO, ERROR_IO_DEVICE},
    {ENOMEM, ERROR_NOT_ENOUGH_MEMORY},
    {EMFILE, ERROR_TOO_MANY_OPEN_FILES},
    {ENFILE, ERROR_TOO_MANY_OPEN_FILES},
    {EBUSY, ERROR_BUSY},
    {ETXTBSY, ERROR_SHARING_VIOLATION},
    {EAGAIN, ERROR_LOCK_VIOLATION},
    {ELOOP, ERROR_CANT_RESOLVE_FILENAME},
    {ENAMETOOLONG, ERROR_FILENAME_EXCED_RANGE},
    {EINVAL, ERROR_INVALID_PARAMETER},
    {EBADF, ERROR_INVALID_HANDLE},
    {EPIPE, ERROR_BROKEN_PIPE},
    {EINTR, ERROR_OPERATION_ABORTED},
    {ENOSYS, ERROR_NOT_SUPPORTED},
    {EOPNOTSUPP, ERROR_NOT_SUPPORTED},
    {ENOEXEC, ERROR_BAD_EXE_FORMAT},
};

} // namespace

Code code_from_errno(int error) noexcept {
    for (const Row& row : rows) {
        if (row.error == error) return row.code;
    }
    return ERROR_GEN_FAILURE;
}

Error errno_error(int error, std::string_view attempt) {
    return fail(code_from_errno(error), "could not ", attempt, ": ",
                std::generic_category().message(error), " (errno ", error, ")");
}

Error errno_error(int error, std::string_view attempt, const std::filesystem::path& path) {
    return errno_error(error, text(attempt, " ", wire_path(path)));
}

} // namespace ntdsb::platform
