// platform/memory.h on POSIX.
#include "platform/memory.h"

#include <cerrno>
#include <cstdint>
#include <sys/uio.h>
#include <unistd.h>

namespace ntdsb::platform {

std::size_t readable_bytes(const void* address) noexcept {
    // Pages are of this size or a multiple of it, so that the rest of one is as its first byte.
    constexpr std::uintptr_t page = 4096;
    char byte = 0;
    const iovec to{&byte, 1};
    // The system writes to `to` alone, though the type does not say so.
    const iovec from{const_cast<void*>(address), 1};
    if (::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) < 0 && errno == EFAULT) return 0;
    return page - reinterpret_cast<std::uintptr_t>(address) % page;
}

} // namespace ntdsb::platform
