// What clients may take of the server. Memory is bounded by these: a connection holds at most one
// fragment (a protected one twice more while it is decrypted), its requests (rpc::Limits), and its
// answers as far as they are unsent; the requests and answers of all connections are at most `held`,
// and of each one call and the requests that a stranger may send.
#pragma once

#include "rpc/server_association.h"

#include <chrono>
#include <cstddef>

namespace ntdsb::server {

struct Limits {
    std::size_t connections = 4096;      // [service] max_connections
    std::size_t calls = 256;             // that run at once, of all clients: max_calls
    std::size_t authentications = 32;    // that run at once: max_authentications
    std::size_t calls_of_connection = 4; // max_calls_per_connection
    // Above, nothing is read from it: max_waiting_calls_per_connection
    std::size_t waiting_of_connection = 8;
    // Octets of answers that wait for a slow reader: above, nothing is read from it, none of its
    // calls begins; those that run go on. max_unsent_bytes
    std::size_t unsent = std::size_t{1024} * 1024;
    std::size_t stranger_unsent = 65536; // the same of those not admitted: max_stranger_bytes
    // Octets of requests and unsent answers of all connections. Above, a call whose client does not
    // take its answer as it is made ends as too busy, one that comes in parts for want of memory.
    // max_held_bytes
    std::size_t held = std::size_t{1024} * 1024 * 1024;
    std::chrono::milliseconds until_bound{30'000}; // bind_timeout_s
    // From the first octet of a fragment, or of a request, to its last: fragment_timeout_s
    std::chrono::milliseconds fragment{60'000};
    // In which the client takes nothing of an answer: unread_timeout_s
    std::chrono::milliseconds unread{120'000};
    // For the client to hang up after it was told to: hang_up_timeout_s
    std::chrono::milliseconds linger{5'000};
    // max_request_bytes, max_presentation_contexts, max_open_calls_per_connection
    rpc::Limits association;
    // For those who are not admitted, enough for the standard interfaces: max_stranger_bytes, a
    // quarter of the contexts and half of the calls.
    rpc::Limits stranger{65528, 65536, 65536, 8, 16};
    std::size_t metrics_requests = 64;                // at once: max_metrics_requests
    std::chrono::milliseconds metrics_request{5'000}; // metrics_timeout_s

    bool operator==(const Limits&) const = default;
};

} // namespace ntdsb::server
