// From a received call to what answers it: the restore service, the management interface or the
// endpoint mapper. Here the caller is judged. Knows no socket.
#pragma once

#include "rpc/server_association.h"
#include "server/endpoint_mapper.h"
#include "server/figures.h"
#include "server/groups.h"

#include <atomic>

namespace ntdsb::server {

// Who is at the other end of a connection, as far as is known. Authentication puts its result here.
struct Peer {
    service::Caller caller;
    bool is_authenticated = false;
    bool is_local = false; // both ends are loopback addresses, or it is a local socket (UNIX-1)
    // The system says that it is root or who the service runs as (UNIX-2).
    bool is_owner = false;
    std::string address; // of the other end
    Endpoint here;
};

// Whether the peer may call the service at all (contract COM-9). The two standard interfaces tell
// nothing that a look at the port does not, and are open to everybody.
Result<void> admit(const Peer& peer, const ServiceConfig& config);

// Accepts an authentication, if it is to protect as much as [service] protection asks for.
Result<std::unique_ptr<rpc::SecurityContext>>
accept_caller(const ServiceConfig& config, rpc::AuthType type, rpc::Protection level);

// The peer once its association's security is complete, with its rights (contract ACC-5, ACC-6). May
// ask the system's lists of users.
std::shared_ptr<const Peer> authenticated_peer(const Peer& stranger,
                                               const rpc::ServerAssociation& association,
                                               const ServiceConfig& config);

// Runs one call on the calling thread and writes its reply. An error is told as a fault.
Result<void> dispatch(const rpc::IncomingCall& call, const Peer& peer, Group& group,
                      const ConfigPtr& config, const std::atomic<bool>& cancelled, Figures& figures,
                      wire::ReplySink& reply);

} // namespace ntdsb::server
