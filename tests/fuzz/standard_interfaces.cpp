// The endpoint mapper and the management interface, which are open to everybody: any request of any
// operation, and lookups followed to their end.
#include "fuzz/fuzz.h"

#include "server/endpoint_mapper.h"
#include "server/interfaces.h"
#include "server/management.h"
#include "server/octets.h"

namespace ntdsb::fuzz {

namespace {

constexpr server::Endpoint here{{127, 0, 0, 1}, 49152};
constexpr std::size_t handle_size = 20;

void judge_refusal(const Error& error) {
    FUZZ_CHECK(error.code == RPC_X_BAD_STUB_DATA || error.code == ERROR_ACCESS_DENIED ||
                   error.code == RPC_S_PROCNUM_OUT_OF_RANGE,
               "a request is refused with a fault's code");
    FUZZ_CHECK(!error.what.empty(), "a request is refused with a reason");
}

struct Entries {
    wire::ContextHandle next;
    std::uint32_t count = 0;
};
Entries read_entries(const wire::Bytes& reply) {
    server::OctetReader reader(reply);
    Entries entries;
    entries.next.attributes = reader.u32();
    entries.next.uuid = reader.uuid(1);
    entries.count = reader.u32();
    FUZZ_CHECK(!reader.failed(), "a reply has a handle and a count");
    FUZZ_CHECK(entries.count <= server::served_interfaces().size(),
               "no more is listed than is served");
    return entries;
}

// Both lookups end with a handle and the number of entries wanted; a client goes on with the handle
// it got until that is null.
void follow(std::uint16_t opnum, Octets request) {
    std::uint32_t listed = 0;
    wire::ContextHandle before;
    for (unsigned steps = 0;; ++steps) {
        FUZZ_CHECK(steps <= server::served_interfaces().size() + 1, "a lookup comes to its end");
        const auto reply = server::endpoint_mapper_call(opnum, request, here);
        if (!reply) return judge_refusal(reply.error());
        const Entries entries = read_entries(reply.value());
        // A request that is longer than it need be: the handle was put where nobody reads it.
        if (steps > 0 && entries.next == before) return;
        before = entries.next;
        listed += entries.count;
        FUZZ_CHECK(listed <= server::served_interfaces().size(), "nothing is listed twice");
        if (entries.next == wire::ContextHandle{}) return;
        if (request.size() < handle_size + 4 || request.size() % 4 != 0) return;
        const auto at = request.end() - (handle_size + 4);
        if (entries.count == 0) return; // it was asked for none
        std::copy_n(reply.value().begin(), handle_size, at);
    }
}

} // namespace

void standard_interfaces(Input input) {
    Reader reader(input);
    const bool is_management = reader.flag();
    const std::uint16_t opnum = reader.u8() % 8;
    const Octets request = exactly(reader.rest());
    if (!is_management && (opnum == 2 || opnum == 3)) return follow(opnum, request);
    const auto reply = is_management ? server::management_call(opnum, request, {1, 2, 3})
                                     : server::endpoint_mapper_call(opnum, request, here);
    if (!reply) return judge_refusal(reply.error());
    FUZZ_CHECK(reply.value().size() >= 8 && reply.value().size() < 4096,
               "a reply is as long as what it tells");
}

} // namespace ntdsb::fuzz
