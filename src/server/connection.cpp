// One client's connection (connection.h).
#include "server/connection.h"

#include "core/log.h"
#include "platform/socket.h"
#include "server/interfaces.h"
#include "server/peer.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace ntdsb::server {

namespace {

// What an idle connection keeps; most requests fit.
constexpr std::size_t idle_buffer = 2048;
// Replies are lists of at most max_list_characters, or what one Read asks for.
constexpr std::size_t longest_reply = 2 * std::size_t{wire::max_list_characters} + 65536;
constexpr std::size_t most_buffers = 16;

std::vector<rpc::SyntaxId> syntaxes() {
    std::vector<rpc::SyntaxId> all;
    for (const ServedInterface& one : served_interfaces()) all.push_back(one.syntax);
    return all;
}

// Whole fragments; octets 8 and 9 of each hold its length.
std::uint64_t count_fragments(std::span<const std::byte> octets) {
    std::uint64_t count = 0;
    while (octets.size() >= rpc::header_size) {
        const auto length =
            std::to_integer<std::size_t>(octets[8]) | std::to_integer<std::size_t>(octets[9]) << 8;
        if (length < rpc::header_size || length > octets.size()) break;
        octets = octets.subspan(length);
        ++count;
    }
    return count;
}

} // namespace

Connection::Connection(Common& common, StreamSocket socket, WhenClosed when_closed)
    : common_(common), socket_(std::move(socket)), when_closed_(std::move(when_closed)),
      peer_(std::make_shared<const Peer>(peer_of(socket_, common.config->service))),
      read_deadline_(socket_.get_executor()), write_deadline_(socket_.get_executor()) {
    admitted_ = bool(admit(*peer_, common_.config->service));
    association_ = std::make_unique<rpc::ServerAssociation>(
        admitted_ ? common_.limits.association : common_.limits.stranger, syntaxes(),
        peer_->here.port != 0 ? text(peer_->here.port) : std::string(),
        [this](std::uint32_t asked) {
            joined_ = common_.groups.join(asked);
            return joined_ ? joined_->id() : 0;
        },
        [this](rpc::AuthType type, rpc::Protection level) {
            return accept_caller(common_.config->service, type, level);
        });
}

// What runs on the strand: no exception leaves it. Without memory the connection ends.
template <class Action>
void Connection::guarded(Action action) {
    if (closed_) return;
    try {
        action();
    } catch (const std::exception& error) {
        close(error.what());
    }
}

void Connection::start() {
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
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
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->guarded([&] {
            if (self->finishing_ || self->hanging_up_) return;
            self->finishing_ = true;
            self->waiting_.clear();
            if (self->running_.empty()) self->say_goodbye();
        });
    });
}

void Connection::cut() {
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
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
        if (error || !deadline.armed || number != deadline.number) return;
        self->guarded([&] { self->close(why); });
    });
}

void Connection::disarm(Deadline& deadline) {
    if (!deadline.armed) return;
    deadline.armed = false;
    deadline.timer.cancel();
}

// --- receiving

// One read is always under way, so that a client that vanishes is noticed; but for one that asks
// more than it takes answers.
bool Connection::is_held_back() const {
    return authenticating_ || unsent_ > common_.limits.unsent ||
           waiting_.size() >= common_.limits.waiting_of_connection;
}

void Connection::read() {
    if (closed_ || reading_ || hanging_up_ || is_held_back()) return;
    reading_ = true;
    socket_.async_read_some(asio::buffer(in_.data() + filled_, in_.size() - filled_),
                            [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
                                self->reading_ = false;
                                self->guarded([&] { self->received(error, count); });
                            });
}

void Connection::received(const ErrorCode& error, std::size_t count) {
    if (error) return close("the client hung up");
    common_.figures.octets_received += count;
    if (hanging_up_) return drain();
    if (finishing_) return read(); // what comes now is not heard, but that it ends
    filled_ += count;
    take_fragments();
    read();
}

void Connection::take_fragments() {
    const auto have = std::span<const std::byte>(in_).first(filled_);
    std::size_t used = 0;
    while (!hanging_up_ && !finishing_ && !is_held_back()) {
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
    if (used > 0 && group_ && admitted_) disarm(read_deadline_);
    const auto frame = rpc::decode_frame(std::span<const std::byte>(in_).first(filled_),
                                         association_->longest_fragment());
    const std::size_t wanted =
        frame && frame.value() ? frame.value()->length : std::size_t{rpc::header_size};
    if (filled_ > 0 && filled_ < wanted && !read_deadline_.armed)
        arm(read_deadline_, common_.limits.fragment, "a fragment did not come whole in time");
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
            asio::post(self->socket_.get_executor(),
                       [self, step = std::move(step), authenticated]() mutable {
                           self->leg_ended(std::move(step), authenticated);
                       });
        });
    authenticating_ = true;
}

