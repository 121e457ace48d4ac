// Inside of the dispatcher: the table of all operations.
#pragma once

#include "service/association_state.h"

namespace ntdsb::service {

// What a caller over the network must be allowed (contract ACC-5).
enum class Need { either, backup, restore };

struct CallContext {
    const Caller& caller;
    const std::atomic<bool>& cancelled;
};

struct Operation {
    wire::Interface interface_of;
    std::uint16_t opnum;
    std::string_view name;
    Need need;
    // Decodes the request, runs the operation, encodes the reply, and writes one line to the log.
    Result<void> (*serve)(Association::State& state, const CallContext& context,
                          std::string_view name, std::span<const std::byte> request,
                          wire::ReplySink& reply);
};

// nullptr: there is none.
const Operation* find_operation(wire::Interface interface_of, std::uint16_t opnum);

} // namespace ntdsb::service
