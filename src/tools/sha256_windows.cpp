// tools/sha256.h on Windows, by CryptoAPI, which every Windows since 7 and Wine have.
#include "tools/output.h"
#include "tools/sha256.h"

#include <windows.h>

#include <wincrypt.h>

namespace ntdsb::tools {

struct Sha256::State {
    HCRYPTPROV provider = 0;
    HCRYPTHASH hash = 0;
    ~State() {
        if (hash != 0) CryptDestroyHash(hash);
        if (provider != 0) CryptReleaseContext(provider, 0);
    }
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

namespace {

Error no_sum() {
    return fail(ERROR_GEN_FAILURE, "the system could not compute a SHA-256 sum (error ",
                GetLastError(), ")");
}

} // namespace

Sha256::Sha256(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Sha256::Sha256(Sha256&& other) noexcept = default;
Sha256::~Sha256() = default;

Result<Sha256> Sha256::start() {
    auto state = std::make_unique<State>();
    if (!CryptAcquireContextW(&state->provider, nullptr, nullptr, PROV_RSA_AES,
                              CRYPT_VERIFYCONTEXT | CRYPT_SILENT) ||
        !CryptCreateHash(state->provider, CALG_SHA_256, 0, 0, &state->hash))
        return no_sum();
    return Sha256(std::move(state));
}

Result<void> Sha256::add(std::span<const std::byte> bytes) {
    constexpr std::size_t most = std::size_t{1} << 30; // CryptoAPI counts in 32 bits
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), most));
        if (!CryptHashData(state_->hash, reinterpret_cast<const BYTE*>(piece.data()),
                           static_cast<DWORD>(piece.size()), 0))
            return no_sum();
        bytes = bytes.subspan(piece.size());
    }
    return ok();
}

Result<std::string> Sha256::finish() {
    std::array<std::byte, sha256_size> sum{};
    auto size = static_cast<DWORD>(sum.size());
    if (!CryptGetHashParam(state_->hash, HP_HASHVAL, reinterpret_cast<BYTE*>(sum.data()), &size,
                           0) ||
        size != sum.size())
        return no_sum();
    return hex_digits(sum);
}

} // namespace ntdsb::tools
