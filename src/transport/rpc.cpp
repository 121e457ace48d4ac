// The service in another process: DCE/RPC over one TCP connection (design decisions 7 and 14). The
// protocol is rpc/client_association.h's; here are the socket, the time limits and the sentences.
#include "core/host_name.h"
#include "core/utf16.h"
#include "platform/process.h"
#include "platform/socket.h"
#include "rpc/client_association.h"
#include "rpc/system_security.h"
#include "transport/in_time.h"
#include "transport/transport.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <utility>

namespace ntdsb::transport {

namespace {

// Asked for; what the service grants may be less.
constexpr std::uint16_t longest_rpc_fragment = 65528;

constexpr auto could_not_connect = static_cast<Code>(hrCouldNotConnect);

// A socket whose small reads cost no system call each: what comes behind the octets asked for is
// kept, so that a fragment of bulk data is read in one call, its end straight into the caller's
// buffer, with the next fragment's header. On Windows with several fragments, once there is bulk
// data: there a call costs more than a copy (under Wine two messages to its server, and back).
class SocketStream final : public rpc::Stream {
public:
    explicit SocketStream(platform::Socket socket) : socket_(std::move(socket)) {}

    Result<void> write(std::span<const std::byte> octets) override { return socket_.write(octets); }

    Result<void> write_at_once(std::span<const std::byte> octets) override {
        return socket_.write_at_once(octets);
    }

    Result<void> read(std::span<std::byte> into) override {
        const auto kept = std::span(kept_).subspan(begin_, end_ - begin_);
        const auto part = std::min(kept.size(), into.size());
        std::copy_n(kept.begin(), part, into.begin());
        begin_ += part;
        into = into.subspan(part);
        while (!into.empty()) {
            if (into.size() > kept_.size()) keep_more();
            NTDSB_TRY(const std::size_t got, socket_.read_some(into, kept_));
            begin_ = 0;
            end_ = got - std::min(got, into.size());
            into = into.subspan(std::min(got, into.size()));
        }
        return ok();
    }

    platform::Socket& socket() { return socket_; }

private:
    void keep_more() {
#ifdef _WIN32
        constexpr std::size_t size = std::size_t{256} * 1024;
        if (!large_) large_.reset(new (std::nothrow) std::byte[size]);
        if (large_) kept_ = {large_.get(), size};
#endif
    }

    platform::Socket socket_;
    std::array<std::byte, 1024> small_;
    std::unique_ptr<std::byte[]> large_;
    std::span<std::byte> kept_ = small_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

class RpcConnection final : public Connection {
public:
    RpcConnection(std::unique_ptr<rpc::ClientAssociation> association, platform::Socket& socket)
        : association_(std::move(association)), socket_(socket) {}

