// NTLM's session security (MS-NLMP 3.4.4, with extended session security, 128-bit keys and key
// exchange) from an exported session key: off Windows, since gss-ntlmssp has no call that signs a
// fragment's header and trailer with its stub, as every NTLM peer over DCE/RPC does. Peers that
// negotiated less compute other signatures and are refused. The ciphers are OpenSSL's.
#pragma once

#include "rpc/security_context.h"

#include <array>
#include <memory>

namespace ntdsb::rpc {

class NtlmSession {
public:
    static constexpr std::size_t signature_size = 16;

    // ERROR_ACCESS_DENIED for a key that is not of 16 octets. `signed_before`: how many messages each
    // side has signed before the first fragment, with the ciphers begun anew since.
    static Result<std::unique_ptr<NtlmSession>>
    make(std::span<const std::byte> session_key, bool is_initiator, std::uint32_t signed_before);
    // The number of the message that a signature of signature_size octets belongs to.
    static std::uint32_t number_of(std::span<const std::byte> signature);
    ~NtlmSession();

    // As SecurityContext's.
    void protect(const FragmentParts& fragment, std::span<std::byte> signature, Protection level);
    Result<void> unprotect(const FragmentParts& fragment, std::span<const std::byte> signature,
                           Protection level);

private:
    class Hmac;
    struct Direction;
    NtlmSession(std::unique_ptr<Direction> sending, std::unique_ptr<Direction> receiving);
    std::unique_ptr<Direction> sending_;
    std::unique_ptr<Direction> receiving_;
};

} // namespace ntdsb::rpc
