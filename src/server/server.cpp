// Listening, accepting and stopping (server.h).
#include "server/server.h"

#include "core/log.h"
#include "server/connection.h"
#include "server/local_socket.h"
#include "server/metrics_page.h"

#include <algorithm>
#include <condition_variable>
#include <set>
#include <system_error>
#include <thread>

namespace ntdsb::server {

namespace {

constexpr int backlog = 1024;
// How long no connection is accepted after one could not be: mostly descriptors have run out.
constexpr std::chrono::milliseconds pause_after_failure{200};
constexpr std::size_t most_metrics_requests = 64;

Error listen_error(std::string_view address, const ErrorCode& error) {
    return fail(hrError, "[service] listen: cannot listen on ", address, ": ", error.message(),
                "; choose an address of this computer and a port that no other program has");
}

Result<std::vector<tcp::endpoint>> endpoints_of(asio::io_context& io, const std::string& address) {
    NTDSB_TRY(const auto parts, platform::split_address(address));
    ErrorCode error;
    tcp::resolver resolver(io);
    const auto found = resolver.resolve(parts.host, parts.port, tcp::resolver::passive, error);
    if (error) return listen_error(address, error);
    std::vector<tcp::endpoint> endpoints;
    for (const auto& one : found) {
        if (std::ranges::find(endpoints, one.endpoint()) == endpoints.end())
            endpoints.push_back(one.endpoint());
    }
    return endpoints;
}

ErrorCode open(StreamAcceptor& acceptor, const tcp::endpoint& endpoint) {
    ErrorCode error;
    acceptor.open(endpoint.protocol(), error);
    ErrorCode ignored;
#ifdef _WIN32
    // Else another program could take the port away.
    acceptor.set_option(asio::detail::socket_option::boolean<SOL_SOCKET, SO_EXCLUSIVEADDRUSE>(true),
                        ignored);
#else
    acceptor.set_option(StreamAcceptor::reuse_address(true), ignored);
#endif
    if (endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true), ignored);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(backlog, error);
    return error;
}

} // namespace

Limits limits_of(const ServiceConfig& service) {
    Limits limits;
    limits.connections = service.max_connections;
    limits.calls = service.max_calls;
    limits.authentications = service.max_authentications;
    limits.until_bound = std::chrono::seconds(service.bind_timeout_s);
    limits.fragment = std::chrono::seconds(service.fragment_timeout_s);
    limits.unread = std::chrono::seconds(service.unread_timeout_s);
    limits.calls_of_connection = service.max_calls_per_connection;
    limits.unsent = service.max_unsent_bytes;
    limits.held = service.max_held_bytes;
    limits.association.request = service.max_request_bytes;
    limits.association.pending = 2 * std::size_t{service.max_request_bytes};
    return limits;
}

// An address that is listened on.
struct Server::Listener {
    explicit Listener(asio::io_context& io) : acceptor(io), pause(io) {}
    StreamAcceptor acceptor;
    asio::steady_timer pause;
    std::string address;
    std::optional<LocalSocketFile> file;
};

struct Server::Inside {
    Inside(ConfigPtr config, const Limits& limits)
        : common{nowhere, std::move(config), limits, {}, {}, Workers(limits.calls)} {}

    Result<void> listen_on(const std::string& address, std::vector<std::shared_ptr<Listener>>& to);
    Result<void> take_over(platform::NativeSocket socket);
    void run();
    void accept(const std::shared_ptr<Listener>& listener);
    void accept_metrics(const std::shared_ptr<Listener>& listener);
    template <class Again>
    bool failed(const std::shared_ptr<Listener>& listener, const ErrorCode& error, Again again);
    void add(StreamSocket socket);
    bool wait_for_connections(std::chrono::steady_clock::time_point deadline);
    void stop(std::chrono::seconds patience);

