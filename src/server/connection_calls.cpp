// One client's calls, and the way of their answers to it (connection.h).
#include "server/connection.h"

#include "core/log.h"
#include "server/interfaces.h"
#include "server/reply_stream.h"
#include "service/service.h"

#include <new>
#include <utility>

namespace ntdsb::server {

namespace {

// Replies are lists of at most max_list_characters, or what one Read asks for.
constexpr std::size_t longest_reply = 2 * std::size_t{wire::max_list_characters} + 65536;
// What is left of a reply and not worth a packet of its own: a read of 64 KiB is a full fragment and
// some octets.
constexpr std::size_t short_rest = 1024;

std::string operation_of(const rpc::IncomingCall& call) {
    constexpr std::string_view interfaces[] = {"restore", "backup", "standard", "standard"};
    if (call.interface_index == Served::restore || call.interface_index == Served::backup) {
        const auto name = service::operation_name(call.interface_index == Served::restore
                                                      ? wire::Interface::restore
                                                      : wire::Interface::backup,
                                                  call.opnum);
        if (!name.empty()) return std::string(name);
    }
    return text("operation ", call.opnum, " of the ", interfaces[call.interface_index],
                " interface");
}

std::int64_t microseconds_since(std::chrono::steady_clock::time_point begun) {
    using namespace std::chrono;
    return duration_cast<microseconds>(steady_clock::now() - begun).count();
}

// How long a worker that has answered waits for the connection's next request.
constexpr std::chrono::milliseconds patience_of_attendant{1};

} // namespace

// --- calls

void Connection::begin_calls() {
    while (!waiting_.empty() && !hanging_up_ && !finishing_ &&
           running_.size() < common_.limits.calls_of_connection &&
           unsent_.size() <= most_unsent()) {
        auto call = std::move(waiting_.front());
        waiting_.pop_front();
        begin(std::move(call));
    }
}

void Connection::begin(std::shared_ptr<Call> call) {
    call->peer = peer_;
    call->group = group_;
    call->longest_stub = association_->longest_stub();
    call->begun = std::chrono::steady_clock::now();
    running_[call->incoming.id] = call;
    has_begun_ = true;
    if (attendant_reads_ && !own_) {
        own_ = std::move(call);
    } else {
        common_.workers.run([self = shared_from_this(), call] { self->attend(call); });
    }
}

// On a worker: this call, and the next ones while it attends to the connection.
void Connection::attend(std::shared_ptr<Call> call) {
    for (; call; call = next_call()) {
        const Result<void> outcome = run(*call);
        guarded([&] { ended(*call, outcome); });
    }
}

Result<void> Connection::run(Call& call) {
    Figures& figures = common_.figures;
    Result<void> outcome = ok();
    ++figures.calls_running;
    try {
        ReplyStream reply(call.longest_stub, longest_reply,
                          [&](Octets& fragment, std::uint32_t left, bool last) {
                              return answer(call.incoming.id, fragment, left, last);
                          });
        outcome = dispatch(call.incoming, *call.peer, *call.group, common_.config, call.cancelled,
                           figures, reply);
        if (outcome) reply.finish();
        if (reply.is_cut())
            outcome = fail(RPC_S_SERVER_TOO_BUSY, "the service holds ", figures.held.load(),
                           " octets for clients that do not take their answers; [service] "
                           "max_held_bytes says how much that may be");
    } catch (const std::bad_alloc&) {
        outcome = Error{static_cast<Code>(ERROR_NOT_ENOUGH_MEMORY), {}}; // COM-10
    }
    --figures.calls_running;
    call.group.reset(); // here, since it may end sessions
    return outcome;
}

// The next part of a running call's reply. It never waits for the client: the operation keeps its
// session to itself meanwhile. False: there must be no more of it, since clients that do not take
// their answers keep too much of the server.
bool Connection::answer(std::uint32_t call_id, Octets& fragment, std::uint32_t left, bool last) {
    bool goes_on = true;
    guarded([&] {
        if (hanging_up_) return;
        const bool is_nearly_all = left - (fragment.size() - rpc::response_stub_at) <= short_rest;
        association_->answer(call_id, fragment, left, last);
        send(std::move(fragment), !last && is_nearly_all);
        goes_on = last || is_nearly_all || unsent_.is_empty() || !is_too_much();
    });
    return goes_on;
}

void Connection::ended(const Call& call, const Result<void>& outcome) {
    // Once its last fragment is out the client may use its id again, and that call be here already.
    const auto running = running_.find(call.incoming.id);
    if (running != running_.end() && running->second.get() == &call) running_.erase(running);
    if (hanging_up_) return;
    if (!outcome) {
        ++common_.figures.calls_refused;
        log::warn("rpc: ", call.peer->caller.name, ": ", operation_of(call.incoming),
                  " is answered with a fault, ", hex(outcome.error().code), ", in ",
                  microseconds_since(call.begun), " us: ", outcome.error().what);
        send(association_->refuse_call(call.incoming.id, outcome.error()));
        if (hears_enough(call)) {
            hanging_up_ = true;
            disarm(read_deadline_);
        }
    }
    if (finishing_ && running_.empty()) return say_goodbye();
    go_on();
}

// The call of the next request, if that comes at once and this worker still attends.
std::shared_ptr<Connection::Call> Connection::next_call() {
    const auto until = std::chrono::steady_clock::now() + patience_of_attendant;
    const auto socket = attended_socket();
    if (!socket) return nullptr;
    const bool is_readable = platform::is_readable_before(*socket, until);
    std::shared_ptr<Call> call;
    guarded([&] {
        if (!attended_ || hanging_up_) return;
        ErrorCode error = asio::error::would_block;
        std::size_t count = 0;
        if (is_readable)
            count =
                socket_.read_some(asio::buffer(in_.data() + filled_, in_.size() - filled_), error);
        if (error == asio::error::would_block) return end_attendance();
        attendant_reads_ = true;
        received(error, count);
        attendant_reads_ = false;
        call = std::exchange(own_, nullptr);
    });
    return call;
}

std::optional<platform::NativeSocket> Connection::attended_socket() {
    std::optional<platform::NativeSocket> socket;
    guarded([&] {
        if (!attended_ || hanging_up_) return;
        if (common_.workers.are_short()) return end_attendance(); // others wait for this one
        socket = static_cast<platform::NativeSocket>(socket_.native_handle());
    });
    return socket;
}

// A stranger is told once that the service is not for him.
bool Connection::hears_enough(const Call& call) const {
    return !admitted_ && (call.incoming.interface_index == Served::restore ||
                          call.incoming.interface_index == Served::backup);
}

// --- sending

// One fragment. Where the socket takes all of it at once the memory stays the caller's. `hold`: the
// next one comes at once, and takes it along.
void Connection::send(Octets&& octets, bool hold) {
    if (octets.empty() || closed_) return;
    ++common_.figures.fragments_sent;
    std::size_t sent = 0;
    if (unsent_.is_empty() && !hold) {
        sent = send_at_once(asio::buffer(octets));
        common_.figures.octets_sent += sent;
        if (sent == octets.size()) return;
    }
    unsent_.push(std::move(octets), sent);
    if (hold) return;
    if (!writing_ && sent == 0) took(send_at_once(unsent_.next()));
    write();
}

// How many octets the socket took. What is wrong with it the next write tells.
template <class Buffers>
std::size_t Connection::send_at_once(const Buffers& buffers) {
    ErrorCode error;
    const std::size_t sent = socket_.write_some(buffers, error);
    return error ? 0 : sent;
}

void Connection::took(std::size_t count) {
    common_.figures.octets_sent += count;
    unsent_.took(count);
}

void Connection::write() {
    if (closed_ || writing_ || unsent_.is_empty()) return;
    if (attended_) end_attendance();
    if (closed_) return;
    writing_ = true;
    arm(write_deadline_, hanging_up_ ? common_.limits.linger : common_.limits.unread,
        "the client does not take its answer");
    socket_.async_write_some(
        unsent_.next(), [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
            self->guarded([&] {
                self->writing_ = false;
                self->written(error, count);
            });
        });
}

void Connection::written(const ErrorCode& error, std::size_t count) {
    disarm(write_deadline_);
    if (error) return close("the client hung up before it took its answer");
    took(count);
    go_on();
}

// After something was sent, or a call has ended.
void Connection::go_on() {
    write();
    if (closed_) return;
    if (hanging_up_) {
        if (!unsent_.is_empty()) return;
        if (finishing_) return close("the service stops");
        ErrorCode ignored;
        socket_.shutdown(StreamSocket::shutdown_send, ignored);
        arm(read_deadline_, common_.limits.linger, "the client did not hang up");
        drain();
        return;
    }
    begin_calls();
    if (filled_ > 0 && !reading_) take_fragments();
    read();
}

} // namespace ntdsb::server
