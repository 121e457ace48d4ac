// What clients may take of the server. Memory is bounded by these: a connection holds at most one
// fragment (a protected one twice more while it is decrypted), its requests (rpc::Limits), and its
// answers as far as they are unsent; the requests and answers of all connections are at most `held`,
// and one call of each.
#pragma once

#include "rpc/server_association.h"

#include <chrono>
#include <cstddef>

namespace ntdsb::server {

struct Limits {
    std::size_t connections = 4096;        // [service] max_connections
    std::size_t calls = 256;               // that run at once, of all clients: max_calls
    std::size_t authentications = 32;      // that run at once: max_authentications
    std::size_t calls_of_connection = 4;   // max_calls_per_connection
    std::size_t waiting_of_connection = 8; // above, nothing is read from it
    // Octets of answers that wait for a slow reader: above, nothing is read from it, none of its
    // calls begins; those that run go on. max_unsent_bytes
    std::size_t unsent = std::size_t{1024} * 1024;
    std::size_t stranger_unsent = 65536; // the same of those who are not admitted
    // Octets of requests and unsent answers of all connections. Above, a call whose client does not
    // take its answer as it is made ends as too busy, one that comes in parts for want of memory.
    // max_held_bytes
    std::size_t held = std::size_t{1024} * 1024 * 1024;
    std::chrono::milliseconds until_bound{30'000}; // bind_timeout_s
    // From the first octet of a fragment, or of a request, to its last: fragment_timeout_s
    std::chrono::milliseconds fragment{60'000};
    // In which the client takes nothing of an answer: unread_timeout_s
    std::chrono::milliseconds unread{120'000};
    std::chrono::milliseconds linger{5'000}; // for the client to hang up after it was told to
    rpc::Limits association;                 // max_request_bytes
    // For those who are not admitted: enough for the standard interfaces.
    rpc::Limits stranger{65528, 65536, 65536, 8, 16};
};

} // namespace ntdsb::server
