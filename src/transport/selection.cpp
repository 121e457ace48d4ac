// From a server name to a connection (transport.h; contract COM-3..COM-7): which transport, where
// to, which instance there.
#include "core/host_name.h"
#include "core/log.h"
#include "core/utf16.h"
#include "platform/process.h"
#include "transport/server_name.h"
#include "transport/tracing.h"
#include "transport/transport.h"

#include <algorithm>
#include <array>
#include <mutex>

namespace ntdsb::transport {

namespace {

// What a transport is given to connect with.
struct Target {
    ConfigPtr config;
    wire::Interface interface_of;
    std::string name; // the server's
    ServerConfig server;
    std::shared_ptr<const AuthIdentity> identity;
};

struct KnownTransport {
    std::string_view name;
    Result<std::unique_ptr<Connection>> (*connect)(const Target& target);
};

// The one list of transports: a new one is a row here.
constexpr std::array known_transports{
    KnownTransport{
        "embedded",
        [](const Target& target) { return connect_embedded(target.config, target.interface_of); }},
    KnownTransport{"rpc",
                   [](const Target& target) {
                       return connect_rpc(target.server, target.interface_of, target.identity);
                   }},
};

// The service on this computer, where `default` is rpc: the first TCP address that it listens on.
ServerConfig service_here(const Config& config) {
    ServerConfig here;
    here.transport = config.default_transport;
    if (here.transport != "rpc") return here;
    // This configuration is the service's, too.
    if (config.service.allow_anonymous) here.authentication = Authentication::none;
    here.address = ServiceConfig{}.listen.front();
    const auto& listen = config.service.listen;
    const auto over_tcp = std::ranges::find_if(
        listen, [](const auto& one) { return !one.starts_with(local_address_prefix); });
    if (over_tcp != listen.end()) here.address = *over_tcp;
    constexpr std::pair<std::string_view, std::string_view> any_and_loopback[] = {
        {"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};
    for (const auto& [any, loopback] : any_and_loopback) {
        if (here.address.starts_with(any)) here.address.replace(0, any.size(), loopback);
    }
    return here;
}

Result<std::unique_ptr<Connection>> connect_by(const Target& target) {
    const std::string& transport = target.server.transport;
    const auto known = std::ranges::find(known_transports, transport, &KnownTransport::name);
    if (known != known_transports.end()) return known->connect(target);
    // Every other name in a configuration that could be read is a plug-in's (core/config.cpp).
    return connect_plugin(transport, target.config->plugins.at(transport).path,
                          {target.name, target.server.address, target.server.connect_timeout_s,
                           target.interface_of, target.identity});
}

Result<Route> connect_to(const Target& target) {
    Route route;
    NTDSB_TRY(route.instance, utf8_to_utf16(target.server.instance));
    NTDSB_TRY(auto connection, connect_by(target));
    route.connection = traced(std::move(connection), target.interface_of, target.server.transport);
    return route;
}

} // namespace

Result<Route> connect(std::u16string_view server, wire::Interface interface_of,
                      const std::shared_ptr<const AuthIdentity>& identity) {
    NTDSB_TRY(const std::string name, check_server_name(server));
    NTDSB_TRY(const ConfigPtr config, load_config()); // anew for every connection
    if (const auto configured = config->servers.find(name); configured != config->servers.end())
        return connect_to({config, interface_of, name, configured->second, identity});
    if (!is_this_computer(wtf8_to_utf16(name), platform::computer_names()))
        return fail(RPC_S_INVALID_BINDING, "COM-6: the server ", name,
                    " is neither this computer nor configured; add [transport.servers.", name,
                    "] to the configuration");
    if (identity && config->default_transport == "embedded") {
        static std::once_flag once;
        std::call_once(once, [] {
            log::info("ACC-3: DsSetAuthIdentity changes no rights on this computer's own "
                      "directory; the calling thread's count");
        });
    }
    return connect_to({config, interface_of, name, service_here(*config), identity});
}

} // namespace ntdsb::transport
