// The dispatch of calls by interface (dispatch.h).
#include "server/dispatch.h"

#include "rpc/system_security.h"
#include "server/interfaces.h"
#include "server/management.h"

#include <algorithm>
#include <array>
#include <limits>

namespace ntdsb::server {

namespace {

// Keeps the last four octets of a reply, which are the operation's status.
class StatusSink final : public wire::ReplySink {
public:
    explicit StatusSink(wire::ReplySink& behind) : behind_(behind) {}
    std::span<std::byte> lend(std::size_t size) override { return lent_ = behind_.lend(size); }
    void commit(std::size_t size) override {
        const auto end = lent_.first(size).last(std::min(size, last_.size()));
        std::rotate(last_.begin(), last_.begin() + static_cast<std::ptrdiff_t>(end.size()),
                    last_.end());
        std::copy(end.begin(), end.end(), last_.end() - static_cast<std::ptrdiff_t>(end.size()));
        lent_ = {};
        behind_.commit(size);
    }
    Code status() const {
        std::uint32_t value = 0;
        for (std::size_t i = last_.size(); i > 0; --i)
            value = value << 8 | std::to_integer<std::uint32_t>(last_[i - 1]);
        return static_cast<Code>(value);
    }

private:
    wire::ReplySink& behind_;
    std::span<std::byte> lent_;
    std::array<std::byte, 4> last_{};
};

Result<void> serve(wire::Interface interface_of, const rpc::IncomingCall& call, const Peer& peer,
                   Group& group, const ConfigPtr& config, const std::atomic<bool>& cancelled,
                   Figures& figures, wire::ReplySink& reply) {
    NTDSB_CHECK(admit(peer, config->service));
    NTDSB_TRY(const auto sessions, group.sessions_of(peer.caller, config));
    const auto start = std::chrono::steady_clock::now();
    StatusSink sink(reply);
    NTDSB_CHECK(sessions->call(peer.caller, interface_of, call.opnum, call.stub, sink, cancelled));
    figures.count(interface_of, call.opnum, sink.status(),
                  std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::steady_clock::now() - start));
    return ok();
}

std::uint32_t clipped(std::uint64_t count) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

} // namespace

Result<void> admit(const Peer& peer, const ServiceConfig& config) {
    if (peer.is_authenticated || peer.is_owner) return ok();
    if (config.allow_anonymous && peer.is_local) return ok();
    return fail(ERROR_ACCESS_DENIED, "COM-9: ", peer.caller.name,
                config.allow_anonymous
                    ? " is not on this computer, and others must prove who they are"
                    : " must prove who it is, since allow_anonymous is not set");
}

Result<std::unique_ptr<rpc::SecurityContext>>
accept_caller(const ServiceConfig& config, rpc::AuthType type, rpc::Protection level) {
    if (config.protection == ProtectionLevel::privacy && level != rpc::Protection::privacy)
        return fail(ERROR_NOT_SUPPORTED, "[service] protection is privacy, and the caller offers ",
                    rpc::protection_name(level));
    return rpc::accept_security(type, level);
}

std::shared_ptr<const Peer> authenticated_peer(const Peer& stranger,
                                               const rpc::ServerAssociation& association,
                                               const ServiceConfig& config) {
    const auto identity = association.security()->peer();
    const auto is_named = [&](const std::string& principal) { return identity->is(principal); };
    Peer peer = stranger;
    peer.is_authenticated = true;
    peer.caller.name = text(identity->name(), " (", identity->mechanism(), ", ",
                            rpc::protection_name(association.protection()), ") at ", peer.address);
    peer.caller.account = text(identity->mechanism(), ":", identity->name());
    peer.caller.may_backup = std::ranges::any_of(config.allow_backup, is_named);
    peer.caller.may_restore = std::ranges::any_of(config.allow_restore, is_named);
    return std::make_shared<const Peer>(std::move(peer));
}

Result<void> dispatch(const rpc::IncomingCall& call, const Peer& peer, Group& group,
                      const ConfigPtr& config, const std::atomic<bool>& cancelled, Figures& figures,
                      wire::ReplySink& reply) {
    switch (call.interface_index) {
    case Served::restore:
        return serve(wire::Interface::restore, call, peer, group, config, cancelled, figures,
                     reply);
    case Served::backup:
        return serve(wire::Interface::backup, call, peer, group, config, cancelled, figures, reply);
    case Served::management: {
        NTDSB_TRY(const auto stub,
                  management_call(call.opnum, call.stub,
                                  {clipped(figures.calls()), clipped(figures.fragments_received),
                                   clipped(figures.fragments_sent)}));
        return reply.write(stub);
    }
    case Served::endpoint_mapper: {
        NTDSB_TRY(const auto stub, endpoint_mapper_call(call.opnum, call.stub, peer.here));
        return reply.write(stub);
    }
    default:
        return fail(RPC_S_UNKNOWN_IF, "no such interface");
    }
}

} // namespace ntdsb::server