    std::size_t metrics_requests = 0; // that run: of the server's thread
    asio::io_context nowhere;
    Common common;
    // One thread runs it, and only waits: the workers do what lasts. Behind all that connections,
    // which may end with it, use to their end. It runs until it is stopped: where nothing is left
    // to wait for on the network, what workers post is still to come.
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> until_stopped{io.get_executor()};
    std::vector<std::shared_ptr<Listener>> listeners;
    std::vector<std::shared_ptr<Listener>> metrics;
    std::thread thread;

    std::mutex mutex;
    std::condition_variable changed;
    std::set<std::shared_ptr<Connection>> connections;
    bool stopping = false;
};

Result<void> Server::Inside::listen_on(const std::string& address,
                                       std::vector<std::shared_ptr<Listener>>& to) {
    if (address.starts_with(local_address_prefix)) {
        auto listener = std::make_shared<Listener>(io);
        const std::filesystem::path path(address.substr(local_address_prefix.size()));
        NTDSB_TRY(auto file, listen_locally(listener->acceptor, path, backlog));
        listener->file.emplace(std::move(file));
        listener->address = address;
        to.push_back(std::move(listener));
        return ok();
    }
    NTDSB_TRY(const auto endpoints, endpoints_of(io, address));
    ErrorCode last;
    bool any = false;
    for (const tcp::endpoint& endpoint : endpoints) {
        auto listener = std::make_shared<Listener>(io);
        const ErrorCode error = open(listener->acceptor, endpoint);
        // A name may stand for addresses that this computer has not, such as ::1.
        if (error == boost::system::errc::address_not_available ||
            error == asio::error::address_family_not_supported) {
            last = error;
            continue;
        }
        if (error) return listen_error(address, error);
        listener->address = address_text(listener->acceptor.local_endpoint(last));
        to.push_back(std::move(listener));
        any = true;
    }
    if (!any) return listen_error(address, last);
    return ok();
}

Result<void> Server::Inside::take_over(platform::NativeSocket socket) {
    auto listener = std::make_shared<Listener>(io);
    ErrorCode error;
    // The protocol is only what accepted sockets are thought to be; the address tells the truth.
    listener->acceptor.assign(tcp::v6(), socket, error);
    StreamEndpoint endpoint;
    if (!error) endpoint = listener->acceptor.local_endpoint(error);
    if (error)
        return fail(hrError, "the inherited socket ", static_cast<std::uint64_t>(socket),
                    " cannot be used: ", error.message(),
                    "; the socket unit must name addresses or paths (ListenStream=)");
    listener->address = address_text(endpoint);
    listeners.push_back(std::move(listener));
    return ok();
}

void Server::Inside::run() {
    for (;;) {
        try {
            io.run();
            return;
        } catch (const std::exception& error) {
            log::error("the server goes on after: ", std::string_view(error.what()));
        }
    }
}

// True: nothing was accepted, and that is taken care of.
template <class Again>
bool Server::Inside::failed(const std::shared_ptr<Listener>& listener, const ErrorCode& error,
                            Again again) {
    if (!listener->acceptor.is_open()) return true; // stopped
    if (!error) return false;
    if (error == asio::error::connection_aborted) {
        again();
        return true;
    }
    log::error("a connection to ", listener->address, " cannot be accepted: ", error.message(),
               "; raise the limit of open files if it is reached");
    listener->pause.expires_after(pause_after_failure);
    listener->pause.async_wait([again](const ErrorCode& stopped) {
        if (!stopped) again();
    });
    return true;
}

void Server::Inside::accept(const std::shared_ptr<Listener>& listener) {
    listener->acceptor.async_accept(
        io, [this, listener](const ErrorCode& error, StreamSocket socket) {
            const auto again = [this, listener] { accept(listener); };
            if (failed(listener, error, again)) return;
            try {
                add(std::move(socket));
            } catch (const std::exception& exception) {
                log::error("a connection to ", listener->address,
                           " cannot be served: ", std::string_view(exception.what()));
            }
            again();
        });
}

