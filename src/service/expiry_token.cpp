// The expiry token's bytes and its age rule (expiry_token.h). Every byte decoded is hostile.
#include "service/expiry_token.h"

#include "ese/bytes.h"
#include "platform/process.h"
#include "service/binary.h"

#include <algorithm>

namespace ntdsb::service {

namespace {

constexpr std::array<char, 8> token_magic{'N', 'T', 'D', 'S', 'B', 'T', 'O', 'K'};
constexpr std::uint32_t token_version = 1;
constexpr std::size_t head_size = 28;
constexpr std::size_t entry_size = 48;
constexpr std::size_t crc_size = 4;

constexpr std::uint64_t filetime_hour = std::uint64_t{3600} * 10'000'000;
constexpr std::uint64_t filetime_day = 24 * filetime_hour;

template <class... Parts>
Error unknown_format(const Parts&... parts) {
    return fail(hrUnknownExpiryTokenFormat, "PREP-4: the expiry token ", parts...,
                "; give the bytes that DsBackupPrepare returned with this backup, unchanged");
}

// Magic, version, size and checksum; everything after it can be read without a look at the size.
Result<std::uint32_t> check_frame(std::span<const std::byte> bytes) {
    if (bytes.size() < head_size + crc_size)
        return unknown_format("is only ", bytes.size(), " bytes long");
    const auto same = [](char a, std::byte b) { return static_cast<std::byte>(a) == b; };
    if (!std::equal(token_magic.begin(), token_magic.end(), bytes.begin(), same))
        return unknown_format("was not made by this service");
    const ese::ByteReader field(bytes);
    if (field.u32(8) != token_version)
        return unknown_format("has format version ", field.u32(8), ", known is ", token_version);
    const auto count = field.u32(24);
    if (count > max_token_databases) return unknown_format("names ", count, " databases");
    const auto expected = head_size + count * entry_size + crc_size;
    if (bytes.size() != expected)
        return unknown_format("is ", bytes.size(), " bytes long, not ", expected);
    const auto body = bytes.first(expected - crc_size);
    if (crc32(body) != field.u32(body.size())) return unknown_format("is damaged (checksum)");
    return count;
}

} // namespace

wire::Bytes encode_token(const ExpiryToken& token) {
    wire::Bytes bytes;
    for (const char c : token_magic) bytes.push_back(static_cast<std::byte>(c));
    append_number(bytes, token_version);
    append_number(bytes, token.backup_time);
    append_number(bytes, token.tombstone_lifetime_days);
    append_number(bytes, static_cast<std::uint32_t>(token.databases.size()));
    for (const auto& database : token.databases) {
        const auto& signature = database.signature.bytes;
        bytes.insert(bytes.end(), signature.begin(), signature.end());
        append_number(bytes, database.size);
        append_number(bytes, database.dbtime);
        append_number(bytes, database.header_checksum);
    }
    append_number(bytes, crc32(bytes));
    return bytes;
}

Result<ExpiryToken> decode_token(std::span<const std::byte> bytes) {
    NTDSB_TRY(const auto count, check_frame(bytes));
    const ese::ByteReader field(bytes);
    ExpiryToken token;
    token.backup_time = field.u64(12);
    token.tombstone_lifetime_days = field.u32(20);
    for (std::size_t at = head_size; token.databases.size() < count; at += entry_size) {
        token.databases.push_back(
            {{field.array<28>(at)}, field.u64(at + 28), field.u64(at + 36), field.u32(at + 44)});
    }
    return token;
}

Result<void> check_token_age(const ExpiryToken& token, std::uint32_t configured_days,
                             std::uint64_t now) {
    const auto taken = platform::format_filetime(token.backup_time);
    if (token.backup_time > now) {
        if (token.backup_time - now > 24 * filetime_hour) {
            return fail(hrContentsExpired, "PREP-5: the backup is dated ", taken,
                        ", over 24 hours ahead of this computer's clock (",
                        platform::format_filetime(now),
                        "); set the clock right, or use another backup");
        }
        return ok();
    }
    // In days and rest, since days x units a day can be more than 64 bits hold.
    const auto lifetime = std::min(token.tombstone_lifetime_days, configured_days);
    const auto age = now - token.backup_time;
    const auto days = age / filetime_day;
    if (days > lifetime || (days == lifetime && age % filetime_day != 0)) {
        return fail(hrContentsExpired, "PREP-5: the backup of ", taken, " is ", days,
                    " days old and may be restored for ", lifetime,
                    " days (the smaller of the backup's and the configured tombstone lifetime); "
                    "use a newer backup, or replicate the directory anew");
    }
    return ok();
}

} // namespace ntdsb::service
