// What a bad network does to what it carries, on purpose and after a plan, so that it can be done
// again: for tests of what callers and service make of it. The decorator wraps any connection, by
// the same interface; the same faults can be done to the octets of a stream. No part of the DLL.
#pragma once

#include "transport/transport.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

namespace ntdsb::transport {

struct Fault {
    // Omitted: it does not arrive, and what follows does, as somebody on the way can do.
    enum class Kind { drop, delay, cut, repeat, alter, omit };
    enum class Side { request, reply };

    Kind kind = Kind::drop;
    Side side = Side::request;
    std::size_t offset = 0; // cut: so many octets still come; alter: the first one altered
    std::size_t size = 1;   // alter: how many
    std::byte mask{0xff};   // alter: what each is XORed with
    std::chrono::milliseconds time{0}; // delay
    std::size_t fragment = 0;          // of a stream that carries a side in several: which one
};

// "alter 4 octets at 12 of the request by 0x80"
std::string to_string(const Fault& fault);

// The n-th fault of a series, of those but omission, that `seed` alone decides, for something of `size` octets (over 0).
Fault random_fault(std::uint64_t seed, std::uint64_t n, std::size_t size);

// What arrives of `octets`: dropped, cut, repeated, altered or omitted; delayed is not done here. Nothing
// follows on the connection where it `loses` it.
wire::Bytes damaged(const Fault& fault, std::span<const std::byte> octets);
bool loses_the_connection(const Fault& fault);

// Which call the fault strikes, and what came of it. Thread-safe; shared by connections.
class FaultPlan {
public:
    // The next call of this operation, once.
    void arm(wire::Interface interface_of, std::uint16_t opnum, const Fault& fault);
    // From now on nothing is struck, and nothing was.
    void disarm();

    bool has_struck() const;
    // Of the operation that was armed, since then: how often it reached the service, and how long
    // its last request and reply were before the fault.
    unsigned times_run() const;
    std::size_t request_size() const;
    std::size_t reply_size() const;

private:
    friend class FaultyConnection;
    mutable std::mutex mutex_;
    bool watches_ = false;
    bool armed_ = false;
    bool struck_ = false;
    wire::Interface interface_of_{};
    std::uint16_t opnum_ = 0;
    Fault fault_;
    unsigned times_run_ = 0;
    std::size_t request_size_ = 0;
    std::size_t reply_size_ = 0;
};

// What is lost in a call is hrCommunicationError, also for every later call; the service behind
// has run the call, or part of it, all the same. `cancel` ends a delay, and the call is lost.
std::unique_ptr<Connection> faulty(std::unique_ptr<Connection> behind, wire::Interface interface_of,
                                   std::shared_ptr<FaultPlan> plan);

} // namespace ntdsb::transport