    Result<void> call(std::uint16_t opnum, std::span<const std::byte> request,
                      wire::ReplySink& reply) override {
        return association_->call(opnum, request, reply);
    }
    void cancel() noexcept override { association_->cancel(); }
    void abandon() noexcept override { socket_.wake(); }
    void limit(std::chrono::steady_clock::time_point deadline) noexcept override {
        socket_.set_read_deadline(deadline);
    }

private:
    std::unique_ptr<rpc::ClientAssociation> association_;
    platform::Socket& socket_; // the association's
};

rpc::SyntaxId syntax_of(wire::Interface interface_of) {
    return {interface_of == wire::Interface::restore ? wire::restore_interface_uuid
                                                     : wire::backup_interface_uuid,
            1};
}

// `advice`: what to do about it; by itself, to look at the service.
Error unreachable(const ServerConfig& server, const Error& why, std::string_view advice = {}) {
    // Refused rights stay what they are (COM-9).
    if (why.code == ERROR_ACCESS_DENIED)
        return fail(why.code, "AUTH-5: the service at ", server.address,
                    " is not used: ", why.what);
    return fail(
        hrCouldNotConnect, "COM-7: the service at ", server.address, " cannot be used: ", why.what,
        "; ", advice.empty() ? "see that ntdsbsrv runs there and listens on this address" : advice,
        ", and that connect_timeout_s (", server.connect_timeout_s, ") is long enough");
}

// What the service is called in Kerberos. An address of this computer itself is no host's name.
std::string principal_of(const ServerConfig& server, const std::string& host) {
    if (!server.principal.empty()) return server.principal;
    std::string named = host;
    if (is_this_computer(wtf8_to_utf16(host), {})) {
        for (const std::u16string& name : platform::computer_names()) {
            auto utf8 = utf16_to_wtf8(name); // the longest is the most qualified one
            if (named == host || utf8.size() > named.size()) named = std::move(utf8);
        }
    }
    return "host/" + named;
}

// AUTH-3: a password is worth more than an unprotected association would make of it.
Result<void> check_identity(const ServerConfig& server) {
    if (server.authentication != Authentication::none &&
        server.protection == ProtectionLevel::privacy)
        return ok();
    return fail(ERROR_NOT_SUPPORTED,
                "AUTH-3: the credentials of DsSetAuthIdentity are not used for ", server.address,
                ", whose configuration has ",
                server.authentication == Authentication::none ? "authentication = \"none\""
                                                              : "protection = \"integrity\"",
                "; they need authentication and protection = \"privacy\"");
}

Result<std::optional<rpc::ClientSecurity>>
security_for(const ServerConfig& server, const std::string& host, const AuthIdentity* identity) {
    std::optional<rpc::ClientSecurity> security;
    if (server.authentication == Authentication::none) return security;
    security.emplace();
    security->type = server.authentication == Authentication::kerberos ? rpc::AuthType::kerberos
                     : server.authentication == Authentication::ntlm   ? rpc::AuthType::ntlm
                                                                       : rpc::AuthType::negotiate;
    security->level = server.protection == ProtectionLevel::privacy ? rpc::Protection::privacy
                                                                    : rpc::Protection::integrity;
    NTDSB_TRY(security->context, rpc::initiate_security(security->type, security->level,
                                                        principal_of(server, host), identity));
    return security;
}

using Clock = std::chrono::steady_clock;

// What is waited for without a limit of its own.
enum class Step { look_up, authenticate };

// One attempt to connect. Belongs to the call and to the thread that works for it, whichever ends
// later.
struct Attempt {
    ServerConfig server;
    wire::Interface interface_of;
    std::shared_ptr<const AuthIdentity> identity;
    platform::HostAndPort where;
    Clock::time_point deadline;
    std::atomic<Step> step{Step::look_up};
    std::optional<Result<std::unique_ptr<Connection>>> outcome{};
};

Result<std::unique_ptr<Connection>> connect_as(Attempt& attempt) {
    const ServerConfig& server = attempt.server;
    const auto patience =
        std::chrono::ceil<std::chrono::milliseconds>(attempt.deadline - Clock::now());
    auto socket = platform::Socket::connect(attempt.where, patience);
    if (!socket) return unreachable(server, fail(hrCouldNotConnect, socket.error().what));
    attempt.step = Step::authenticate;
    auto stream = std::make_unique<SocketStream>(std::move(socket).value());
    platform::Socket& connected = stream->socket();
    connected.set_read_deadline(attempt.deadline);
    auto security = security_for(server, attempt.where.host, attempt.identity.get());
    if (!security) return unreachable(server, security.error());
    auto association =
        rpc::ClientAssociation::bind(std::move(stream), syntax_of(attempt.interface_of),
                                     longest_rpc_fragment, std::move(security).value());
    if (!association) return unreachable(server, association.error());
    connected.set_read_deadline(std::nullopt);
    return std::unique_ptr<Connection>(
        std::make_unique<RpcConnection>(std::move(association).value(), connected));
}

// Who keeps the attempt waiting.
Error overdue(const Attempt& attempt) {
    if (attempt.step == Step::look_up)
        return fail(hrCouldNotConnect, "the look-up of the host ", attempt.where.host,
                    " has not ended in time; the name server does not answer");
    return fail(hrCouldNotConnect, "the system has not got credentials for ",
                principal_of(attempt.server, attempt.where.host),
                " in time; the KDC or domain controller that it asks does not answer");
}

} // namespace

Result<std::unique_ptr<Connection>> connect_rpc(const ServerConfig& server,
                                                wire::Interface interface_of,
                                                std::shared_ptr<const AuthIdentity> identity) {
    const auto deadline = Clock::now() + std::chrono::seconds(server.connect_timeout_s);
    NTDSB_TRY(auto where, platform::split_address(server.address));
    if (identity != nullptr) NTDSB_CHECK(check_identity(server));
    const bool has_limits =
        server.authentication == Authentication::none && platform::is_numeric(where);
    const std::shared_ptr<Attempt> attempt(
        new Attempt{server, interface_of, std::move(identity), std::move(where), deadline});
    if (has_limits) return connect_as(*attempt);
    // What has a limit of its own ends first, and can tell more.
    constexpr std::chrono::milliseconds grace{300};
    const auto done = done_in_time(deadline + grace,
                                   [attempt] { attempt->outcome.emplace(connect_as(*attempt)); });
    if (done && done.value()) return std::move(*attempt->outcome);
    constexpr std::string_view advice = "see that name server and KDC answer";
    if (done) return unreachable(server, overdue(*attempt), advice);
    if (done.error().code != could_not_connect) return done.error();
    return unreachable(server, done.error(), advice);
}

} // namespace ntdsb::transport
