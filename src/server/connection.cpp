// One client's connection (connection.h).
#include "server/connection.h"

#include "core/log.h"
#include "server/interfaces.h"
#include "server/peer.h"
#include "server/reply_stream.h"
#include "service/service.h"

#include <algorithm>
#include <new>
#include <utility>

namespace ntdsb::server {

namespace {

// What an idle connection keeps; most requests fit.
constexpr std::size_t idle_buffer = 2048;
// Replies are lists of at most max_list_characters, or what one Read asks for.
constexpr std::size_t longest_reply = 2 * std::size_t{wire::max_list_characters} + 65536;
constexpr std::size_t most_buffers = 16;
// What is left of a reply and not worth a packet of its own: a read of 64 KiB is a full fragment and
// some octets.
constexpr std::size_t short_rest = 1024;

std::vector<rpc::SyntaxId> syntaxes() {
    std::vector<rpc::SyntaxId> all;
    for (const ServedInterface& one : served_interfaces()) all.push_back(one.syntax);
    return all;
}

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
// How long a running call may keep its connection from being listened to.
constexpr std::chrono::milliseconds longest_attendance{20};

} // namespace

Connection::Connection(Common& common, StreamSocket socket, WhenClosed when_closed)
    : common_(common), executor_(socket.get_executor()), socket_(std::move(socket)),
      when_closed_(std::move(when_closed)),
      peer_(std::make_shared<const Peer>(peer_of(socket_, common.config->service))),
      read_deadline_(executor_), write_deadline_(executor_), attendance_(executor_) {
    admitted_ = bool(admit(*peer_, common_.config->service));
    is_guest_ = !admitted_;
    association_ = std::make_unique<rpc::ServerAssociation>(
        limits_of_association(), syntaxes(),
        peer_->here.port != 0 ? text(peer_->here.port) : std::string(),
        [this](std::uint32_t asked) {
            joined_ = common_.groups.join(asked);
            return joined_ ? joined_->id() : 0;
        },
        [this](rpc::AuthType type, rpc::Protection level) {
            return accept_caller(common_.config->service, type, level);
        });
}

Connection::~Connection() { common_.figures.held -= held_; }

// No exception leaves it: without memory the connection ends.
template <class Action>
void Connection::guarded(Action action) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    try {
        action();
    } catch (const std::exception& error) {
        close(error.what());
    }
    account();
}

void Connection::start() {
    asio::post(executor_, [self = shared_from_this()] {
        self->guarded([&] {
            ErrorCode ignored;
            self->socket_.set_option(tcp::no_delay(true), ignored);
            self->socket_.non_blocking(true, ignored);
            platform::keep_alive(
                static_cast<platform::NativeSocket>(self->socket_.native_handle()));
            self->arm(self->read_deadline_, self->common_.limits.until_bound,
                      "nobody who may call has bound in time");
            self->in_.resize(idle_buffer);
            self->read();
        });
    });
}

void Connection::finish() {
    asio::post(executor_, [self = shared_from_this()] {
        self->guarded([&] {
            if (self->finishing_ || self->hanging_up_) return;
            self->finishing_ = true;
            self->waiting_.clear();
            if (self->running_.empty()) self->say_goodbye();
        });
    });
}

void Connection::cut() {
    asio::post(executor_, [self = shared_from_this()] {
        self->guarded([&] {
            for (const auto& [id, call] : self->running_) call->cancelled = true;
            if (self->running_.empty()) self->close("the service stops");
        });
    });
}

// --- time

void Connection::arm(Deadline& deadline, std::chrono::milliseconds time, std::string_view why) {
    deadline.armed = true;
    deadline.timer.expires_after(time);
    deadline.timer.async_wait([self = shared_from_this(), &deadline, number = ++deadline.number,
                               why](const ErrorCode& error) {
        if (error) return;
        self->guarded([&] {
            if (deadline.armed && number == deadline.number) self->close(why);
        });
    });
}

void Connection::disarm(Deadline& deadline) {
    if (!deadline.armed) return;
    deadline.armed = false;
    deadline.timer.cancel();
}

// --- receiving

// One read is always under way, so that a client that vanishes is noticed; but for one that asks
// more than it takes answers, and while a worker attends.
bool Connection::is_held_back() const {
    const Limits& limits = common_.limits;
    return authenticating_ || waiting_.size() >= limits.waiting_of_connection ||
           unsent_ > (is_guest_ ? limits.stranger_unsent : limits.unsent) ||
           (unsent_ > 0 && is_too_much());
}