void Connection::leg_ended(rpc::Step step, const std::shared_ptr<const Peer>& authenticated) {
    authenticating_ = false;
    adopt_group();
    if (closed_) return end_sessions();
    guarded([&] {
        if (hanging_up_ || finishing_) return;
        if (authenticated) {
            peer_ = authenticated;
            admitted_ = true;
            enter_group();
            log::info("rpc: ", peer_->caller.name, " has authenticated, and may ",
                      peer_->caller.may_backup ? "" : "not ", "back up and may ",
                      peer_->caller.may_restore ? "" : "not ", "restore");
            if (peer_->caller.may_backup || peer_->caller.may_restore)
                association_->set_limits(common_.limits.association);
        } else if (!step.why.empty() && !step.hang_up) {
            log::warn("rpc: ", peer_->caller.name, ": AUTH-5: ", step.why);
        }
        if (group_ && admitted_) disarm(read_deadline_);
        obey(std::move(step));
        if (!hanging_up_) go_on();
    });
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
        const auto call = waiting_.front();
        waiting_.pop_front();
        begin(call);
    }
}

void Connection::begin(const std::shared_ptr<Call>& call) {
    running_[call->incoming.id] = call;
    common_.workers.run([self = shared_from_this(), call, peer = peer_, group = group_]() mutable {
        Common& common = self->common_;
        ++common.figures.calls_running;
        const auto sink = std::make_shared<wire::BufferSink>(longest_reply);
        Result<void> outcome = ok();
        try {
            outcome = dispatch(call->incoming, *peer, *group, common.config, call->cancelled,
                               common.figures, *sink);
        } catch (const std::bad_alloc&) {
            outcome = Error{static_cast<Code>(ERROR_NOT_ENOUGH_MEMORY), {}}; // COM-10
        }
        group.reset(); // here, since it may end sessions
        --common.figures.calls_running;
        asio::post(self->socket_.get_executor(),
                   [self, call, sink, outcome = std::move(outcome)]() mutable {
                       self->guarded([&] { self->ended(call, outcome, sink->bytes()); });
                   });
    });
}

void Connection::ended(const std::shared_ptr<Call>& call, const Result<void>& outcome,
                       std::span<const std::byte> reply) {
    running_.erase(call->incoming.id);
    if (hanging_up_) return;
    if (outcome) {
        send(association_->reply(call->incoming.id, reply));
    } else {
        ++common_.figures.calls_refused;
        log::warn("rpc: ", peer_->caller.name, ": operation ", call->incoming.opnum, " of the ",
                  call->incoming.interface_index == Served::restore  ? "restore"
                  : call->incoming.interface_index == Served::backup ? "backup"
                                                                     : "standard",
                  " interface is answered with a fault, ", hex(outcome.error().code), ": ",
                  outcome.error().what);
        send(association_->refuse_call(call->incoming.id, outcome.error()));
        if (hears_enough(*call)) {
            hanging_up_ = true;
            disarm(read_deadline_);
        }
    }
    if (finishing_ && running_.empty()) return say_goodbye();
    go_on();
}

// A stranger is told once that the service is not for him.
bool Connection::hears_enough(const Call& call) const {
    return !admitted_ && (call.incoming.interface_index == Served::restore ||
                          call.incoming.interface_index == Served::backup);
}

// --- sending

void Connection::send(Octets octets) {
    if (octets.empty() || closed_) return;
    common_.figures.fragments_sent += count_fragments(octets);
    unsent_ += octets.size();
    out_.push_back(std::move(octets));
    write();
}

void Connection::write() {
    if (closed_ || writing_ || out_.empty()) return;
    std::vector<asio::const_buffer> buffers;
    std::size_t skip = sent_of_first_;
    for (const Octets& octets : out_) {
        buffers.emplace_back(octets.data() + skip, octets.size() - skip);
        skip = 0;
        if (buffers.size() == most_buffers) break;
    }
    writing_ = true;
    arm(write_deadline_, hanging_up_ ? common_.limits.linger : common_.limits.unread,
        "the client does not take its answer");
    socket_.async_write_some(
        buffers, [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
            self->writing_ = false;
            self->guarded([&] { self->written(error, count); });
        });
}

void Connection::written(const ErrorCode& error, std::size_t count) {
    disarm(write_deadline_);
    if (error) return close("the client hung up before it took its answer");
    common_.figures.octets_sent += count;
    unsent_ -= count;
    sent_of_first_ += count;
    while (!out_.empty() && sent_of_first_ >= out_.front().size()) {
        sent_of_first_ -= out_.front().size();
        out_.pop_front();
    }
    go_on();
}

// After something was sent, or a call has ended.
void Connection::go_on() {
    write();
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
    draining_ = true;
    in_.resize(idle_buffer);
    socket_.async_read_some(asio::buffer(in_),
                            [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                                self->draining_ = false;
                                self->guarded([&] {
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
