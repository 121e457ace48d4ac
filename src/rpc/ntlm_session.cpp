// NTLM's session security (ntlm_session.h).

// RC4 and MD5 are what the protocol is made of; OpenSSL 3 calls their functions old.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "rpc/ntlm_session.h"

#include "platform/secret.h"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/rc4.h>

#include <algorithm>
#include <cstring>

namespace ntdsb::rpc {

namespace {

constexpr std::size_t key_size = 16;
using Key = std::array<unsigned char, key_size>;

const unsigned char* raw(std::span<const std::byte> octets) {
    return reinterpret_cast<const unsigned char*>(octets.data());
}

// MD5(session key || magic with its NUL): MS-NLMP 3.4.5.2 and 3.4.5.3.
Key derive(std::span<const std::byte> session_key, std::string_view magic) {
    Key key;
    MD5_CTX md5;
    MD5_Init(&md5);
    MD5_Update(&md5, session_key.data(), session_key.size());
    MD5_Update(&md5, magic.data(), magic.size());
    MD5_Update(&md5, "", 1);
    MD5_Final(key.data(), &md5);
    return key;
}

void put_u32(std::span<std::byte> at, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(number >> (8 * i) & 0xff);
}

} // namespace

// HMAC-MD5 whose key has gone in already.
class NtlmSession::Hmac {
public:
    explicit Hmac(const Key& key) {
        begin(inner_, key, 0x36);
        begin(outer_, key, 0x5c);
    }
    ~Hmac() {
        platform::wipe(&inner_, sizeof inner_);
        platform::wipe(&outer_, sizeof outer_);
    }
    Hmac(const Hmac&) = delete;
    Hmac& operator=(const Hmac&) = delete;

    Key operator()(std::initializer_list<std::span<const std::byte>> parts) const {
        MD5_CTX md5 = inner_;
        for (const auto part : parts) MD5_Update(&md5, part.data(), part.size());
        Key digest;
        MD5_Final(digest.data(), &md5);
        md5 = outer_;
        MD5_Update(&md5, digest.data(), digest.size());
        MD5_Final(digest.data(), &md5);
        return digest;
    }

private:
    static void begin(MD5_CTX& md5, const Key& key, unsigned char pad) {
        std::array<unsigned char, MD5_CBLOCK> block;
        block.fill(pad);
        for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
        MD5_Init(&md5);
        MD5_Update(&md5, block.data(), block.size());
        platform::wipe(block.data(), block.size());
    }
    MD5_CTX inner_;
    MD5_CTX outer_;
};

// Client to server, or server to client: keys, cipher state and sequence number of its own.
struct NtlmSession::Direction {
    Direction(Key signing, Key sealing, std::uint32_t first) : hmac(signing), number(first) {
        RC4_set_key(&cipher, static_cast<int>(sealing.size()), sealing.data());
        platform::wipe(signing.data(), signing.size());
        platform::wipe(sealing.data(), sealing.size());
    }
    ~Direction() { platform::wipe(&cipher, sizeof cipher); }
    Direction(const Direction&) = delete;
    Direction& operator=(const Direction&) = delete;

    void crypt(std::span<std::byte> octets) {
        RC4(&cipher, octets.size(), raw(octets), reinterpret_cast<unsigned char*>(octets.data()));
    }
    // The cipher has passed over the stub already (MS-NLMP 3.4.4.2).
    std::array<std::byte, signature_size> sign(const Key& digest) {
        std::array<std::byte, signature_size> signature{};
        put_u32(signature, 1); // version
        constexpr std::size_t checksum_at = 4;
        constexpr std::size_t checksum_size = 8;
        const auto checksum = std::span(signature).subspan(checksum_at, checksum_size);
        std::memcpy(checksum.data(), digest.data(), checksum_size);
        crypt(checksum);
        put_u32(std::span(signature).last(4), number++);
        return signature;
    }
    Key digest(const FragmentParts& plain) const {
        std::array<std::byte, 4> sequence;
        put_u32(sequence, number);
        return hmac({sequence, plain.header, plain.stub, plain.trailer});
    }

    Hmac hmac;
    RC4_KEY cipher{};
    std::uint32_t number; // of the next message
};

NtlmSession::NtlmSession(std::unique_ptr<Direction> sending, std::unique_ptr<Direction> receiving)
    : sending_(std::move(sending)), receiving_(std::move(receiving)) {}

NtlmSession::~NtlmSession() = default;

std::uint32_t NtlmSession::number_of(std::span<const std::byte> signature) {
    std::uint32_t number = 0;
    for (std::size_t i = signature_size; i > signature_size - 4; --i)
        number = number << 8 | std::to_integer<std::uint32_t>(signature[i - 1]);
    return number;
}

Result<std::unique_ptr<NtlmSession>> NtlmSession::make(std::span<const std::byte> session_key,
                                                       bool is_initiator,
                                                       std::uint32_t signed_before) {
    if (session_key.size() != key_size)
        return fail(ERROR_ACCESS_DENIED, "NTLM gave a session key of ", session_key.size(),
                    " octets, not 16");
    auto from_client = std::make_unique<Direction>(
        derive(session_key, "session key to client-to-server signing key magic constant"),
        derive(session_key, "session key to client-to-server sealing key magic constant"),
        signed_before);
    auto from_server = std::make_unique<Direction>(
        derive(session_key, "session key to server-to-client signing key magic constant"),
        derive(session_key, "session key to server-to-client sealing key magic constant"),
        signed_before);
    if (!is_initiator) std::swap(from_client, from_server);
    return std::unique_ptr<NtlmSession>(
        new NtlmSession(std::move(from_client), std::move(from_server)));
}

void NtlmSession::protect(const FragmentParts& fragment, std::span<std::byte> signature,
                          Protection level) {
    const Key digest = sending_->digest(fragment);
    if (level == Protection::privacy) sending_->crypt(fragment.stub);
    std::ranges::copy(sending_->sign(digest), signature.begin());
}

Result<void> NtlmSession::unprotect(const FragmentParts& fragment,
                                    std::span<const std::byte> signature, Protection level) {
    if (level == Protection::privacy) receiving_->crypt(fragment.stub);
    const auto expected = receiving_->sign(receiving_->digest(fragment));
    if (signature.size() != expected.size() ||
        CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) != 0)
        return fail(ERROR_ACCESS_DENIED,
                    "a fragment's signature is wrong: it was changed, replayed or reordered");
    return ok();
}

} // namespace ntdsb::rpc
