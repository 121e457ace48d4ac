// One request for the metrics, over just enough HTTP: a head of at most some kilobytes, one answer,
// the end.
#pragma once

#include "server/asio.h"
#include "server/figures.h"

namespace ntdsb::server {

// `figures` and `running` outlive the request; it is counted in `running`, on the thread of the
// socket's executor, as long as it lasts: five seconds at most.
void serve_metrics(StreamSocket socket, const Figures& figures, std::size_t& running);

} // namespace ntdsb::server