// All clients together keep the server from taking more of their requests and making more of their
// answers.
bool Connection::is_too_much() const { return common_.figures.held > common_.limits.held; }

void Connection::account() {
    std::uint64_t holds = unsent_;
    for (const auto& call : waiting_) holds += call->incoming.stub.size();
    for (const auto& [id, call] : running_) holds += call->incoming.stub.size();
    // While a leg runs, the association is its thread's, and receives no request.
    if (!authenticating_) received_of_calls_ = association_->pending();
    holds += received_of_calls_;
    common_.figures.held += holds - held_; // modulo, where it is less
    held_ = holds;
}

rpc::Limits Connection::limits_of_association() const {
    rpc::Limits limits = is_guest_ ? common_.limits.stranger : common_.limits.association;
    if (is_too_much()) limits.pending = std::min(limits.pending, common_.limits.stranger.pending);
    return limits;
}

void Connection::read() {
    if (closed_ || reading_ || attended_ || hanging_up_ || is_held_back()) return;
    reading_ = true;
    socket_.async_read_some(asio::buffer(in_.data() + filled_, in_.size() - filled_),
                            [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
                                self->guarded([&] {
                                    self->reading_ = false;
                                    self->received(error, count);
                                });
                            });
}

void Connection::attend_or_read() {
    const bool is_all =
        has_begun_ && running_.size() == 1 && waiting_.empty() && !writing_ && !is_held_back();
    if (!is_all && attended_) return end_attendance();
    if (!is_all) return read();
    if (!attended_) begin_attendance();
}

// Asio has a socket watched also while nothing waits for it: the server's thread would wake up for
// every request that a worker takes. So an attended socket is one of a context that nobody runs.
void Connection::begin_attendance() {
    attended_ = true;
    move_socket(common_.nowhere.get_executor());
    if (attendance_timed_) return;
    attendance_timed_ = true;
    attendance_.expires_after(longest_attendance);
    attendance_.async_wait([self = shared_from_this()](const ErrorCode&) {
        self->guarded([&] {
            self->attendance_timed_ = false;
            if (self->attended_) self->end_attendance();
        });
    });
}

void Connection::end_attendance() {
    attended_ = false;
    move_socket(executor_);
    read();
}

void Connection::move_socket(const StreamSocket::executor_type& to) {
#ifdef _WIN32
    static_cast<void>(to); // there a socket is not watched, but what is under way on it
#else
    StreamSocket moved(to);
    const auto handle = socket_.release();
    ErrorCode error;
    try {
        moved.assign(tcp::v6(), handle, error); // any protocol of streams will do
    } catch (const std::bad_alloc&) {
        error = asio::error::no_memory;
    }
    if (error) {
        platform::close_socket(handle);
        return close(error.message());
    }
    moved.non_blocking(true, error);
    socket_ = std::move(moved);
#endif
}

void Connection::received(const ErrorCode& error, std::size_t count) {
    if (error) return close("the client hung up");
    common_.figures.octets_received += count;
    if (hanging_up_) return drain();
    if (finishing_) return read(); // what comes now is not heard, but that it ends
    filled_ += count;
    has_begun_ = false;
    take_fragments();
    if (!hanging_up_ && !closed_) attend_or_read();
}

void Connection::take_fragments() {
    const auto have = std::span<const std::byte>(in_).first(filled_);
    std::size_t used = 0;
    while (!hanging_up_ && !finishing_ && !closed_ && !is_held_back()) {
        const std::size_t taken = take_fragment(have.subspan(used));
        if (taken == 0) break;
        used += taken;
    }
    if (hanging_up_ || closed_) return; // in_ has another use now
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(used),
              in_.begin() + static_cast<std::ptrdiff_t>(filled_), in_.begin());
    filled_ -= used;
    if (authenticating_) { // what comes behind is looked at afterwards
        in_.resize(std::max(in_.size(), filled_ + 1));
        return;
    }
    const bool is_in_request = association_->pending() > 0;
    if (used > 0 && group_ && admitted_ && !is_in_request) disarm(read_deadline_);
    const auto frame = rpc::decode_frame(std::span<const std::byte>(in_).first(filled_),
                                         association_->longest_fragment());
    const std::size_t wanted =
        frame && frame.value() ? frame.value()->length : std::size_t{rpc::header_size};
    const bool is_in_fragment = filled_ > 0 && filled_ < wanted;
    if ((is_in_fragment || is_in_request) && !read_deadline_.armed && !is_held_back())
        arm(read_deadline_, common_.limits.fragment,
            "a fragment, or a request, did not come whole in time");
    in_.resize(std::max({idle_buffer, wanted, filled_ + 1}));
    if (filled_ == 0 && in_.capacity() > 4 * idle_buffer) in_.shrink_to_fit();
}