void Server::Inside::add(StreamSocket socket) {
    ++common.figures.connections_accepted;
    const auto closed = [this](Connection* connection) {
        const std::lock_guard lock(mutex);
        const auto is_it = [&](const auto& one) { return one.get() == connection; };
        connections.erase(std::find_if(connections.begin(), connections.end(), is_it));
        common.figures.connections = connections.size();
        changed.notify_all();
    };
    const std::lock_guard lock(mutex);
    if (stopping) return;
    if (connections.size() >= common.limits.connections) {
        if (common.figures.connections_refused++ == 0)
            log::warn("there are ", connections.size(),
                      " connections, and no more are taken; [service] max_connections says so");
        return;
    }
    const auto connection = std::make_shared<Connection>(common, std::move(socket), closed);
    connections.insert(connection);
    common.figures.connections = connections.size();
    connection->start();
}

void Server::Inside::accept_metrics(const std::shared_ptr<Listener>& listener) {
    listener->acceptor.async_accept(
        io, [this, listener](const ErrorCode& error, StreamSocket socket) {
            const auto again = [this, listener] { accept_metrics(listener); };
            if (failed(listener, error, again)) return;
            try {
                if (metrics_requests < most_metrics_requests) // else it is hung up on
                    serve_metrics(std::move(socket), common.figures, metrics_requests);
            } catch (const std::exception&) { // no memory: the asker asks again
            }
            again();
        });
}

bool Server::Inside::wait_for_connections(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, deadline, [this] { return connections.empty(); });
}

void Server::Inside::stop(std::chrono::seconds patience) {
    using Clock = std::chrono::steady_clock;
    const auto to_all = [this](void (Connection::*action)()) {
        const std::lock_guard lock(mutex);
        stopping = true;
        for (const auto& connection : connections) ((*connection).*action)();
    };
    for (const auto& some : {listeners, metrics}) {
        for (const auto& listener : some) {
            asio::post(listener->acceptor.get_executor(), [listener] {
                ErrorCode ignored;
                listener->acceptor.close(ignored);
                listener->pause.cancel();
            });
        }
    }
    to_all(&Connection::finish);
    // What runs on may only be waited for; what does not take its answers has its own time limit.
    auto deadline = Clock::now() + patience;
    while (!wait_for_connections(deadline)) {
        to_all(&Connection::cut);
        deadline = Clock::now() + std::chrono::seconds(1);
    }
    common.authenticators.stop();
    common.workers.stop();
    io.stop();
    if (thread.joinable()) thread.join();
}

Server::Server(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

Server::~Server() { stop(std::chrono::seconds(0)); }

Result<std::unique_ptr<Server>>
Server::start(ConfigPtr config, const Limits& limits,
              const std::vector<platform::NativeSocket>& inherited) {
    std::unique_ptr<Server> server(new Server(std::make_unique<Inside>(std::move(config), limits)));
    Inside& inside = *server->inside_;
    const ServiceConfig& service = inside.common.config->service;
    for (const platform::NativeSocket socket : inherited) NTDSB_CHECK(inside.take_over(socket));
    if (inherited.empty()) {
        for (const std::string& address : service.listen)
            NTDSB_CHECK(inside.listen_on(address, inside.listeners));
    }
    if (inside.listeners.empty())
        return fail(hrError, "[service] listen: is empty; name an address to listen on");
    if (!service.metrics.empty()) NTDSB_CHECK(inside.listen_on(service.metrics, inside.metrics));
    for (const auto& listener : inside.listeners) inside.accept(listener);
    for (const auto& listener : inside.metrics) inside.accept_metrics(listener);
    try {
        inside.thread = std::thread([&inside] { inside.run(); });
    } catch (const std::system_error& error) {
        return fail(ERROR_NOT_ENOUGH_MEMORY,
                    "no thread can be started: ", std::string_view(error.what()));
    }
    return server;
}

std::vector<std::string> Server::addresses() const {
    std::vector<std::string> all;
    for (const auto& listener : inside_->listeners) all.push_back(listener->address);
    return all;
}

std::string Server::metrics_address() const {
    return inside_->metrics.empty() ? std::string() : inside_->metrics.front()->address;
}

void Server::stop(std::chrono::seconds patience) { inside_->stop(patience); }

} // namespace ntdsb::server
