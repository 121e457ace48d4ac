// The figures as text (figures.h).
#include "server/figures.h"

#include "core/text.h"
#include "service/service.h"

namespace ntdsb::server {

namespace {

void add_line(std::string& out, std::string_view name, std::string_view type, std::string_view help,
              std::uint64_t value) {
    out += ntdsb::text("# HELP ntdsb_", name, ' ', help, "\n# TYPE ntdsb_", name, ' ', type,
                       "\nntdsb_", name, ' ', value, '\n');
}

// Microseconds as seconds, exactly.
std::string seconds(std::uint64_t microseconds) {
    std::string fraction = ntdsb::text(microseconds % 1'000'000);
    fraction.insert(0, 6 - fraction.size(), '0');
    return ntdsb::text(microseconds / 1'000'000, '.', fraction);
}

} // namespace

void Figures::count(wire::Interface interface_of, std::uint16_t opnum, Code status,
                    std::chrono::microseconds took) {
    if (opnum >= most_operations) return;
    Operation& operation = operations_[static_cast<std::size_t>(interface_of)][opnum];
    ++(status == 0 ? operation.succeeded : operation.failed);
    operation.microseconds += static_cast<std::uint64_t>(took.count());
}

std::uint64_t Figures::calls() const {
    std::uint64_t all = 0;
    for (const auto& interface_of : operations_) {
        for (const Operation& one : interface_of) all += one.succeeded + one.failed;
    }
    return all;
}

std::string Figures::text() const {
    std::string out;
    add_line(out, "connections", "gauge", "Open connections.", connections);
    add_line(out, "connections_accepted_total", "counter", "Connections accepted.",
             connections_accepted);
    add_line(out, "connections_refused_total", "counter", "Connections closed at max_connections.",
             connections_refused);
    add_line(out, "protocol_errors_total", "counter", "Connections ended by a protocol error.",
             protocol_errors);
    add_line(out, "calls_running", "gauge", "Calls that run now.", calls_running);
    add_line(out, "held_bytes", "gauge", "Requests, and answers that clients have not taken.",
             held);
    add_line(out, "calls_refused_total", "counter", "Calls answered with a fault.", calls_refused);
    add_line(out, "received_fragments_total", "counter", "Fragments received.", fragments_received);
    add_line(out, "sent_fragments_total", "counter", "Fragments sent.", fragments_sent);
    add_line(out, "received_bytes_total", "counter", "Octets received.", octets_received);
    add_line(out, "sent_bytes_total", "counter", "Octets sent.", octets_sent);
    std::string calls =
        "# HELP ntdsb_calls_total Operations run, by outcome.\n# TYPE ntdsb_calls_total counter\n";
    std::string times = "# HELP ntdsb_call_seconds_total Time that operations took.\n"
                        "# TYPE ntdsb_call_seconds_total counter\n";
    for (const auto interface_of : {wire::Interface::restore, wire::Interface::backup}) {
        for (std::uint16_t opnum = 0; opnum < most_operations; ++opnum) {
            const auto name = service::operation_name(interface_of, opnum);
            if (name.empty()) continue;
            const Operation& one = operations_[static_cast<std::size_t>(interface_of)][opnum];
            const auto line = [&](std::string_view outcome, std::uint64_t count) {
                calls += ntdsb::text(R"(ntdsb_calls_total{operation=")", name, R"(",outcome=")",
                                     outcome, R"("} )", count, '\n');
            };
            line("success", one.succeeded);
            line("failure", one.failed);
            times += ntdsb::text(R"(ntdsb_call_seconds_total{operation=")", name, R"("} )",
                                 seconds(one.microseconds), '\n');
        }
    }
    return out + calls + times;
}

} // namespace ntdsb::server
