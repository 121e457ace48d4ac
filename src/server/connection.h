// One client's connection: octets to fragments, fragments to the association, its calls to the
// workers, their replies back. Everything of one connection happens under its mutex, but the calls
// and the legs of its authentication.
//
// Who waits for octets: the server's thread, for all connections. But where a call is all that a
// connection has to do, its worker attends to it: the worker takes the next request itself when it
// has answered, so that a client which calls again and again is answered by one thread. Attendance
// ends when no request comes at once, and where a call lasts (the client may vanish, or cancel).
#pragma once

#include "platform/socket.h"
#include "rpc/server_association.h"
#include "server/asio.h"
#include "server/dispatch.h"
#include "server/limits.h"
#include "server/send_queue.h"
#include "server/workers.h"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace ntdsb::server {

// What all connections share; outlives them.
struct Common {
    asio::io_context& nowhere; // never runs: see Connection::begin_attendance
    ConfigPtr config;
    Limits limits;
    Groups groups;
    Figures figures;
    Workers workers;
    // Of their own, so that mechanisms that wait keep no call waiting.
    Workers authenticators{limits.authentications, limits.connections};
};

class Connection : public std::enable_shared_from_this<Connection> {
public:
    using WhenClosed = std::function<void(Connection*)>;
    Connection(Common& common, StreamSocket socket, WhenClosed when_closed);
    ~Connection();

    // These may be called on any thread.
    void start();
    void finish(); // no further call; hangs up when the running ones are answered
    void cut();    // cancels what can be, and hangs up

private:
    using Octets = rpc::Bytes;
    using Timer = asio::steady_timer;
    struct Call {
        rpc::IncomingCall incoming;
        std::shared_ptr<const Peer> peer; // whose call it is
        std::shared_ptr<Group> group;
        std::size_t longest_stub = 0; // of its answer's fragments
        std::chrono::steady_clock::time_point begun;
        std::atomic<bool> cancelled{false};
    };
    // Waits for one thing at a time, and knows whether it was still waited for.
    struct Deadline {
        explicit Deadline(const StreamSocket::executor_type& executor) : timer(executor) {}
        Timer timer;
        std::uint64_t number = 0;
        bool armed = false;
    };

    void arm(Deadline& deadline, std::chrono::milliseconds time, std::string_view why);
    void disarm(Deadline& deadline);
    // No exception leaves it: without memory the connection ends.
    template <class Action>
    void guarded(Action action) {
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        try {
            action();
        } catch (const std::exception& error) {
            close(error.what());
        }
        account();
    }

    void read();
    void attend_or_read();
    void begin_attendance();
    void end_attendance();
    void move_socket(const StreamSocket::executor_type& to);
    void received(const ErrorCode& error, std::size_t count);
    void take_fragments();
    std::size_t take_fragment(std::span<const std::byte> octets);
    void drain();
    void begin_leg(std::span<const std::byte> fragment);
    bool is_closed();
    void leg_ended(rpc::Step step, const std::shared_ptr<const Peer>& authenticated);
    void take_leg(rpc::Step step, const std::shared_ptr<const Peer>& authenticated);
    void adopt_group();
    void obey(rpc::Step step);
    void begin_calls();
    void begin(std::shared_ptr<Call> call);
    void attend(std::shared_ptr<Call> call);
    std::shared_ptr<Call> next_call();
    std::optional<platform::NativeSocket> attended_socket();
    Result<void> run(Call& call);
    bool answer(std::uint32_t call_id, Octets& fragment, std::uint32_t left, bool last);
    void ended(const Call& call, const Result<void>& outcome);
    void send(Octets&& octets, bool hold = false);
    template <class Buffers>
    std::size_t send_at_once(const Buffers& buffers);
    void took(std::size_t count);
    void write();
    void written(const ErrorCode& error, std::size_t count);
    void go_on();
    bool is_held_back() const;
    bool is_too_much() const;
    std::size_t most_unsent() const;
    void account();
    rpc::Limits limits_of_association() const;
    void say_goodbye();
    void close(std::string_view why);
    void end_sessions();
    void enter_group();
    bool hears_enough(const Call& call) const;

    Common& common_;
    const StreamSocket::executor_type executor_; // of the server's thread
    std::mutex mutex_;                           // of all that follows
    StreamSocket socket_;
    WhenClosed when_closed_;
    std::shared_ptr<const Peer> peer_; // the calls that run keep theirs
    std::shared_ptr<Group> group_;     // none before the bind
    bool admitted_ = false;            // may call the service, by its place or its identity
    bool entered_ = false;             // keeps the group's sessions alive
    bool is_guest_ = true;             // as far as its limits go: it has no rights yet
    std::unique_ptr<rpc::ServerAssociation> association_;
    // Set by the association, and adopted under the mutex.
    std::shared_ptr<Group> joined_;
    // A worker runs a leg of the authentication; others only answer calls through association_
    // meanwhile (ServerAssociation::is_security_leg), and joined_ is the worker's.
    bool authenticating_ = false;
    Deadline read_deadline_;
    Deadline write_deadline_;

    Octets in_;
    std::size_t filled_ = 0; // octets of in_ that were received
    bool reading_ = false;
    bool taking_ = false; // fragments out of in_: nothing may be read into it meanwhile

    std::deque<std::shared_ptr<Call>> waiting_;
    std::map<std::uint32_t, std::shared_ptr<Call>> running_;
    bool has_begun_ = false; // a call, since octets came last
    bool attended_ = false;  // the worker of the one running call reads next
    Timer attendance_;       // when that ends all the same
    bool attendance_timed_ = false;
    bool attendant_reads_ = false; // now, and takes the next call for its own:
    std::shared_ptr<Call> own_;

    SendQueue unsent_;
    std::uint64_t held_ = 0;            // of Figures::held
    std::size_t received_of_calls_ = 0; // of requests that are not whole
    bool writing_ = false;

    bool finishing_ = false; // the server stops
    bool hanging_up_ = false;
    bool draining_ = false;
    bool closed_ = false;
};

} // namespace ntdsb::server
