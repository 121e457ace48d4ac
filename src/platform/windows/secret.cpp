// A secret on Windows: encrypted with a key that only this process has (CryptProtectMemory).
#include "platform/secret.h"

#include "platform/windows/system_error.h"
#include "platform/windows/system_function.h"

#include <wincrypt.h>

#include <dpapi.h>

#include <cstring>
#include <vector>

namespace ntdsb::platform {
namespace {

// Memory that is wiped before it is freed.
class WipedMemory {
public:
    explicit WipedMemory(std::size_t size) : bytes_(size) {}
    WipedMemory(const WipedMemory&) = default;
    WipedMemory& operator=(const WipedMemory&) = delete;
    ~WipedMemory() { wipe(bytes_.data(), bytes_.size()); }
    std::byte* data() noexcept { return bytes_.data(); }
    DWORD size() const noexcept { return static_cast<DWORD>(bytes_.size()); }

private:
    std::vector<std::byte> bytes_;
};

SystemFunction<decltype(::CryptProtectMemory)> protect_memory(L"crypt32.dll", "CryptProtectMemory");
SystemFunction<decltype(::CryptUnprotectMemory)> unprotect_memory(L"crypt32.dll",
                                                                  "CryptUnprotectMemory");

} // namespace

struct Secret::Data {
    WipedMemory encrypted;
    std::size_t characters;
};

Secret::Secret(std::unique_ptr<Data> data) noexcept : data_(std::move(data)) {}
Secret::Secret(Secret&&) noexcept = default;
Secret& Secret::operator=(Secret&&) noexcept = default;
Secret::~Secret() = default;

Result<Secret> Secret::protect(std::u16string_view plain) {
    constexpr std::size_t block = CRYPTPROTECTMEMORY_BLOCK_SIZE;
    const std::size_t bytes = plain.size() * sizeof(char16_t);
    auto data =
        std::make_unique<Data>(Data{WipedMemory((bytes / block + 1) * block), plain.size()});
    if (bytes != 0) std::memcpy(data->encrypted.data(), plain.data(), bytes);
    NTDSB_TRY(const auto encrypt, protect_memory.get());
    if (!encrypt(data->encrypted.data(), data->encrypted.size(), CRYPTPROTECTMEMORY_SAME_PROCESS)) {
        return system_error(GetLastError(), "encrypt a password in memory");
    }
    return Secret(std::move(data));
}

Result<void> Secret::reveal(const std::function<void(std::u16string_view)>& use) const {
    if (!data_) {
        use({});
        return ok();
    }
    WipedMemory plain = data_->encrypted;
    NTDSB_TRY(const auto decrypt, unprotect_memory.get());
    if (!decrypt(plain.data(), plain.size(), CRYPTPROTECTMEMORY_SAME_PROCESS)) {
        return system_error(GetLastError(), "decrypt a password in memory");
    }
    use(std::u16string_view(reinterpret_cast<const char16_t*>(plain.data()), data_->characters));
    return ok();
}

void wipe(void* memory, std::size_t size) noexcept {
    if (size != 0) SecureZeroMemory(memory, size);
}

} // namespace ntdsb::platform
