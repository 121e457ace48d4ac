// tools/sha256.h on POSIX systems, by OpenSSL.
#include "tools/output.h"
#include "tools/sha256.h"

#include <openssl/evp.h>

namespace ntdsb::tools {

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Sha256::Sha256(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Sha256::Sha256(Sha256&& other) noexcept = default;
Sha256::~Sha256() = default;

Result<Sha256> Sha256::start() {
    auto state = std::make_unique<State>();
    if (state->context == nullptr || EVP_DigestInit_ex(state->context, EVP_sha256(), nullptr) != 1)
        return fail(ERROR_GEN_FAILURE, "the system's cryptographic library has no SHA-256");
    return Sha256(std::move(state));
}

Result<void> Sha256::add(std::span<const std::byte> bytes) {
    if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1)
        return fail(ERROR_GEN_FAILURE, "the system could not compute a SHA-256 sum");
    return ok();
}

Result<std::string> Sha256::finish() {
    std::array<std::byte, sha256_size> sum{};
    if (EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(sum.data()),
                           nullptr) != 1)
        return fail(ERROR_GEN_FAILURE, "the system could not compute a SHA-256 sum");
    return hex_digits(sum);
}

} // namespace ntdsb::tools
