// What carries a call from the client to a service. A transport moves encoded requests and replies
// and knows no operation; the client knows no transport but this interface. Design decisions 5
// and 7.
#pragma once

#include "core/config.h"
#include "core/result.h"
#include "platform/auth_identity.h"
#include "wire/operations.h"
#include "wire/reply_sink.h"

#include <chrono>
#include <memory>
#include <span>
#include <string>

namespace ntdsb::transport {

// The identity of DsSetAuthIdentity; absent: the process's own.
using platform::AuthIdentity;

// One association with a service, bound to one interface. Destroying it disconnects, and the
// service runs its sessions down.
class Connection {
public:
    virtual ~Connection() = default;
    // Carries one call; the reply's stub data is written to `reply`. An error is the transport's
    // own (hrCommunicationError, or an RPC fault as its code); the operation's status is inside the
    // reply. Calls on one connection are made one at a time.
    virtual Result<void> call(std::uint16_t opnum, std::span<const std::byte> request,
                              wire::ReplySink& reply) = 0;
    // Asks the running call to end early; may be called from another thread while a call runs, and
    // does nothing otherwise. One that comes between two calls may reach the next one.
    virtual void cancel() noexcept = 0;
    // The running call is waited for no longer (contract COM-11): it should return, whatever became
    // of it. From another thread.
    virtual void abandon() noexcept {}
    // The calls made from now on are waited for until then: one that is not answered by that time
    // is a lost connection. A plug-in limits its own (P-5). On the thread that makes the calls.
    virtual void limit(std::chrono::steady_clock::time_point deadline) noexcept {
        static_cast<void>(deadline);
    }
};

// A connection and what the client must say through it.
struct Route {
    std::unique_ptr<Connection> connection;
    // The directory instance's name, for the operations that start from a server name.
    std::u16string instance;
};

// Judges a server name (contract COM-3..COM-7), loads the configuration, selects the transport and
// connects.
Result<Route> connect(std::u16string_view server, wire::Interface interface_of,
                      const std::shared_ptr<const AuthIdentity>& identity);

// Where a plug-in connects to.
struct PluginTarget {
    std::string server; // the server's name, in lower case
    std::string address;
    std::uint32_t connect_timeout_s = 10;
    wire::Interface interface_of{};
    std::shared_ptr<const AuthIdentity> identity; // null: the process's own
};

// Through the plug-in at `library` (include/ntdsb/transport.h), which is loaded at its first use
// and then stays. `name` is the transport's, for sentences. hrError where the library is no plug-in
// of ours or not to be trusted.
Result<std::unique_ptr<Connection>>
connect_plugin(std::string_view name, std::u16string_view library, const PluginTarget& target);

// The service at `server.address`, over DCE/RPC (contract COM-7, COM-8, AUTH-3..AUTH-6).
// Comes back within its connect_timeout_s (and half a second), whatever a name server, a KDC or
// the service keeps waiting. `identity`: null for the process's own.
Result<std::unique_ptr<Connection>>
connect_rpc(const ServerConfig& server, wire::Interface interface_of,
            std::shared_ptr<const AuthIdentity> identity = nullptr);

// The service in this process (design decision 5): runs the same dispatcher as ntdsbsrv.
Result<std::unique_ptr<Connection>> connect_embedded(ConfigPtr config,
                                                     wire::Interface interface_of);

} // namespace ntdsb::transport
