// The expiry token's bytes and its age (contract BPREP-2, PREP-4, PREP-5, PREP-6).
#include "service/expiry_token.h"

#include "support/codes.h"

#include <gtest/gtest.h>

#include <limits>

namespace ntdsb::service {
namespace {

constexpr std::uint64_t one_day = std::uint64_t{86400} * 10'000'000;
constexpr std::uint64_t taken = 153'000 * one_day + one_day / 2; // in 2019

ExpiryToken token_of(std::size_t databases) {
    ExpiryToken token{taken, 180, {}};
    for (std::size_t i = 0; i < databases; ++i) {
        ese::DatabaseIdentity identity;
        for (std::size_t at = 0; at < identity.signature.bytes.size(); ++at)
            identity.signature.bytes[at] = static_cast<std::byte>(at + i);
        identity.size = 0x0102030405060708 + i;
        identity.dbtime = 0x1112131415161718 + i;
        identity.header_checksum = 0x89ABCDEF;
        token.databases.push_back(identity);
    }
    return token;
}

TEST(ExpiryToken, CarriesTimeLifetimeAndEachDatabase) { // BPREP-2, PREP-6
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{1024}}) {
        const auto token = token_of(count);
        const auto decoded = decode_token(encode_token(token));
        ASSERT_TRUE(decoded) << decoded.error().what;
        EXPECT_EQ(decoded.value().backup_time, token.backup_time);
        EXPECT_EQ(decoded.value().tombstone_lifetime_days, 180u);
        EXPECT_EQ(decoded.value().databases, token.databases);
    }
}

TEST(ExpiryToken, HasThePublishedBytes) { // the format in expiry_token.h
    const auto bytes = encode_token(token_of(1));
    ASSERT_EQ(bytes.size(), 28u + 48u + 4u);
    const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), 8), "NTDSBTOK");
    EXPECT_EQ(at(8), 1u);     // version
    EXPECT_EQ(at(20), 180u);  // days
    EXPECT_EQ(at(24), 1u);    // count
    EXPECT_EQ(at(29), 1u);    // signature
    EXPECT_EQ(at(56), 0x08u); // size
    EXPECT_EQ(at(64), 0x18u); // dbtime
    EXPECT_EQ(at(72), 0xEFu); // header checksum
    // CRC-32 by the book, independent of the library.
    std::uint32_t crc = 0xFFFFFFFF;
    for (std::size_t i = 0; i < 76; ++i) {
        crc ^= at(i);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
    }
    const auto stored = at(76) | at(77) << 8 | at(78) << 16 | at(79) << 24;
    EXPECT_EQ(stored, ~crc);
}

TEST(ExpiryToken, EveryAlteredByteIsUnknownFormat) { // PREP-4
    const auto good = encode_token(token_of(2));
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const unsigned change : {0x01u, 0x80u, 0xFFu}) {
            auto bad = good;
            bad[i] ^= static_cast<std::byte>(change);
            EXPECT_EQ(code_of(decode_token(bad)), static_cast<Code>(hrUnknownExpiryTokenFormat))
                << "byte " << i << " changed by " << change;
        }
    }
}

TEST(ExpiryToken, EveryTruncationAndAnyExtraByteIsUnknownFormat) { // PREP-4
    const auto good = encode_token(token_of(2));
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_EQ(code_of(decode_token(std::span(good).first(size))),
                  static_cast<Code>(hrUnknownExpiryTokenFormat))
            << size << " bytes";
    }
    auto longer = good;
    longer.push_back(std::byte{0});
    EXPECT_EQ(code_of(decode_token(longer)), static_cast<Code>(hrUnknownExpiryTokenFormat));
}

TEST(ExpiryToken, ForeignBytesAreUnknownFormat) { // PREP-4
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{16}, std::size_t{80}, std::size_t{65536}}) {
        EXPECT_EQ(code_of(decode_token(wire::Bytes(size, std::byte{0x41}))),
                  static_cast<Code>(hrUnknownExpiryTokenFormat));
        EXPECT_EQ(code_of(decode_token(wire::Bytes(size))),
                  static_cast<Code>(hrUnknownExpiryTokenFormat));
    }
}

struct AgeCase {
    const char* name;
    std::uint32_t token_days;
    std::uint32_t configured_days;
    std::uint64_t taken;
    std::uint64_t now;
    bool expired;
};

TEST(ExpiryToken, AgeIsJudgedByTheSmallerLifetimeAndTheClock) { // PREP-5
    constexpr auto never = std::numeric_limits<std::uint32_t>::max();
    constexpr auto end_of_time = std::numeric_limits<std::uint64_t>::max();
    const AgeCase cases[] = {
        {"just taken", 180, 180, taken, taken, false},
        {"exactly its lifetime", 180, 180, taken, taken + 180 * one_day, false},
        {"100 ns over its lifetime", 180, 180, taken, taken + 180 * one_day + 1, true},
        {"the token's lifetime is the smaller", 60, 180, taken, taken + 61 * one_day, true},
        {"the configured lifetime is the smaller", 180, 60, taken, taken + 61 * one_day, true},
        {"inside both", 60, 180, taken, taken + 59 * one_day, false},
        {"dated exactly 24 hours ahead", 180, 180, taken + one_day, taken, false},
        {"dated over 24 hours ahead", 180, 180, taken + one_day + 1, taken, true},
        {"dated at the end of time", never, never, end_of_time, taken, true},
        {"oldest token, longest lifetime", never, never, 0, end_of_time, false},
        {"oldest token, usual lifetime", 180, 180, 0, end_of_time, true},
        // 2^32 - 1 days are more 100 ns units than 64 bits hold: the product would wrap.
        {"longest lifetime, a year old", never, never, taken, taken + 365 * one_day, false},
        {"no lifetime, at once", 0, 180, taken, taken, false},
        {"no lifetime, a moment later", 0, 180, taken, taken + 1, true},
    };
    for (const auto& age : cases) {
        const ExpiryToken token{age.taken, age.token_days, {}};
        EXPECT_EQ(code_of(check_token_age(token, age.configured_days, age.now)),
                  age.expired ? static_cast<Code>(hrContentsExpired) : 0)
            << age.name;
    }
}

} // namespace
} // namespace ntdsb::service
