// One request for the metrics, over just enough HTTP: a head of at most some kilobytes, one answer,
// the end.
#pragma once

#include "server/asio.h"
#include "server/figures.h"

#include <chrono>
#include <cstddef>
#include <string_view>

namespace ntdsb::server {

// What answers a request, of which `head` came so far; `none`: more of it must come.
enum class MetricsAnswer { none, page, not_found, too_long };
inline constexpr std::size_t longest_metrics_head = 4096;
MetricsAnswer metrics_answer(std::string_view head) noexcept;

// `figures` and `running` outlive the request; it is counted in `running`, on the thread of the
// socket's executor, as long as it lasts: `patience` at most.
void serve_metrics(StreamSocket socket, const Figures& figures, std::size_t& running,
                   std::chrono::milliseconds patience);

} // namespace ntdsb::server
