// The management interface and the endpoint mapper (server/management.h, server/endpoint_mapper.h),
// octet by octet. tests/interop asks the same of them with a foreign client.
#include "server/endpoint_mapper.h"
#include "server/interfaces.h"
#include "server/management.h"
#include "server/octets.h"

#include <gtest/gtest.h>

namespace ntdsb::server {
namespace {

const Endpoint here{{127, 0, 0, 1}, 49152};
constexpr std::uint16_t ept_lookup = 2;
constexpr std::uint16_t ept_map = 3;
constexpr std::uint32_t not_registered = 0x16c9a0d6;

wire::Bytes lookup_request(const wire::ContextHandle& handle, std::uint32_t most) {
    OctetWriter request;
    request.u32(0); // all entries
    request.u32(0);
    request.u32(0);
    request.u32(1);
    request.u32(handle.attributes);
    request.uuid(handle.uuid);
    request.u32(most);
    return request.take();
}

struct Page {
    wire::ContextHandle next;
    std::uint32_t count = 0;
    std::uint32_t status = 0;
};
Page page_of(const wire::Bytes& reply) {
    Page page;
    OctetReader reader(reply);
    page.next.attributes = reader.u32();
    page.next.uuid = reader.uuid(1);
    page.count = reader.u32();
    OctetReader end{std::span(reply).last(4)};
    page.status = end.u32();
    return page;
}
Page lookup(const wire::ContextHandle& handle, std::uint32_t most) {
    const auto reply = endpoint_mapper_call(ept_lookup, lookup_request(handle, most), here);
    EXPECT_TRUE(reply) << reply.error().what;
    return reply ? page_of(reply.value()) : Page{};
}

TEST(EndpointMapper, ListsBothInterfacesPageByPage) {
    const Page first = lookup({}, 1);
    EXPECT_EQ(first.count, 1u);
    EXPECT_EQ(first.status, 0u);
    EXPECT_NE(first.next, wire::ContextHandle{});
    const Page second = lookup(first.next, 5);
    EXPECT_EQ(second.count, 1u);
    EXPECT_EQ(second.next, wire::ContextHandle{}) << "there is no more";
    EXPECT_EQ(lookup({}, 100).count, 2u);
    EXPECT_EQ(lookup({}, 0).count, 0u);
}

TEST(EndpointMapper, RefusesAHandleThatItNeverGave) {
    const wire::ContextHandle handle{0, {1, 2, 3}};
    EXPECT_FALSE(endpoint_mapper_call(ept_lookup, lookup_request(handle, 1), here));
}

wire::Bytes map_request(const wire::Uuid& uuid, std::uint8_t protocol, std::uint32_t floors = 5) {
    OctetWriter tower;
    tower.packed_u16(static_cast<std::uint16_t>(floors));
    const auto syntax = [&](const rpc::SyntaxId& id) {
        tower.packed_u16(19);
        tower.packed_u8(0x0d);
        tower.uuid(id.uuid);
        tower.packed_u16(static_cast<std::uint16_t>(id.version));
        tower.packed_u16(2);
        tower.packed_u16(0);
    };
    syntax({uuid, 1});
    syntax(rpc::ndr_syntax);
    for (const std::uint8_t kind : {std::uint8_t{0x0b}, protocol, std::uint8_t{0x09}}) {
        tower.packed_u16(1);
        tower.packed_u8(kind);
        tower.packed_u16(2);
        tower.packed_u16(0);
    }
    const wire::Bytes octets = tower.take();
    OctetWriter request;
    request.u32(1); // an object, which is nil
    request.uuid({});
    request.u32(2);
    request.u32(static_cast<std::uint32_t>(octets.size()));
    request.u32(static_cast<std::uint32_t>(octets.size()));
    request.octets(octets);
    request.u32(0);
    request.uuid({});
    request.u32(4);
    return request.take();
}

TEST(EndpointMapper, MapsAnInterfaceToThePortThatTheAskerUsed) {
    const auto reply =
        endpoint_mapper_call(ept_map, map_request(wire::backup_interface_uuid, 0x07), here);
    ASSERT_TRUE(reply);
    EXPECT_EQ(page_of(reply.value()).count, 1u);
    const std::array<std::byte, 5> port{std::byte{0x07}, std::byte{2}, std::byte{0},
                                        std::byte{0xc0}, std::byte{0x00}};
    const wire::Bytes& sent = reply.value();
    EXPECT_NE(std::search(sent.begin(), sent.end(), port.begin(), port.end()), sent.end());
}

TEST(EndpointMapper, KnowsNeitherOtherInterfacesNorOtherProtocols) {
    const wire::Uuid other{1};
    constexpr std::uint8_t named_pipe = 0x0f;
    for (const auto& request :
         {map_request(other, 0x07), map_request(wire::backup_interface_uuid, named_pipe),
          map_request(wire::backup_interface_uuid, 0x07, 60000)}) {
        const auto reply = endpoint_mapper_call(ept_map, request, here);
        ASSERT_TRUE(reply);
        EXPECT_EQ(page_of(reply.value()).count, 0u);
        EXPECT_EQ(page_of(reply.value()).status, not_registered);
    }
}

// Every beginning of a sound request, and every one of its octets at its extremes.
TEST(StandardInterfaces, TakeAnyOctets) {
    std::size_t answered = 0;
    const auto ask = [&](std::uint16_t opnum, const wire::Bytes& request) {
        answered += bool(endpoint_mapper_call(opnum, request, here)) ? 1u : 0u;
        answered += bool(management_call(opnum, request, {})) ? 1u : 0u;
    };
    for (const auto& sound :
         {lookup_request({}, 5), map_request(wire::restore_interface_uuid, 0x07)}) {
        for (std::uint16_t opnum = 0; opnum < 8; ++opnum) {
            for (std::size_t i = 0; i < sound.size(); ++i) {
                ask(opnum, wire::Bytes(sound.begin(), sound.begin() + static_cast<long>(i)));
                for (const int value : {0, 1, 0x7f, 0xff}) {
                    wire::Bytes changed = sound;
                    changed[i] = static_cast<std::byte>(value);
                    ask(opnum, changed);
                }
            }
        }
    }
    EXPECT_GT(answered, 0u);
}

TEST(Management, TellsTheInterfacesAndThatItListens) {
    const auto ids = management_call(0, {}, {});
    ASSERT_TRUE(ids);
    EXPECT_EQ(ids.value().size(), 4 + 4 + 4 + 4 * 4 + 4 * 20 + 4u);
    const auto listening = management_call(2, {}, {});
    ASSERT_TRUE(listening);
    EXPECT_EQ(listening.value().size(), 8u);
}

TEST(Management, StopsForNobody) {
    const auto answer = management_call(3, {}, {});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ERROR_ACCESS_DENIED);
}

TEST(Management, GivesNoMoreStatisticsThanThereAre) {
    OctetWriter request;
    request.u32(0xffffffff);
    const auto reply = management_call(1, request.take(), {7, 8, 9});
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply.value().size(), 4 + 4 + 4 * 4 + 4u);
}

} // namespace
} // namespace ntdsb::server
