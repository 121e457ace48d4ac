// A client that sends what it likes, and reads when it likes.
#pragma once

#include "ntdsbcli.h"
#include "platform/socket.h"
#include "rpc/pdu.h"
#include "wire/ndr.h"
#include "wire/operations.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace ntdsb::server {

using rpc::Bytes;
using rpc::PduType;

inline constexpr std::uint16_t restore_context = 0;
inline constexpr std::uint16_t backup_context = 1;
inline constexpr std::uint16_t mapper_context = 2;

inline std::span<const std::byte> octets_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

class RawClient {
public:
    explicit RawClient(const std::string& address) : socket_(connect(address)) {
        socket_.set_read_deadline(std::chrono::steady_clock::now() + std::chrono::seconds(60));
    }

    bool send(std::span<const std::byte> octets) { return bool(socket_.write(octets)); }
    // The next whole fragment; nothing where the server hung up.
    std::optional<Bytes> next() {
        std::array<std::byte, 8192> buffer;
        for (;;) {
            const auto frame = rpc::decode_frame(received_, 65535);
            EXPECT_TRUE(frame) << "the server sends no fragment";
            if (!frame) return std::nullopt;
            if (frame.value() && frame.value()->length <= received_.size()) {
                const auto length = static_cast<std::ptrdiff_t>(frame.value()->length);
                Bytes whole(received_.begin(), received_.begin() + length);
                received_.erase(received_.begin(), received_.begin() + length);
                return whole;
            }
            const auto got = socket_.read_some(buffer, {});
            if (!got) {
                // What was said before the deadline would be a hang.
                EXPECT_EQ(got.error().what.find("timed out"), std::string::npos)
                    << got.error().what;
                return std::nullopt;
            }
            received_.insert(received_.end(), buffer.begin(),
                             buffer.begin() + static_cast<std::ptrdiff_t>(got.value()));
        }
    }
    std::optional<PduType> next_type() {
        const auto fragment = next();
        if (!fragment) return std::nullopt;
        return rpc::split_fragment(*fragment).value().header.type;
    }

    // Of the restore, the backup and the mapper interface.
    static Bytes bind_request(std::uint32_t group) {
        const rpc::SyntaxId mapper{{0x08, 0x83, 0xaf, 0xe1, 0x1f, 0x5d, 0xc9, 0x11, 0x91, 0xa4,
                                    0x08, 0x00, 0x2b, 0x14, 0xa0, 0xfa},
                                   3};
        const rpc::Bind asked{
            5840,
            5840,
            group,
            {{restore_context, {wire::restore_interface_uuid, 1}, {rpc::ndr_syntax}},
             {backup_context, {wire::backup_interface_uuid, 1}, {rpc::ndr_syntax}},
             {mapper_context, mapper, {rpc::ndr_syntax}}}};
        return rpc::encode({PduType::bind, rpc::only_fragment, 1}, asked);
    }
    // Gives the answer's type.
    std::optional<PduType> bind(std::uint32_t group = 0) {
        send(bind_request(group));
        const auto answer = next();
        if (!answer) return std::nullopt;
        const auto fragment = rpc::split_fragment(*answer).value();
        if (fragment.header.type == PduType::bind_ack)
            group_ = rpc::decode_bind_ack(fragment.body).value().association_group;
        return fragment.header.type;
    }
    std::uint32_t group() const { return group_; }

    static Bytes request_of(std::uint32_t id, std::uint16_t context, std::uint16_t opnum,
                            std::span<const std::byte> stub) {
        return rpc::encode({PduType::request, rpc::only_fragment, id},
                           rpc::Request{0, context, opnum, std::nullopt}, stub);
    }
    void request(std::uint32_t id, std::uint16_t context, std::uint16_t opnum,
                 std::span<const std::byte> stub) {
        send(request_of(id, context, opnum, stub));
    }
    // The reply's stub, or the fault's status.
    struct Answer {
        std::optional<Bytes> stub;
        std::uint32_t fault = 0;
    };
    Answer answer() {
        const auto received = next();
        if (!received) return {std::nullopt, 1};
        const auto fragment = rpc::split_fragment(*received).value();
        if (fragment.header.type == PduType::fault)
            return {std::nullopt, rpc::decode_fault(fragment.body).value().status};
        const auto response = rpc::decode_response(fragment).value();
        return {Bytes(response.stub.begin(), response.stub.end())};
    }
    Answer call(std::uint16_t context, std::uint16_t opnum, std::span<const std::byte> stub) {
        request(++last_call_, context, opnum, stub);
        return answer();
    }
    Answer ping() { return call(backup_context, wire::BackupPing::opnum, {}); }
    wire::BackupPrepare::Reply prepare_backup() {
        const auto answer =
            call(backup_context, wire::BackupPrepare::opnum,
                 wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}));
        if (!answer.stub) return {{}, {}, static_cast<Code>(hrCommunicationError)};
        return wire::decode<wire::BackupPrepare::Reply>(*answer.stub).value();
    }
    platform::Socket& socket() { return socket_; }

private:
    static platform::Socket connect(const std::string& address) {
        auto socket = platform::Socket::connect(platform::split_address(address).value(),
                                                std::chrono::seconds(30));
        if (!socket) throw std::runtime_error(socket.error().what);
        return std::move(socket).value();
    }

    platform::Socket socket_;
    Bytes received_;
    std::uint32_t group_ = 0;
    std::uint32_t last_call_ = 1;
};

} // namespace ntdsb::server
