// Inside of the transport layer: what the host does with a plug-in's table (ntdsb/transport.h), apart
// from finding and loading the library, so that a table can also be handed in by a test.
#pragma once

#include "ntdsb/transport.h"
#include "transport/transport.h"

namespace ntdsb::transport {

// H-2. hrError, with the end of a sentence that begins with the library's path. `size` and `version`
// are read of any table, what lies behind them only where `size` covers it.
Result<void> check_plugin_table(const ntdsb_transport* table);

// `table` has passed check_plugin_table and outlives the connection.
Result<std::unique_ptr<Connection>>
connect_through(const ntdsb_transport& table, std::string_view name, const PluginTarget& target);

} // namespace ntdsb::transport
