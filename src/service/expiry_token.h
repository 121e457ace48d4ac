// The expiry token (contract BPREP-2, PREP-4..6): when a backup was taken, how long its contents
// may be restored, and each database's identity at that moment. Opaque to callers, versioned, with
// a checksum against damage (not against forgery: it comes with the files it describes).
//
// Its bytes, all integers little-endian, no padding:
//
//      0  8   magic "NTDSBTOK"
//      8  4   format version: 1
//     12  8   backup time, FILETIME (100 ns since 1601-01-01 UTC)
//     20  4   tombstone lifetime in days
//     24  4   count of databases, 0..1024
//     28 48n  for each: signature (28), file size (8), dbtime (8), header checksum (4)
//      .  4   CRC-32 (IEEE 802.3, as boost::crc_32_type) of all bytes before it
//
// The size is exact: a byte more or less is another format.
#pragma once

#include "ese/restore_set.h"
#include "wire/operations.h"

namespace ntdsb::service {

struct ExpiryToken {
    std::uint64_t backup_time = 0; // FILETIME, UTC
    std::uint32_t tombstone_lifetime_days = 0;
    std::vector<ese::DatabaseIdentity> databases; // at most max_token_databases
};

inline constexpr std::uint32_t max_token_databases = 1024;

wire::Bytes encode_token(const ExpiryToken& token);
// hrUnknownExpiryTokenFormat if it is not ours, damaged or of another version.
Result<ExpiryToken> decode_token(std::span<const std::byte> bytes);
// PREP-5: hrContentsExpired if older at `now` than the smaller lifetime, or dated over 24 hours
// ahead.
Result<void> check_token_age(const ExpiryToken& token, std::uint32_t configured_days,
                             std::uint64_t now);

} // namespace ntdsb::service
