// SHA-256, from the system: CryptoAPI on Windows, OpenSSL's libcrypto elsewhere. For the manifest
// of a backup; the DLL needs none.
#pragma once

#include "platform/file.h"

#include <memory>

namespace ntdsb::tools {

class Sha256 {
public:
    static Result<Sha256> start();
    Sha256(Sha256&& other) noexcept;
    Sha256& operator=(Sha256&&) = delete;
    ~Sha256();

    Result<void> add(std::span<const std::byte> bytes);
    // 64 hex digits in lower case; once, at the end.
    Result<std::string> finish();

private:
    struct State;
    explicit Sha256(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

inline constexpr std::size_t sha256_size = 32;

} // namespace ntdsb::tools
