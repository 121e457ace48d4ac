#include "failing_new.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace memory {
namespace {

std::atomic<long> until_failure{0}; // 0: never
std::atomic<int> failing_thread{0};
std::atomic<Mode> failure_mode{Mode::once};
std::atomic<bool> has_failed{false};

bool fails() noexcept {
    if (until_failure == 0 || ::gettid() != failing_thread) return false;
    if (until_failure > 1) {
        --until_failure;
        return false;
    }
    has_failed = true;
    if (failure_mode == Mode::once) until_failure = 0;
    return true;
}

void* allocate(std::size_t size) noexcept {
    return fails() ? nullptr : std::malloc(size ? size : 1);
}

void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
    void* memory = nullptr;
    if (fails() || ::posix_memalign(&memory, static_cast<std::size_t>(alignment), size) != 0)
        return nullptr;
    return memory;
}

void* or_throw(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

} // namespace

void fail_allocation(long number, Mode mode, int thread) {
    has_failed = false;
    failure_mode = mode;
    failing_thread = thread != 0 ? thread : ::gettid();
    until_failure = number;
}

bool stop_failing() {
    until_failure = 0;
    return has_failed;
}

} // namespace memory

void* operator new(std::size_t size) { return memory::or_throw(memory::allocate(size)); }
void* operator new[](std::size_t size) { return memory::or_throw(memory::allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return memory::allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return memory::allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return memory::or_throw(memory::allocate(size, alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return memory::or_throw(memory::allocate(size, alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
