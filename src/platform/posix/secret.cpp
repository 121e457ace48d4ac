// A secret on POSIX systems: pages of its own, locked into memory and left out of core dumps.
#include "platform/secret.h"

#include "platform/posix/system_error.h"

#include <cerrno>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

namespace ntdsb::platform {

struct Secret::Data {
    void* pages = MAP_FAILED;
    std::size_t size = 0; // of the pages
    std::size_t characters = 0;

    Data() = default;
    Data(const Data&) = delete;
    Data& operator=(const Data&) = delete;
    ~Data() {
        if (pages == MAP_FAILED) return;
        wipe(pages, size);
        ::munmap(pages, size); // unlocks them, too
    }
};

Secret::Secret(std::unique_ptr<Data> data) noexcept : data_(std::move(data)) {}
Secret::Secret(Secret&&) noexcept = default;
Secret& Secret::operator=(Secret&&) noexcept = default;
Secret::~Secret() = default;

Result<Secret> Secret::protect(std::u16string_view plain) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t bytes = plain.size() * sizeof(char16_t);
    auto data = std::make_unique<Data>();
    data->size = (bytes / page + 1) * page;
    data->characters = plain.size();
    data->pages =
        ::mmap(nullptr, data->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data->pages == MAP_FAILED) return errno_error(errno, "get memory for a password");
    if (::mlock(data->pages, data->size) != 0) {
        return errno_error(
            errno,
            "lock a password into memory (raise the limit on locked memory, RLIMIT_MEMLOCK)");
    }
    (void)::madvise(data->pages, data->size,
                    MADV_DONTDUMP); // an old kernel without it only dumps more
    if (bytes != 0) std::memcpy(data->pages, plain.data(), bytes);
    return Secret(std::move(data));
}

Result<void> Secret::reveal(const std::function<void(std::u16string_view)>& use) const {
    // Lent where it lies: there is no copy to wipe.
    if (data_)
        use(std::u16string_view(static_cast<const char16_t*>(data_->pages), data_->characters));
    else
        use({});
    return ok();
}

void wipe(void* memory, std::size_t size) noexcept {
    if (size != 0) ::explicit_bzero(memory, size);
}

} // namespace ntdsb::platform
