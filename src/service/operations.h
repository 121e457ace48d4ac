// Inside of the dispatcher: the table of all operations.
#pragma once

#include "service/association_state.h"

namespace ntdsb::service {

struct Operation {
    wire::Interface interface_of;
    std::uint16_t opnum;
    std::string_view name;
    // Decodes the request, runs the operation, encodes the reply, and writes one line to the log.
    Result<void> (*serve)(Association::State& state, const std::atomic<bool>& cancelled,
                          std::string_view name, std::span<const std::byte> request,
                          wire::ReplySink& reply);
};

// nullptr: there is none.
const Operation* find_operation(wire::Interface interface_of, std::uint16_t opnum);

} // namespace ntdsb::service
