// From a server name to a connection (transport.h; contract COM-3..COM-7): which transport, where
// to, which instance there.
#include "core/log.h"
#include "core/utf16.h"
#include "platform/process.h"
#include "transport/server_name.h"
#include "transport/tracing.h"
#include "transport/transport.h"

#include <array>
#include <mutex>

namespace ntdsb::transport {

namespace {

// What a transport is given to connect with.
struct Target {
    ConfigPtr config;
    wire::Interface interface_of;
    ServerConfig server;
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
    KnownTransport{
        "rpc",
        [](const Target& target) { return connect_rpc(target.server, target.interface_of); }},
};

// The service on this computer, where `default` is rpc: the first address that it listens on.
ServerConfig service_here(const Config& config) {
    ServerConfig here;
    here.transport = config.default_transport;
    if (here.transport != "rpc") return here;
    here.address = config.service.listen.empty() ? ServiceConfig{}.listen.front()
                                                 : config.service.listen.front();
    constexpr std::pair<std::string_view, std::string_view> any_and_loopback[] = {
        {"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};
    for (const auto& [any, loopback] : any_and_loopback) {
        if (here.address.starts_with(any)) here.address.replace(0, any.size(), loopback);
    }
    return here;
}

Result<std::unique_ptr<Connection>> connect_by(const Target& target) {
    std::string names;
    for (const KnownTransport& known : known_transports) {
        if (known.name == target.server.transport) {
            NTDSB_TRY(auto connection, known.connect(target));
            return traced(std::move(connection), target.interface_of, known.name);
        }
        names += names.empty() ? "" : ", ";
        names += known.name;
    }
    return fail(hrError, "the configuration ", target.config->file, " names the transport \"",
                target.server.transport, "\", which this version does not have; it has: ", names);
}

// Set once by a tool before its first call, read by every connect.
struct ConfigFile {
    std::mutex mutex;
    std::u16string file;
};
ConfigFile& config_file() {
    static auto* const instance = new ConfigFile; // never destroyed (design point 10)
    return *instance;
}

Result<Route> connect_to(const Target& target, std::string_view instance) {
    Route route;
    NTDSB_TRY(route.instance, utf8_to_utf16(instance));
    NTDSB_TRY(route.connection, connect_by(target));
    return route;
}

} // namespace

Result<ConfigPtr> current_config() {
    std::u16string file;
    {
        const std::lock_guard lock(config_file().mutex);
        file = config_file().file;
    }
    return load_config(file);
}

void set_config_file(std::u16string file) {
    const std::lock_guard lock(config_file().mutex);
    config_file().file = std::move(file);
}

Result<Route> connect(std::u16string_view server, wire::Interface interface_of,
                      const std::shared_ptr<const AuthIdentity>& identity) {
    NTDSB_TRY(const std::string name, check_server_name(server));
    NTDSB_TRY(const ConfigPtr config, current_config());
    if (const auto configured = config->servers.find(name); configured != config->servers.end())
        return connect_to({config, interface_of, configured->second}, configured->second.instance);
    if (!is_this_computer(name, platform::computer_names()))
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
    return connect_to({config, interface_of, service_here(*config)}, {});
}

Result<Route> connect_local(wire::Interface interface_of) {
    return connect(u"localhost", interface_of, nullptr);
}

} // namespace ntdsb::transport
