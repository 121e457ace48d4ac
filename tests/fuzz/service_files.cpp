// What the service hands out or leaves on disk and reads back: expiry token and registration record.
// Their checksums stop nobody who means it, so the inputs are also sealed before they are read.
#include "fuzz/fuzz.h"

#include "service/binary.h"
#include "service/expiry_token.h"
#include "service/record.h"
#include "wire/ndr.h"

#include <algorithm>

namespace ntdsb::fuzz {

namespace {

// The rest of the input; behind an odd first octet with its last four replaced by the checksum.
Octets sealed(Reader& reader) {
    const bool seal = reader.flag();
    Octets octets = exactly(reader.rest());
    if (!seal || octets.size() < 4) return octets;
    octets.resize(octets.size() - 4);
    service::append_number(octets, service::crc32(octets));
    return octets;
}

} // namespace

void expiry_token(Input input) {
    Reader reader(input);
    const std::uint32_t configured_days = 1 + reader.u16();
    const std::uint64_t now = reader.u64();
    const Octets octets = sealed(reader);
    const auto token = service::decode_token(octets);
    if (!token) {
        FUZZ_CHECK(token.error().code == hrUnknownExpiryTokenFormat, "PREP-4");
        return;
    }
    FUZZ_CHECK(service::encode_token(token.value()) == octets, "a token has one form");
    const auto age = service::check_token_age(token.value(), configured_days, now);
    FUZZ_CHECK(age || age.error().code == hrContentsExpired, "PREP-5");
    constexpr std::uint64_t hour = std::uint64_t{3600} * 10'000'000;
    const std::uint64_t taken = token.value().backup_time;
    const bool is_ahead = taken > now && taken - now > 24 * hour;
    const std::uint64_t days = std::min(configured_days, token.value().tombstone_lifetime_days);
    const bool is_old = taken <= now && (now - taken) / (24 * hour) >= days + 1;
    FUZZ_CHECK(!age || (!is_ahead && !is_old), "PREP-5: neither too old nor from the future");
    const bool is_young = taken <= now && days > 0 && (now - taken) / (24 * hour) < days;
    FUZZ_CHECK(age || !is_young, "PREP-5: what is not too old is accepted");
}

void registration_record(Input input) {
    Reader reader(input);
    const Octets octets = sealed(reader);
    const auto record = service::decode_record(octets);
    if (!record) {
        FUZZ_CHECK(record.error().code == static_cast<Code>(ERROR_INVALID_DATA) ||
                       record.error().code == static_cast<Code>(ERROR_NOT_SUPPORTED) ||
                       record.error().code == RPC_X_BAD_STUB_DATA,
                   "REC-8: an unreadable record has one of few codes");
        FUZZ_CHECK(!record.error().what.empty(), "REC-8: it is said what is wrong with a record");
        return;
    }
    const auto canonical = service::encode_record(record.value());
    FUZZ_CHECK(canonical.size() <= octets.size() && octets.size() < canonical.size() + 4,
               "nothing of a record is left out, but what pads its request, or made up");
    const auto again = service::decode_record(canonical);
    FUZZ_CHECK(bool(again), "REC-1: what is saved can be loaded");
    FUZZ_CHECK(service::encode_record(again.value()) == canonical, "REC-1: loading loses nothing");
}

} // namespace ntdsb::fuzz
