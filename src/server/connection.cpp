// One client's connection (connection.h).
#include "server/connection.h"

#include "core/log.h"
#include "server/interfaces.h"
#include "server/peer.h"

#include <algorithm>
#include <new>
#include <utility>

namespace ntdsb::server {

namespace {

// What an idle connection keeps; most requests fit.
constexpr std::size_t idle_buffer = 2048;

// How long a running call may keep its connection from being listened to.
constexpr std::chrono::milliseconds longest_attendance{20};

std::vector<rpc::SyntaxId> syntaxes() {
    std::vector<rpc::SyntaxId> all;
    for (const ServedInterface& one : served_interfaces()) all.push_back(one.syntax);
    return all;
}

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
            if (self->finishing_) return;
            if (self->hanging_up_) { // he was told already, and nobody waits for him longer
                if (self->running_.empty()) self->close("the service stops");
                return;
            }
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
           unsent_.size() > most_unsent() || (!unsent_.is_empty() && is_too_much());
}

std::size_t Connection::most_unsent() const {
    return is_guest_ ? common_.limits.stranger_unsent : common_.limits.unsent;
}

// All clients together keep the server from taking more of their requests and making more of their
// answers.
bool Connection::is_too_much() const { return common_.figures.held > common_.limits.held; }

void Connection::account() {
    std::uint64_t holds = unsent_.size();
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
    if (closed_ || reading_ || taking_ || attended_ || hanging_up_ || is_held_back()) return;
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
    taking_ = true; // an answer may end the attendance, which would read; an exception ends all
    while (!hanging_up_ && !finishing_ && !closed_ && !is_held_back()) {
        const std::size_t taken = take_fragment(have.subspan(used));
        if (taken == 0) break;
        used += taken;
    }
    taking_ = false;
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

// --- the end

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
    if (!authenticating_) adopt_group(); // where memory ran out in the middle of a bind
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