// How many octets were taken; 0 while a fragment is not whole.
std::size_t Connection::take_fragment(std::span<const std::byte> octets) {
    const auto frame = rpc::decode_frame(octets, association_->longest_fragment());
    if (!frame) {
        obey(association_->refuse(frame.error()));
        return octets.size();
    }
    if (!frame.value() || frame.value()->length > octets.size()) return 0;
    ++common_.figures.fragments_received;
    const auto fragment = octets.first(frame.value()->length);
    if (rpc::ServerAssociation::is_security_leg(*frame.value())) {
        begin_leg(fragment);
    } else {
        association_->set_limits(limits_of_association());
        rpc::Step step = association_->receive(fragment);
        adopt_group();
        // Who binds without authentication stays who he is.
        if (frame.value()->header.type == rpc::PduType::bind) enter_group();
        obey(std::move(step));
    }
    return fragment.size();
}

// Mechanisms may ask others, and the lists of users too: not here.
void Connection::begin_leg(std::span<const std::byte> fragment) {
    common_.authenticators.run(
        [self = shared_from_this(), octets = Octets(fragment.begin(), fragment.end())] {
            if (self->is_closed()) return; // nobody waits for it any more
            rpc::Step step;
            std::shared_ptr<const Peer> authenticated;
            try {
                step = self->association_->receive(octets);
                if (step.authenticated)
                    authenticated = authenticated_peer(*self->peer_, *self->association_,
                                                       self->common_.config->service);
            } catch (const std::exception& error) { // no memory
                step = {};
                step.hang_up = true;
                step.why = error.what();
            }
            self->leg_ended(std::move(step), authenticated);
        });
    authenticating_ = true;
}

bool Connection::is_closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
}

void Connection::leg_ended(rpc::Step step, const std::shared_ptr<const Peer>& authenticated) {
    guarded([&] {
        authenticating_ = false;
        adopt_group();
        if (!hanging_up_ && !finishing_) take_leg(std::move(step), authenticated);
    });
    const std::lock_guard lock(mutex_);
    if (!closed_) return;
    adopt_group();
    end_sessions();
}

void Connection::take_leg(rpc::Step step, const std::shared_ptr<const Peer>& authenticated) {
    if (authenticated) {
        peer_ = authenticated;
        admitted_ = true;
        enter_group();
        log::info("rpc: ", peer_->caller.name, " has authenticated, and may ",
                  peer_->caller.may_backup ? "" : "not ", "back up and may ",
                  peer_->caller.may_restore ? "" : "not ", "restore");
        is_guest_ = !peer_->caller.may_backup && !peer_->caller.may_restore;
    } else if (!step.why.empty() && !step.hang_up) {
        log::warn("rpc: ", peer_->caller.name, ": AUTH-5: ", step.why);
    }
    if (group_ && admitted_) disarm(read_deadline_);
    obey(std::move(step));
    if (!hanging_up_) go_on();
}

void Connection::adopt_group() {
    if (joined_) group_ = std::move(joined_);
    joined_.reset();
}

// Once it is known who calls. A stranger's connection keeps no sessions alive.
void Connection::enter_group() {
    if (group_ && admitted_ && !entered_) entered_ = common_.groups.enter(group_, peer_->caller);
}

void Connection::obey(rpc::Step step) {
    send(std::move(step.send));
    if (step.call) {
        auto call = std::make_shared<Call>();
        call->incoming = std::move(*step.call);
        waiting_.push_back(std::move(call));
    }
    if (step.cancel) {
        if (const auto call = running_.find(*step.cancel); call != running_.end())
            call->second->cancelled = true;
        for (const auto& call : waiting_) {
            if (call->incoming.id == *step.cancel) call->cancelled = true;
        }
    }
    if (step.hang_up) {
        ++common_.figures.protocol_errors;
        log::line(step.denied ? log::Level::warn : log::Level::info, "rpc: ", peer_->caller.name,
                  step.denied ? ": AUTH-5: the caller is refused: " : ": the connection ends: ",
                  step.why);
        hanging_up_ = true;
        disarm(read_deadline_);
        go_on();
        return;
    }
    begin_calls();
}

