// platform/memory.h on Windows.
#include "platform/memory.h"

#include <windows.h>

namespace ntdsb::platform {

std::size_t readable_bytes(const void* address) noexcept {
    constexpr DWORD readable = PAGE_READONLY | PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READ |
                               PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    MEMORY_BASIC_INFORMATION region;
    if (VirtualQuery(address, &region, sizeof region) == 0) return 0; // above what a process has
    if (region.State != MEM_COMMIT || (region.Protect & readable) == 0 ||
        (region.Protect & PAGE_GUARD) != 0)
        return 0;
    const auto* const end = static_cast<const std::byte*>(region.BaseAddress) + region.RegionSize;
    return static_cast<std::size_t>(end - static_cast<const std::byte*>(address));
}

} // namespace ntdsb::platform
