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
// How long authentications are waited for whose connections have gone.
constexpr std::chrono::seconds patience_for_mechanisms{5};

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
    limits.linger = std::chrono::seconds(service.hang_up_timeout_s);
    limits.calls_of_connection = service.max_calls_per_connection;
    limits.waiting_of_connection = service.max_waiting_calls_per_connection;
    limits.unsent = service.max_unsent_bytes;
    limits.held = service.max_held_bytes;
    limits.association.request = service.max_request_bytes;
    limits.association.pending = 2 * std::size_t{service.max_request_bytes};
    limits.association.contexts = service.max_presentation_contexts;
    limits.association.calls = service.max_open_calls_per_connection;
    limits.stranger_unsent = service.max_stranger_bytes;
    limits.stranger.request = limits.stranger.pending = service.max_stranger_bytes;
    limits.stranger.contexts = limits.association.contexts / 4;
    limits.stranger.calls = limits.association.calls / 2;
    limits.metrics_requests = service.max_metrics_requests;
    limits.metrics_request = std::chrono::seconds(service.metrics_timeout_s);
    return limits;
}

// An address that is listened on.
struct Server::Listener {
    explicit Listener(asio::io_context& io) : acceptor(io), pause(io) {}
    struct Waiting {};
    StreamAcceptor acceptor;
    asio::steady_timer pause;
    std::weak_ptr<Waiting> waiting; // what waits for a connection holds it
    std::function<void(StreamSocket)> serve;
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
    void pause(const std::shared_ptr<Listener>& listener, const ErrorCode& error,
               const std::shared_ptr<Listener::Waiting>& waiting);
    void accept_again();
    void add(StreamSocket socket);
    void add_metrics(StreamSocket socket);
    bool wait_for_connections(std::chrono::steady_clock::time_point deadline);
    bool stop(std::chrono::seconds patience);
    void end();

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
            accept_again();
        }
    }
}

// Waits for the next connection, and serves it.
void Server::Inside::accept(const std::shared_ptr<Listener>& listener) {
    auto waiting = std::make_shared<Listener::Waiting>();
    listener->waiting = waiting;
    listener->acceptor.async_accept(
        io, [this, listener, waiting](const ErrorCode& error, StreamSocket socket) {
            if (!listener->acceptor.is_open()) return; // stopped
            if (error && error != asio::error::connection_aborted)
                return pause(listener, error, waiting);
            try {
                if (!error) listener->serve(std::move(socket));
            } catch (const std::exception& exception) {
                log::error("a connection to ", listener->address,
                           " cannot be served: ", std::string_view(exception.what()));
            }
            accept(listener);
        });
}

void Server::Inside::pause(const std::shared_ptr<Listener>& listener, const ErrorCode& error,
                           const std::shared_ptr<Listener::Waiting>& waiting) {
    log::error("a connection to ", listener->address, " cannot be accepted: ", error.message(),
               "; raise the limit of open files if it is reached");
    listener->pause.expires_after(pause_after_failure);
    listener->pause.async_wait([this, listener, waiting](const ErrorCode& stopped) {
        if (!stopped) accept(listener);
    });
}

// Where memory ran out on the way from one connection to the next, nobody waits for that any more.
void Server::Inside::accept_again() {
    for (const auto* some : {&listeners, &metrics}) {
        for (const auto& listener : *some) {
            while (listener->acceptor.is_open() && listener->waiting.expired()) {
                try {
                    accept(listener);
                } catch (const std::exception&) {
                    std::this_thread::sleep_for(pause_after_failure);
                }
            }
        }
    }
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
    const auto place = connections.insert(connection).first;
    try {
        connection->start();
    } catch (const std::bad_alloc&) {
        connections.erase(place);
        throw;
    }
    common.figures.connections = connections.size();
}

void Server::Inside::add_metrics(StreamSocket socket) {
    if (metrics_requests < common.limits.metrics_requests) // else it is hung up on
        serve_metrics(std::move(socket), common.figures, metrics_requests,
                      common.limits.metrics_request);
}

bool Server::Inside::wait_for_connections(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, deadline, [this] { return connections.empty(); });
}

// Of what must not be left undone: goes on once there is memory for it.
template <class Action>
void insist(Action action) {
    for (;;) {
        try {
            return action();
        } catch (const std::bad_alloc&) {
            std::this_thread::sleep_for(pause_after_failure);
        }
    }
}

bool Server::Inside::stop(std::chrono::seconds patience) {
    using Clock = std::chrono::steady_clock;
    const auto to_all = [this](void (Connection::*action)()) {
        insist([&] { // more than once does no harm; the lock is not kept where memory is waited for
            const std::lock_guard lock(mutex);
            stopping = true;
            for (const auto& connection : connections) ((*connection).*action)();
        });
    };
    for (const auto* some : {&listeners, &metrics}) {
        for (const auto& listener : *some) {
            insist([&] {
                asio::post(io, [listener] {
                    ErrorCode ignored;
                    listener->file.reset(); // while it is ours for sure
                    listener->acceptor.close(ignored);
                    listener->pause.cancel();
                });
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
    common.workers.stop(); // calls whose clients have gone, and the ends of sessions
    return common.authenticators.stop_before(Clock::now() + patience_for_mechanisms);
}

// Behind `stop`: its threads.
void Server::Inside::end() {
    common.authenticators.stop();
    common.workers.stop();
    io.stop();
    if (thread.joinable()) thread.join();
}

Server::Server(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

Server::~Server() {
    inside_->stop(std::chrono::seconds(0));
    inside_->end();
}

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
    for (const auto& listener : inside.listeners) {
        listener->serve = [&inside](StreamSocket socket) { inside.add(std::move(socket)); };
        inside.accept(listener);
    }
    for (const auto& listener : inside.metrics) {
        listener->serve = [&inside](StreamSocket socket) { inside.add_metrics(std::move(socket)); };
        inside.accept(listener);
    }
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

bool Server::stop(std::chrono::seconds patience) {
    if (!inside_->stop(patience)) return false;
    inside_->end();
    return true;
}

} // namespace ntdsb::server
