// The cipher that NTLM seals with, by OpenSSL: the peer of the figures with privacy.
#pragma once

// It is what the protocol is made of; OpenSSL 3 calls its functions old.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/rc4.h>

#include <cstddef>
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

} // namespace ntdsb::bench
