// A text stream that several processes write to at once: lines are appended whole. For the log and
// the history; durable only once flushed.
#pragma once

#include "platform/file.h"

#include <utility>

namespace ntdsb::platform {

class AppendFile {
public:
    // Creates the file, for its owner alone, if there is none. Others may read, write, rename and
    // remove it meanwhile.
    static Result<AppendFile> open(const Path& path);
    // What the process was given as its standard error; writes nothing if there is none. Not closed
    // by the destructor.
    static AppendFile standard_error() noexcept;

    AppendFile(AppendFile&& other) noexcept;
    AppendFile& operator=(AppendFile&&) = delete;
    ~AppendFile();

    // One system call. Returns whether all was written.
    bool append(std::string_view bytes) noexcept;
    // What was appended is on stable storage when this returns true.
    bool flush() noexcept;

private:
    // `path`: empty for the standard error.
    AppendFile(NativeHandle handle, Path path) noexcept
        : handle_(handle), path_(std::move(path)), owned_(!path_.empty()) {}
    NativeHandle handle_;
    Path path_; // what the test seam of platform/file.h is told
    bool owned_;
};

} // namespace ntdsb::platform
