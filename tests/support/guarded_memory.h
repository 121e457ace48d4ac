// Bytes right before memory that cannot be read: what a caller's string without an end looks like.
#pragma once

#include <cstddef>

namespace ntdsb::test {

// A copy of at most a page of bytes, which end where the readable memory ends.
class GuardedMemory {
public:
    GuardedMemory(const void* bytes, std::size_t size);
    ~GuardedMemory();
    GuardedMemory(const GuardedMemory&) = delete;
    GuardedMemory& operator=(const GuardedMemory&) = delete;

    void* data() const { return end_ - size_; }
    // The first byte that cannot be read.
    void* end() const { return end_; }

private:
    char* pages_;
    char* end_;
    std::size_t size_;
};

} // namespace ntdsb::test