// --- calls

void Connection::begin_calls() {
    while (!waiting_.empty() && !hanging_up_ && !finishing_ &&
           running_.size() < common_.limits.calls_of_connection &&
           unsent_ <= common_.limits.unsent) {
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
        goes_on = last || is_nearly_all || unsent_ == 0 || !is_too_much();
    });
    return goes_on;
}

void Connection::ended(const Call& call, const Result<void>& outcome) {
    running_.erase(call.incoming.id);
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
    if (out_.empty() && !hold) {
        sent = send_at_once(asio::buffer(octets));
        common_.figures.octets_sent += sent;
        if (sent == octets.size()) return;
        sent_of_first_ = sent;
    }
    unsent_ += octets.size() - sent;
    out_.push_back(std::move(octets));
    if (hold) return;
    if (!writing_ && sent == 0) took(send_at_once(unsent_buffers()));
    write();
}

// How many octets the socket took. What is wrong with it the next write tells.
template <class Buffers>
std::size_t Connection::send_at_once(const Buffers& buffers) {
    ErrorCode error;
    const std::size_t sent = socket_.write_some(buffers, error);
    return error ? 0 : sent;
}

std::vector<asio::const_buffer> Connection::unsent_buffers() const {
    std::vector<asio::const_buffer> buffers;
    std::size_t skip = sent_of_first_;
    for (const Octets& octets : out_) {
        buffers.emplace_back(octets.data() + skip, octets.size() - skip);
        skip = 0;
        if (buffers.size() == most_buffers) break;
    }
    return buffers;
}

void Connection::took(std::size_t count) {
    common_.figures.octets_sent += count;
    unsent_ -= count;
    sent_of_first_ += count;
    while (!out_.empty() && sent_of_first_ >= out_.front().size()) {
        sent_of_first_ -= out_.front().size();
        out_.pop_front();
    }
}

void Connection::write() {
    if (closed_ || writing_ || out_.empty()) return;
    if (attended_) end_attendance();
    if (closed_) return;
    writing_ = true;
    arm(write_deadline_, hanging_up_ ? common_.limits.linger : common_.limits.unread,
        "the client does not take its answer");
    socket_.async_write_some(
        unsent_buffers(), [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
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
        if (!out_.empty()) return;
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

// Octets that nobody reads would take the last answer down with them, so they are read.
void Connection::drain() {
    if (closed_ || draining_ || reading_) return;
    if (attended_) end_attendance();
    if (closed_) return;
    draining_ = true;
    in_.resize(idle_buffer);
    socket_.async_read_some(asio::buffer(in_),
                            [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                                self->guarded([&] {
                                    self->draining_ = false;
                                    if (error) return self->close("a protocol error");
                                    self->drain();
                                });
                            });
}

// --- the end

void Connection::say_goodbye() {
    disarm(read_deadline_);
    if (group_) send(rpc::encode({rpc::PduType::shutdown, rpc::only_fragment, 0}));
    hanging_up_ = true;
    go_on();
}

void Connection::close(std::string_view why) {
    if (closed_) return;
    closed_ = true;
    log::debug("rpc: ", peer_->caller.name, ": closed: ", why);
    ErrorCode ignored;
    // Wine 8 keeps a socket open that is closed, or shut down, while a write is under way on it, and
    // its peer waiting for ever (seen with ss: nobody's, and established): so that is ended first.
    socket_.cancel(ignored);
    socket_.shutdown(asio::socket_base::shutdown_both, ignored);
    socket_.close(ignored);
    disarm(read_deadline_);
    disarm(write_deadline_);
    attended_ = false;
    attendance_.cancel();
    waiting_.clear();
    for (const auto& [id, call] : running_) call->cancelled = true;
    end_sessions();
    when_closed_(this);
}

// Ending sessions takes locks and touches files: not here.
void Connection::end_sessions() {
    if (!group_) return;
    auto ending = common_.groups.leave(group_, std::exchange(entered_, false));
    group_.reset();
    try {
        common_.workers.run([ending]() mutable { ending.reset(); });
    } catch (const std::bad_alloc&) {
        return; // it ends here
    }
}

} // namespace ntdsb::server
