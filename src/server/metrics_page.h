// One request for the metrics, over just enough HTTP: a head of at most some kilobytes, one answer,
// the end.
#pragma once

#include "server/asio.h"
#include "server/figures.h"

namespace ntdsb::server {

// `figures` outlives the request.
void serve_metrics(StreamSocket socket, const Figures& figures);

} // namespace ntdsb::server
