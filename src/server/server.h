// The restore service on the network: listens, and serves every connection by DCE/RPC until it is
// stopped. Knows no operation, and neither signals nor service managers.
#pragma once

#include "core/config.h"
#include "platform/socket.h"
#include "server/limits.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace ntdsb::server {

// The limits that `service` names.
Limits limits_of(const ServiceConfig& service);

class Server {
public:
    // Listens on [service] listen, or on `inherited`, listening sockets that become the server's.
    // The errors name the address and what to do.
    static Result<std::unique_ptr<Server>>
    start(ConfigPtr config, const Limits& limits,
          const std::vector<platform::NativeSocket>& inherited = {});
    // Stops at once: verifications are cancelled, other running calls are waited for, and so are
    // authentications, without limit.
    ~Server();

    // "127.0.0.1:49152", with the ports that were chosen where 0 was asked for.
    std::vector<std::string> addresses() const;
    // Empty where there are none.
    std::string metrics_address() const;

    // Takes no more connections and calls, and answers the running calls; those that are not done
    // after `patience` as in the destructor. False: nobody is served any more, but some seconds later
    // an authentication still is in the system's mechanism, which nobody can end; the destructor
    // would wait for it.
    bool stop(std::chrono::seconds patience);

private:
    struct Listener;
    struct Inside;
    explicit Server(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

} // namespace ntdsb::server
