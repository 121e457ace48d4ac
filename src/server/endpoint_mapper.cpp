// ept_lookup, ept_map and ept_lookup_handle_free (endpoint_mapper.h).
#include "server/endpoint_mapper.h"

#include "rpc/pdu.h"
#include "server/interfaces.h"
#include "server/octets.h"

#include <optional>
#include <vector>

namespace ntdsb::server {

namespace {

constexpr std::uint32_t not_registered = 0x16c9a0d6; // ept_s_not_registered
// Towers in requests are some hundred octets long.
constexpr std::uint32_t longest_tower = 4096;

// Tower floors (C706 appendix L).
constexpr std::uint8_t floor_uuid = 0x0d;
constexpr std::uint8_t floor_connection_oriented = 0x0b;
constexpr std::uint8_t floor_tcp = 0x07;
constexpr std::uint8_t floor_ip = 0x09;

// Where a lookup goes on. It is in the handle itself, so that nothing is kept and none can leak.
using Handle = wire::ContextHandle;
constexpr wire::Uuid handle_mark{'n', 't', 'd', 's', 'b', '-', 'l', 'o',
                                 'o', 'k', 'u', 'p', 0,   0,   0};

Handle read_handle(OctetReader& request) {
    Handle handle;
    handle.attributes = request.u32();
    handle.uuid = request.uuid(1);
    return handle;
}

void write_handle(OctetWriter& reply, const Handle& handle) {
    reply.u32(handle.attributes);
    reply.uuid(handle.uuid);
}

Handle handle_at(std::size_t position) {
    Handle handle{0, handle_mark};
    handle.uuid.back() = static_cast<std::uint8_t>(position);
    return handle;
}

// 0 for a new lookup; nothing for a handle that was never given.
std::optional<std::size_t> position_of(Handle handle) {
    if (handle == Handle{}) return 0;
    const std::size_t position = handle.uuid.back();
    if (position == 0 || handle != handle_at(position)) return std::nullopt;
    return position;
}

void write_syntax_floor(OctetWriter& tower, const rpc::SyntaxId& syntax) {
    tower.packed_u16(19);
    tower.packed_u8(floor_uuid);
    tower.uuid(syntax.uuid);
    tower.packed_u16(static_cast<std::uint16_t>(syntax.version & 0xffff));
    tower.packed_u16(2);
    tower.packed_u16(static_cast<std::uint16_t>(syntax.version >> 16));
}

wire::Bytes tower_of(const rpc::SyntaxId& syntax, const Endpoint& here) {
    OctetWriter tower;
    tower.packed_u16(5);
    write_syntax_floor(tower, syntax);
    write_syntax_floor(tower, rpc::ndr_syntax);
    tower.packed_u16(1);
    tower.packed_u8(floor_connection_oriented);
    tower.packed_u16(2);
    tower.packed_u16(0); // the protocol's minor version
    tower.packed_u16(1);
    tower.packed_u8(floor_tcp);
    tower.packed_u16(2);
    tower.packed_u8(static_cast<std::uint8_t>(here.port >> 8));
    tower.packed_u8(static_cast<std::uint8_t>(here.port & 0xff));
    tower.packed_u16(1);
    tower.packed_u8(floor_ip);
    tower.packed_u16(4);
    for (const std::uint8_t octet : here.address) tower.packed_u8(octet);
    return tower.take();
}

void write_tower(OctetWriter& reply, const wire::Bytes& tower) {
    const auto size = static_cast<std::uint32_t>(tower.size());
    reply.u32(size); // the conformance
    reply.u32(size);
    reply.octets(tower);
}

// The entries from `position` on that `matches` likes; where the next question goes on.
struct Found {
    std::vector<const ServedInterface*> entries;
    Handle next;
};
template <class Matches>
Found find(std::size_t position, std::uint32_t most, Matches matches) {
    Found found;
    const auto& served = served_interfaces();
    for (std::size_t i = position; i < served.size(); ++i) {
        if (served[i].annotation.empty() || !matches(served[i].syntax)) continue;
        if (found.entries.size() >= most) {
            // At the beginning there is no handle to go on with, and none is needed.
            if (i > 0) found.next = handle_at(i);
            break;
        }
        found.entries.push_back(&served[i]);
    }
    return found;
}

bool same_interface(const rpc::SyntaxId& own, const rpc::SyntaxId& asked, std::uint32_t option) {
    const auto major = [](const rpc::SyntaxId& id) { return id.version & 0xffff; };
    const auto minor = [](const rpc::SyntaxId& id) { return id.version >> 16; };
    if (own.uuid != asked.uuid) return false;
    switch (option) {
    case 1: // all versions
        return true;
    case 2: // compatible
        return major(own) == major(asked) && minor(own) >= minor(asked);
    case 3: // exact
        return own.version == asked.version;
    case 4: // the major version only
        return major(own) == major(asked);
    case 5: // up to
        return major(own) < major(asked) ||
               (major(own) == major(asked) && minor(own) <= minor(asked));
    default:
        return false;
    }
}

rpc::SyntaxId read_interface_id(OctetReader& request) {
    rpc::SyntaxId id;
    id.uuid = request.uuid(4);
    id.version = request.u16();
    id.version |= static_cast<std::uint32_t>(request.u16()) << 16;
    return id;
}

Result<wire::Bytes> lookup(OctetReader& request, const Endpoint& here) {
    const std::uint32_t inquiry = request.u32();
    if (request.u32() != 0) request.uuid(4); // an object: nothing here is registered by object
    std::optional<rpc::SyntaxId> asked;
    if (request.u32() != 0) asked = read_interface_id(request);
    const std::uint32_t option = request.u32();
    const auto position = position_of(read_handle(request));
    const std::uint32_t most = request.u32();
    constexpr std::uint32_t all = 0, by_interface = 1, by_object = 2, by_both = 3;
    const bool knows_how =
        inquiry == all || inquiry == by_object ||
        ((inquiry == by_interface || inquiry == by_both) && asked && option >= 1 && option <= 5);
    if (!knows_how || !position) request.refuse();
    NTDSB_CHECK(request.finish("ept_lookup"));

    const Found found = find(*position, most, [&](const rpc::SyntaxId& own) {
        if (here.port == 0) return false;
        if (inquiry == all) return true;
        return inquiry == by_interface && same_interface(own, *asked, option);
    });
    OctetWriter reply;
    const auto count = static_cast<std::uint32_t>(found.entries.size());
    write_handle(reply, found.next);
    reply.u32(count);
    reply.u32(most);
    reply.u32(0);
    reply.u32(count);
    for (const ServedInterface* entry : found.entries) {
        reply.align(4);
        reply.uuid({}); // no object
        reply.referent();
        const std::string_view annotation = entry->annotation;
        reply.u32(0);
        reply.u32(static_cast<std::uint32_t>(annotation.size() + 1));
        reply.characters(annotation);
        reply.packed_u8(0);
    }
    for (const ServedInterface* entry : found.entries)
        write_tower(reply, tower_of(entry->syntax, here));
    reply.u32(count > 0 || most == 0 ? 0 : not_registered);
    return reply.take();
}

// What a client's tower asks for; nothing where it is no interface over TCP.
struct AskedTower {
    rpc::SyntaxId interface_of;
    bool is_over_tcp = false;
};
std::optional<AskedTower> read_tower(std::span<const std::byte> octets) {
    AskedTower asked;
    OctetReader tower(octets);
    const std::uint16_t floors = tower.packed_u16();
    if (floors < 4 || floors > 16) return std::nullopt;
    for (std::uint16_t i = 0; i < floors && !tower.failed(); ++i) {
        OctetReader left(tower.take(tower.packed_u16(), 1));
        OctetReader right(tower.take(tower.packed_u16(), 1));
        const auto kind = left.take(1, 1);
        if (kind.empty()) return std::nullopt;
        const auto protocol = std::to_integer<std::uint8_t>(kind.front());
        if (i < 2) {
            rpc::SyntaxId id;
            id.uuid = left.uuid(1);
            id.version = left.packed_u16();
            id.version |= static_cast<std::uint32_t>(right.packed_u16()) << 16;
            if (protocol != floor_uuid || left.failed() || right.failed()) return std::nullopt;
            if (i == 0)
                asked.interface_of = id;
            else if (id != rpc::ndr_syntax)
                return std::nullopt;
        }
        if (i == 2 && protocol != floor_connection_oriented) return std::nullopt;
        if (i == 3) asked.is_over_tcp = protocol == floor_tcp;
    }
    if (tower.failed()) return std::nullopt;
    return asked;
}

Result<wire::Bytes> map(OctetReader& request, const Endpoint& here) {
    if (request.u32() != 0) request.uuid(4); // an object: any will do
    std::optional<AskedTower> asked;
    if (request.u32() != 0) {
        const std::uint32_t conformance = request.u32();
        const std::uint32_t size = request.u32();
        if (conformance != size || size > longest_tower) request.refuse();
        asked = read_tower(request.take(request.failed() ? 0 : size, 1));
    }
    const auto position = position_of(read_handle(request));
    const std::uint32_t most = request.u32();
    if (!position) request.refuse();
    NTDSB_CHECK(request.finish("ept_map"));

    constexpr std::uint32_t compatible = 2;
    const Found found = find(*position, most, [&](const rpc::SyntaxId& own) {
        return here.port != 0 && asked && asked->is_over_tcp &&
               same_interface(own, asked->interface_of, compatible);
    });
    OctetWriter reply;
    const auto count = static_cast<std::uint32_t>(found.entries.size());
    write_handle(reply, found.next);
    reply.u32(count);
    reply.u32(most);
    reply.u32(0);
    reply.u32(count);
    for (std::uint32_t i = 0; i < count; ++i) reply.referent();
    for (const ServedInterface* entry : found.entries)
        write_tower(reply, tower_of(entry->syntax, here));
    reply.u32(count > 0 || most == 0 ? 0 : not_registered);
    return reply.take();
}

// There is nothing to free; the handle comes back as null.
Result<wire::Bytes> free_handle(OctetReader& request) {
    if (!position_of(read_handle(request))) request.refuse();
    NTDSB_CHECK(request.finish("ept_lookup_handle_free"));
    OctetWriter reply;
    write_handle(reply, {});
    reply.u32(0);
    return reply.take();
}

} // namespace

Result<wire::Bytes> endpoint_mapper_call(std::uint16_t opnum, std::span<const std::byte> request,
                                         const Endpoint& here) {
    OctetReader reader(request);
    switch (opnum) {
    case 0: // ept_insert
    case 1: // ept_delete
    case 6: // ept_mgmt_delete
        return fail(ERROR_ACCESS_DENIED, "nothing can be registered at this endpoint mapper");
    case 2:
        return lookup(reader, here);
    case 3:
        return map(reader, here);
    case 4:
        return free_handle(reader);
    default:
        return fail(RPC_S_PROCNUM_OUT_OF_RANGE, "the endpoint mapper has no operation ", opnum);
    }
}

} // namespace ntdsb::server
