// The expiry token (contract BPREP-2, PREP-4..6): when a backup was taken, how long its contents may be restored, and each database's identity at that moment. Opaque to
// callers, versioned, with a checksum against damage (not against forgery: it comes with the files it describes).
#pragma once

#include "ese/restore_set.h"
#include "wire/operations.h"

namespace ntdsb::service {

struct ExpiryToken {
    std::uint64_t backup_time = 0; // FILETIME, UTC
    std::uint32_t tombstone_lifetime_days = 0;
    std::vector<ese::DatabaseIdentity> databases;
};

wire::Bytes encode_token(const ExpiryToken& token);
// hrUnknownExpiryTokenFormat if it is not ours, damaged or of another version.
Result<ExpiryToken> decode_token(std::span<const std::byte> bytes);
// PREP-5: hrContentsExpired if older at `now` than the smaller lifetime, or dated over 24 hours ahead.
Result<void> check_token_age(const ExpiryToken& token, std::uint32_t configured_days, std::uint64_t now);

} // namespace ntdsb::service
