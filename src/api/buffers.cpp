#include "api/buffers.h"

#include "core/log.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace ntdsb::api {

namespace {

struct Buffers {
    std::mutex mutex;
    std::unordered_map<void*, std::unique_ptr<std::byte[]>> handed_out;
};

Buffers& buffers() {
    static auto* const instance = new Buffers; // never destroyed (design point 10)
    return *instance;
}

} // namespace

void* hand_out(std::span<const std::byte> content) {
    auto memory = std::make_unique<std::byte[]>(content.size());
    std::copy(content.begin(), content.end(), memory.get());
    void* const address = memory.get();
    const std::lock_guard lock(buffers().mutex);
    buffers().handed_out.emplace(address, std::move(memory));
    return address;
}

void free_buffer(void* buffer) {
    if (buffer == nullptr) return;
    std::unique_ptr<std::byte[]> memory;
    {
        const std::lock_guard lock(buffers().mutex);
        if (const auto found = buffers().handed_out.find(buffer);
            found != buffers().handed_out.end()) {
            memory = std::move(found->second);
            buffers().handed_out.erase(found);
        }
    }
    if (!memory)
        log::warn("COM-12: DsBackupFree was given a pointer that this library did not hand out, or "
                  "that is free already; it is left alone");
}

} // namespace ntdsb::api
