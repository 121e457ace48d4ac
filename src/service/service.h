// The directory restore service as its transports see it: associations that take encoded requests
// and give encoded replies. Knows no socket and no A/W. Everything behind it (sessions, interlock,
// verification) is reached through Association::call alone.
#pragma once

#include "core/config.h"
#include "core/result.h"
#include "wire/operations.h"
#include "wire/reply_sink.h"

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ntdsb::service {

// Who calls; one that nothing is said of may do nothing.
struct Caller {
    // Judged by the calling thread's own rights (contract ACC-1, ACC-2), not by what follows.
    bool is_local = false;
    std::string name;    // for the log
    std::string account; // whose sessions they are; the same for all anonymous callers
    // What a caller over the network may do (contract ACC-5).
    bool may_backup = false;
    bool may_restore = false;

    static Caller local() { return {true, {}, {}, false, false}; }
};

// One client's association: owns its sessions, and runs them down when it is destroyed (contract
// END-3). Thread-safe; calls on one session are serialised.
class Association {
public:
    // `config` is what this association's sessions work with, however the file changes meanwhile;
    // `caller` whose calls they are, unless another one is named.
    Association(ConfigPtr config, Caller caller);
    ~Association();

    // Decodes, checks, runs and encodes one operation. An error is an RPC-level one
    // (RPC_S_PROCNUM_OUT_OF_RANGE, RPC_X_BAD_STUB_DATA, ERROR_NOT_ENOUGH_MEMORY,
    // ERROR_ACCESS_DENIED); the operation's
    // own status is in the reply.
    Result<void> call(wire::Interface interface_of, std::uint16_t opnum,
                      std::span<const std::byte> request, wire::ReplySink& reply);

    // The same for a server: each call is the caller's whose connection it came by, which may have
    // other rights than the association's first, and is cancelled alone: `cancelled` may become true
    // while it runs.
    Result<void> call(const Caller& caller, wire::Interface interface_of, std::uint16_t opnum,
                      std::span<const std::byte> request, wire::ReplySink& reply,
                      const std::atomic<bool>& cancelled);

    // The client gives up: a running verification ends, as would any later one, and its Complete
    // returns ERROR_OPERATION_ABORTED (contract COM-11).
    void cancel() noexcept;

    struct State;

private:
    std::unique_ptr<State> state_;
};

// For logs and figures; empty: there is no such operation.
std::string_view operation_name(wire::Interface interface_of, std::uint16_t opnum) noexcept;

} // namespace ntdsb::service
