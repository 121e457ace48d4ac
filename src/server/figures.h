// What the server counts, and how it tells it: the text format of Prometheus. Knows no socket.
#pragma once

#include "wire/operations.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace ntdsb::server {

struct Figures {
    using Count = std::atomic<std::uint64_t>;

    Count connections{0}; // open ones
    Count connections_accepted{0};
    Count connections_refused{0}; // above max_connections
    Count protocol_errors{0};     // that ended a connection
    Count calls_refused{0};       // by a fault: no right, no such operation, a bad request
    Count calls_running{0};
    Count held{0}; // octets of requests, and of answers that clients have not taken
    Count fragments_received{0};
    Count fragments_sent{0};
    Count octets_received{0};
    Count octets_sent{0};

    // One finished operation; its status is the last thing in its reply.
    void count(wire::Interface interface_of, std::uint16_t opnum, Code status,
               std::chrono::microseconds took);
    std::uint64_t calls() const;
    std::string text() const;

private:
    static constexpr std::size_t most_operations = 16;
    struct Operation {
        Count succeeded{0};
        Count failed{0};
        Count microseconds{0};
    };
    std::array<std::array<Operation, most_operations>, 2> operations_;
};

} // namespace ntdsb::server
