#include "support/guarded_memory.h"

#include <cstring>
#include <stdexcept>

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace ntdsb::test {

namespace {

constexpr std::size_t page = 65536; // a multiple of every system's

#ifdef _WIN32
char* two_pages() {
    void* const pages = VirtualAlloc(nullptr, 2 * page, MEM_RESERVE, PAGE_NOACCESS);
    return static_cast<char*>(pages ? VirtualAlloc(pages, page, MEM_COMMIT, PAGE_READWRITE)
                                    : nullptr);
}
void release(char* pages) { VirtualFree(pages, 0, MEM_RELEASE); }
#else
char* two_pages() {
    void* const pages =
        ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
    auto* const first = static_cast<char*>(pages);
    ::mprotect(first + page, page, PROT_NONE);
    return first;
}
void release(char* pages) { ::munmap(pages, 2 * page); }
#endif

} // namespace

GuardedMemory::GuardedMemory(const void* bytes, std::size_t size)
    : pages_(two_pages()), end_(pages_ + page), size_(size) {
    if (pages_ == nullptr || size > page) throw std::runtime_error("no guarded memory");
    std::memcpy(data(), bytes, size);
}

GuardedMemory::~GuardedMemory() { release(pages_); }

} // namespace ntdsb::test
