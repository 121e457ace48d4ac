// A file read by the system's own call alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>

#ifdef _WIN32
#include <windows.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace ntdsb::bench {

class BareFile {
public:
    explicit BareFile(const std::filesystem::path& path);
    ~BareFile();
    BareFile(const BareFile&) = delete;
    BareFile& operator=(const BareFile&) = delete;

    // From where the last read has ended; there are as many bytes.
    void read(std::span<std::byte> buffer) const;
    void seek(std::uint64_t offset) const;

#ifdef _WIN32
    static constexpr const char* name = "ReadFile";

private:
    HANDLE file_;
#else
    static constexpr const char* name = "read(2)";

private:
    int file_;
#endif
};

#ifdef _WIN32

inline BareFile::BareFile(const std::filesystem::path& path)
    : file_(CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0,
                        nullptr)) {
    if (file_ == INVALID_HANDLE_VALUE) throw std::runtime_error("cannot open " + path.string());
}
inline BareFile::~BareFile() { CloseHandle(file_); }
inline void BareFile::read(std::span<std::byte> buffer) const {
    DWORD got = 0;
    if (!ReadFile(file_, buffer.data(), static_cast<DWORD>(buffer.size()), &got, nullptr) ||
        got != buffer.size())
        throw std::runtime_error("ReadFile failed");
}
inline void BareFile::seek(std::uint64_t offset) const {
    LARGE_INTEGER to;
    to.QuadPart = static_cast<LONGLONG>(offset);
    SetFilePointerEx(file_, to, nullptr, FILE_BEGIN);
}

#else

inline BareFile::BareFile(const std::filesystem::path& path)
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) throw std::runtime_error("cannot open " + path.string());
}
inline BareFile::~BareFile() { ::close(file_); }
inline void BareFile::read(std::span<std::byte> buffer) const {
    if (::read(file_, buffer.data(), buffer.size()) != static_cast<ssize_t>(buffer.size()))
        throw std::runtime_error("read failed");
}
inline void BareFile::seek(std::uint64_t offset) const {
    (void)::lseek(file_, static_cast<off_t>(offset), SEEK_SET);
}

#endif

} // namespace ntdsb::bench
