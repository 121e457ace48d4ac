// What proves who is at the other end of an association and protects its fragments: an interface
// between the associations and the system's mechanisms (MS-RPCE 2.2.1.1.7; SSPI on Windows, GSSAPI
// elsewhere: system_security.h). Knows no fragment's fields and no socket.
#pragma once

#include "core/result.h"
#include "rpc/pdu.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ntdsb::rpc {

// auth_type of a security trailer.
enum class AuthType : std::uint8_t { negotiate = 9, ntlm = 10, kerberos = 16 };
// auth_level; the lower ones protect nothing that matters here, and are not spoken.
enum class Protection : std::uint8_t { integrity = 5, privacy = 6 };

std::string_view protection_name(Protection level) noexcept;

// Who has authenticated.
class Identity {
public:
    virtual ~Identity() = default;
    // "DOMAIN\user" or "user@REALM", fit for a log.
    const std::string& name() const { return name_; }
    // "NTLM" or "Kerberos".
    const std::string& mechanism() const { return mechanism_; }
    // Whether an entry of [service] allow_backup or allow_restore means this caller (contract
    // ACC-6). May ask the system's databases of users, which may take time.
    virtual bool is(std::string_view principal) const = 0;

protected:
    Identity(std::string name, std::string mechanism)
        : name_(std::move(name)), mechanism_(std::move(mechanism)) {}

private:
    std::string name_;
    std::string mechanism_;
};

// One fragment, taken apart as it lies in memory.
struct FragmentParts {
    std::span<const std::byte> header; // what stands before the stub
    std::span<std::byte> stub;         // with its padding; encrypted and decrypted in place
    std::span<const std::byte> trailer;
};

// One side of one security context. Not thread-safe.
class SecurityContext {
public:
    virtual ~SecurityContext() = default;

    // Takes the peer's token (the initiator's first call: none) and gives the one to send, which
    // may be empty. ERROR_ACCESS_DENIED where the mechanism refuses; then the context is of no use.
    virtual Result<Bytes> step(std::span<const std::byte> token) = 0;
    // No further token is awaited, and the protection that was asked for is there.
    virtual bool is_complete() const = 0;
    // Of an acceptor, once complete; null otherwise.
    virtual std::shared_ptr<const Identity> peer() const = 0;

    // The next three: once complete.

    // Room for a fragment's token. The token may turn out shorter, unless headers are signed.
    virtual std::size_t token_size() const = 0;
    // Header and trailer are signed, too. NTLM always does; Kerberos only where both sides have
    // agreed on it, and is refused otherwise (ERROR_ACCESS_DENIED): which call a fragment belongs
    // to, and whether it is its last, would be anybody's to say (contract AUTH-6).
    virtual Result<void> sign_headers(bool negotiated) = 0;
    // Signs or, for privacy, encrypts the next fragment to send; gives the token's size.
    virtual Result<std::size_t> protect(const FragmentParts& fragment,
                                        std::span<std::byte> token) = 0;
    // Checks and decrypts the next fragment received. Whatever is not the peer's next fragment,
    // unchanged, is ERROR_ACCESS_DENIED.
    virtual Result<void> unprotect(const FragmentParts& fragment,
                                   std::span<const std::byte> token) = 0;
};

// What the client's side of an association authenticates with.
struct ClientSecurity {
    AuthType type = AuthType::negotiate;
    Protection level = Protection::privacy;
    std::unique_ptr<SecurityContext> context;
};

// Why a peer that does not sign headers is refused.
Error headers_unsigned();

// More legs than any mechanism takes.
inline constexpr unsigned most_security_legs = 8;

} // namespace ntdsb::rpc
