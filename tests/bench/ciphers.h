// The ciphers that NTLM and Kerberos seal with, by OpenSSL: the peers of the figures with privacy.
#pragma once

// RC4 is what NTLM is made of; OpenSSL 3 calls its functions old.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/rc4.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <vector>

namespace ntdsb::bench {

// `amount` octets, a buffer at a time.
inline void rc4(std::vector<std::byte>& buffer, std::size_t amount) {
    static constexpr unsigned char key[16] = {1, 2, 3};
    RC4_KEY state{};
    RC4_set_key(&state, sizeof key, key);
    auto* const octets = reinterpret_cast<unsigned char*>(buffer.data());
    for (; amount > 0; amount -= buffer.size()) RC4(&state, buffer.size(), octets, octets);
}

// Likewise; RFC 3962's cipher but for how it treats the last block.
inline void aes_256_cbc(std::vector<std::byte>& buffer, std::size_t amount) {
    static constexpr unsigned char key[32] = {1, 2, 3}, start[16] = {};
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> state(
        EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    bool good = state && EVP_EncryptInit_ex(state.get(), EVP_aes_256_cbc(), nullptr, key, start);
    auto* const octets = reinterpret_cast<unsigned char*>(buffer.data());
    for (int size = 0; good && amount > 0; amount -= buffer.size())
        good =
            EVP_EncryptUpdate(state.get(), octets, &size, octets, static_cast<int>(buffer.size()));
    if (!good) throw std::runtime_error("OpenSSL does not encrypt");
}

} // namespace ntdsb::bench
