// The operations of the management interface (management.h).
#include "server/management.h"

#include "server/interfaces.h"
#include "server/octets.h"

#include <array>

namespace ntdsb::server {

namespace {

wire::Bytes interface_ids() {
    const auto& served = served_interfaces();
    const auto count = static_cast<std::uint32_t>(served.size());
    OctetWriter reply;
    reply.referent(); // the vector
    reply.u32(count); // its conformance
    reply.u32(count);
    for (std::uint32_t i = 0; i < count; ++i) reply.referent();
    for (const ServedInterface& one : served) {
        reply.align(4);
        reply.uuid(one.syntax.uuid);
        reply.u16(static_cast<std::uint16_t>(one.syntax.version & 0xffff));
        reply.u16(static_cast<std::uint16_t>(one.syntax.version >> 16));
    }
    reply.u32(0); // status
    return reply.take();
}

Result<wire::Bytes> statistics_reply(OctetReader& request, const Statistics& statistics) {
    const std::array<std::uint32_t, 4> all{statistics.calls_in, 0, statistics.fragments_in,
                                           statistics.fragments_out};
    const std::uint32_t wanted = std::min<std::uint32_t>(request.u32(), all.size());
    NTDSB_CHECK(request.finish("inq_stats"));
    OctetWriter reply;
    reply.u32(wanted);
    reply.u32(wanted); // the array's conformance
    for (std::uint32_t i = 0; i < wanted; ++i) reply.u32(all[i]);
    reply.u32(0);
    return reply.take();
}

// No principal's name is told here.
Result<wire::Bytes> principal_name_reply(OctetReader& request) {
    request.u32(); // the authentication service
    const std::uint32_t room = request.u32();
    NTDSB_CHECK(request.finish("inq_princ_name"));
    const std::uint32_t actual = room == 0 ? 0 : 1;
    OctetWriter reply;
    reply.u32(room);
    reply.u32(0);
    reply.u32(actual);
    for (std::uint32_t i = 0; i < actual; ++i) reply.packed_u8(0);
    constexpr std::uint32_t unknown_authentication_service = 1747;
    reply.u32(unknown_authentication_service);
    return reply.take();
}

} // namespace

Result<wire::Bytes> management_call(std::uint16_t opnum, std::span<const std::byte> request,
                                    const Statistics& statistics) {
    OctetReader reader(request);
    switch (opnum) {
    case 0:
        return interface_ids();
    case 1:
        return statistics_reply(reader, statistics);
    case 2: { // is_server_listening: status, then yes
        OctetWriter reply;
        reply.u32(0);
        reply.u32(1);
        return reply.take();
    }
    case 3:
        return fail(ERROR_ACCESS_DENIED, "no client may stop this server");
    case 4:
        return principal_name_reply(reader);
    default:
        return fail(RPC_S_PROCNUM_OUT_OF_RANGE, "the management interface has no operation ",
                    opnum);
    }
}

} // namespace ntdsb::server
