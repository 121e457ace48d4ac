// A connection that writes each call's operation, sizes, outcome and time to the log (level trace),
// never contents; and passes everything on to the one behind it.
#pragma once

#include "transport/transport.h"

namespace ntdsb::transport {

// `connection` itself where the log does not take trace lines.
std::unique_ptr<Connection> traced(std::unique_ptr<Connection> connection,
                                   wire::Interface interface_of, std::string_view transport);

} // namespace ntdsb::transport
