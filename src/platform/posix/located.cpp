// See located.h.
#include "platform/posix/located.h"

#include "platform/posix/system_error.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ntdsb::platform {
namespace {

// For the ...at calls alone; a link is opened itself, to be seen.
constexpr int way_flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

// `folder`, opened so. `path` is what sentences are about.
Result<Descriptor> reach(const Path& folder, const Path& path) {
    Path reached = folder.is_absolute() ? folder.root_path() : Path(".");
    Descriptor at(uninterrupted([&] { return ::open(reached.c_str(), way_flags); }));
    if (!at) return errno_error(errno, "reach", path);
    for (const Path& name : folder.relative_path()) {
        if (name.empty() || name == ".") continue;
        reached /= name;
        // Where ".." leads depends on who moves folders meanwhile.
        if (name == "..") return link_error(path, reached);
        Descriptor next(uninterrupted([&] { return ::openat(at.get(), name.c_str(), way_flags); }));
        struct stat status {};
        if (!next || ::fstat(next.get(), &status) != 0) return errno_error(errno, "reach", path);
        if (S_ISLNK(status.st_mode)) return link_error(path, reached);
        if (!S_ISDIR(status.st_mode)) return errno_error(ENOTDIR, "reach", path);
        at = std::move(next);
    }
    return at;
}

} // namespace

Descriptor::~Descriptor() {
    if (*this) ::close(handle_);
}

Error link_error(const Path& path, const Path& link) {
    return fail(link_refused, "could not use ", wire_path(path), ": ", wire_path(link),
                " is a link, and none is followed here");
}

Result<Located> Located::file(const Path& path, Links links) {
    if (links == Links::followed) return Located(Descriptor(no_file), path.c_str(), path, links);
    NTDSB_TRY(auto folder, reach(path.parent_path(), path));
    return Located(std::move(folder), path.c_str() + path.native().rfind('/') + 1, path, links);
}

Result<Located> Located::folder(const Path& path, Links links) {
    if (links == Links::followed) return Located(Descriptor(no_file), path.c_str(), path, links);
    NTDSB_TRY(auto folder, reach(path, path));
    return Located(std::move(folder), ".", path, links);
}

int Located::at() const noexcept { return folder_ ? folder_.get() : AT_FDCWD; }

Error Located::failure(int error, std::string_view attempt) const {
    if (links_ == Links::refused && error == ELOOP) return link_error(*path_, *path_);
    return errno_error(error, attempt, *path_);
}

} // namespace ntdsb::platform
