// Inside of the platform layer: a path as openat and its kin take it, a folder's descriptor and a
// name in it. Where links are refused the folder is reached component by component, each opened in
// the one before it, so that no exchange of a component, at whatever moment, leads elsewhere.
#pragma once

#include "platform/file.h"

#include <utility>

namespace ntdsb::platform {

class Descriptor {
public:
    // Owns it; a negative one is none (AT_FDCWD, too).
    explicit Descriptor(int handle) noexcept : handle_(handle) {}
    Descriptor(Descriptor&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Descriptor();

    int get() const noexcept { return handle_; }
    int release() noexcept { return std::exchange(handle_, -1); }
    explicit operator bool() const noexcept { return handle_ >= 0; }

private:
    int handle_;
};

class Located {
public:
    // A file by its folder and its name. Where links are refused: link_refused for a link on the
    // way to the folder; of the name itself no_follow() and failure() tell. `path` must outlive it.
    static Result<Located> file(const Path& path, Links links);
    // A folder by itself: its last component is on the way, too.
    static Result<Located> folder(const Path& path, Links links);

    int at() const noexcept; // AT_FDCWD where links are followed
    const char* name() const noexcept { return name_; }
    // `flag` (O_NOFOLLOW, AT_SYMLINK_NOFOLLOW) where links are refused, else none.
    int no_follow(int flag) const noexcept { return links_ == Links::refused ? flag : 0; }
    // What a call failed with: link_refused where O_NOFOLLOW met a link.
    Error failure(int error, std::string_view attempt) const;

private:
    Located(Descriptor folder, const char* name, const Path& path, Links links) noexcept
        : folder_(std::move(folder)), name_(name), path_(&path), links_(links) {}
    Descriptor folder_; // none where links are followed
    const char* name_;
    const Path* path_;
    Links links_;
};

// The sentence of link_refused: what was wanted, and which component of it is the link.
Error link_error(const Path& path, const Path& link);

} // namespace ntdsb::platform
