// What platform/memory.h promises beyond the one question to the system. The same on every platform.
#include "platform/memory.h"

namespace ntdsb::platform {

bool is_readable(const void* address, std::size_t size) noexcept {
    const auto* next = static_cast<const std::byte*>(address);
    while (size > 0) {
        const std::size_t known = readable_bytes(next);
        if (known == 0) return false;
        if (known >= size) return true;
        next += known;
        size -= known;
    }
    return true;
}

} // namespace ntdsb::platform
