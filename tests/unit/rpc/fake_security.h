// A mechanism that protects nothing and notices everything: tokens of one octet, a stub that is
// "encrypted" by its fragment's number, and a checksum over all of it. Four legs: 1, 2, 3, 4.
#pragma once

#include "rpc/security_context.h"

#include <algorithm>
#include <array>
#include <new>

namespace ntdsb::rpc {

class FakeIdentity final : public Identity {
public:
    FakeIdentity() : Identity("EXAMPLE\\alice", "NTLM") {}
    bool is(std::string_view principal) const override { return principal == name(); }
};

class FakeSecurity final : public SecurityContext {
public:
    enum class Side { client, server };
    // `legs`: how many there are; 3 end with an auth3, 4 with an answer.
    explicit FakeSecurity(Side side, unsigned legs = 4) : side_(side), legs_(legs) {}

    Result<Bytes> step(std::span<const std::byte> token) override {
        const unsigned received = token.empty() ? 0 : std::to_integer<unsigned>(token.front());
        const unsigned expected = next_ == 0 ? (side_ == Side::client ? 0 : 1) : next_;
        if (complete_ || received != expected || token.size() > 1)
            return fail(ERROR_ACCESS_DENIED, "token ", received, " instead of ", expected);
        next_ = received + 2;
        complete_ = received + 1 >= legs_;
        if (received >= legs_) return Bytes();
        return Bytes{static_cast<std::byte>(received + 1)};
    }
    bool is_complete() const override { return complete_; }
    std::shared_ptr<const Identity> peer() const override {
        return std::make_shared<FakeIdentity>();
    }
    std::size_t token_size() const override {
        if (out_of_memory) throw std::bad_alloc();
        return 16;
    }
    Result<void> sign_headers(bool negotiated) override {
        if (!negotiated && needs_signed_headers) return headers_unsigned();
        signs_headers_ = negotiated;
        return ok();
    }
    bool needs_signed_headers = false; // as Kerberos does
    bool out_of_memory = false;        // where the next request is made

    Result<std::size_t> protect(const FragmentParts& fragment,
                                std::span<std::byte> token) override {
        const auto sum = checksum(fragment, sent_);
        crypt(fragment.stub, sent_++);
        std::ranges::copy(sum, token.begin());
        return sum.size();
    }
    Result<void> unprotect(const FragmentParts& fragment,
                           std::span<const std::byte> token) override {
        crypt(fragment.stub, received_);
        if (!std::ranges::equal(token, checksum(fragment, received_++)))
            return fail(ERROR_ACCESS_DENIED, "not the next fragment, unchanged");
        return ok();
    }

private:
    static void crypt(std::span<std::byte> stub, unsigned number) {
        for (std::byte& octet : stub) octet ^= static_cast<std::byte>(0x55 + number);
    }
    std::array<std::byte, 16> checksum(const FragmentParts& plain, unsigned number) const {
        std::uint64_t sum = 14695981039346656037u + number;
        const auto add = [&](std::span<const std::byte> octets) {
            for (const std::byte octet : octets)
                sum = (sum ^ std::to_integer<std::uint64_t>(octet)) * 1099511628211u;
        };
        if (signs_headers_) add(plain.header);
        add(plain.stub);
        if (signs_headers_) add(plain.trailer);
        std::array<std::byte, 16> out{};
        for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::byte>(sum >> (8 * i) & 0xff);
        return out;
    }

    Side side_;
    unsigned legs_;
    unsigned next_ = 0;
    bool complete_ = false;
    bool signs_headers_ = false;
    unsigned sent_ = 0;
    unsigned received_ = 0;
};

} // namespace ntdsb::rpc
