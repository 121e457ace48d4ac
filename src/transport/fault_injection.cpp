// Faults on purpose (fault_injection.h).
#include "transport/fault_injection.h"

#include <algorithm>
#include <optional>

namespace ntdsb::transport {

namespace {

// Steele, Lea and Flood's SplitMix64: the same on every system, unlike <random>'s distributions.
std::uint64_t mixed(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

// More than any reply.
constexpr std::size_t longest_reply = std::size_t{1} << 28;

Error lost(std::string_view how) {
    return fail(hrCommunicationError, "COM-8: the connection is lost: ", how);
}

} // namespace

std::string to_string(const Fault& fault) {
    std::string side = fault.side == Fault::Side::request ? "the request" : "the reply";
    if (fault.fragment > 0) side = text("fragment ", fault.fragment + 1, " of ", side);
    switch (fault.kind) {
    case Fault::Kind::drop:
        return text("drop ", side);
    case Fault::Kind::delay:
        return text("delay ", side, " for ", fault.time.count(), " ms");
    case Fault::Kind::cut:
        return text("cut ", side, " after ", fault.offset, " octets");
    case Fault::Kind::repeat:
        return text("repeat ", side);
    case Fault::Kind::alter:
        return text("alter ", fault.size, " octets at ", fault.offset, " of ", side, " by ",
                    hex(std::to_integer<std::uint64_t>(fault.mask)));
    case Fault::Kind::omit:
        return text("omit ", side);
    }
    return {};
}

Fault random_fault(std::uint64_t seed, std::uint64_t n, std::size_t size) {
    std::uint64_t state = mixed(seed ^ mixed(n));
    const auto below = [&](std::size_t bound) { // a remainder fits into the bound's own type
        return static_cast<std::size_t>((state = mixed(state)) % bound);
    };
    Fault fault;
    fault.kind = static_cast<Fault::Kind>(below(5));
    fault.side = static_cast<Fault::Side>(below(2));
    fault.offset = below(size);
    fault.size = 1 + below(std::min<std::size_t>(size - fault.offset, 8));
    fault.mask = static_cast<std::byte>(1 + below(255));
    fault.time = std::chrono::milliseconds(1 + below(20));
    return fault;
}

wire::Bytes damaged(const Fault& fault, std::span<const std::byte> octets) {
    wire::Bytes out(octets.begin(), octets.end());
    switch (fault.kind) {
    case Fault::Kind::drop:
    case Fault::Kind::omit:
        out.clear();
        break;
    case Fault::Kind::delay:
        break;
    case Fault::Kind::cut:
        out.resize(std::min(out.size(), fault.offset));
        break;
    case Fault::Kind::repeat:
        out.insert(out.end(), octets.begin(), octets.end());
        break;
    case Fault::Kind::alter:
        for (std::size_t i = fault.offset; i < out.size() && i - fault.offset < fault.size; ++i)
            out[i] ^= fault.mask;
        break;
    }
    return out;
}

bool loses_the_connection(const Fault& fault) {
    return fault.kind == Fault::Kind::drop || fault.kind == Fault::Kind::cut;
}

// --- The plan

void FaultPlan::arm(wire::Interface interface_of, std::uint16_t opnum, const Fault& fault) {
    const std::lock_guard lock(mutex_);
    watches_ = armed_ = true;
    struck_ = false;
    interface_of_ = interface_of;
    opnum_ = opnum;
    fault_ = fault;
    times_run_ = 0;
    request_size_ = reply_size_ = 0;
}

void FaultPlan::disarm() {
    const std::lock_guard lock(mutex_);
    watches_ = armed_ = struck_ = false;
}

bool FaultPlan::has_struck() const {
    const std::lock_guard lock(mutex_);
    return struck_;
}
unsigned FaultPlan::times_run() const {
    const std::lock_guard lock(mutex_);
    return times_run_;
}
std::size_t FaultPlan::request_size() const {
    const std::lock_guard lock(mutex_);
    return request_size_;
}
std::size_t FaultPlan::reply_size() const {
    const std::lock_guard lock(mutex_);
    return reply_size_;
}

// --- The decorator

class FaultyConnection final : public Connection {
public:
    FaultyConnection(std::unique_ptr<Connection> behind, wire::Interface interface_of,
                     std::shared_ptr<FaultPlan> plan)
        : behind_(std::move(behind)), interface_of_(interface_of), plan_(std::move(plan)) {}

    Result<void> call(std::uint16_t opnum, std::span<const std::byte> request,
                      wire::ReplySink& reply) override {
        if (is_lost_) return lost("in an earlier call");
        auto outcome = run_or_damage(opnum, request, reply);
        const std::lock_guard lock(mutex_);
        cancelled_ = false; // not at the beginning: it may be meant for the call that begins
        return outcome;
    }

    void cancel() noexcept override {
        {
            const std::lock_guard lock(mutex_);
            cancelled_ = true;
        }
        changed_.notify_all();
        behind_->cancel();
    }
    void abandon() noexcept override { behind_->abandon(); }
    void limit(std::chrono::steady_clock::time_point deadline) noexcept override {
        behind_->limit(deadline);
    }

private:
    Result<void> run_or_damage(std::uint16_t opnum, std::span<const std::byte> request,
                               wire::ReplySink& reply) {
        const auto fault = take_fault(opnum);
        if (!fault) return run(opnum, request, reply);
        auto outcome = fault->side == Fault::Side::request
                           ? damage_request(*fault, opnum, request, reply)
                           : damage_reply(*fault, opnum, request, reply);
        is_lost_ = is_lost_ || loses_the_connection(*fault);
        return outcome;
    }
    std::optional<Fault> take_fault(std::uint16_t opnum) {
        const std::lock_guard lock(plan_->mutex_);
        if (!plan_->armed_ || plan_->interface_of_ != interface_of_ || plan_->opnum_ != opnum)
            return std::nullopt;
        plan_->armed_ = false;
        plan_->struck_ = true;
        return plan_->fault_;
    }

    // What the plan tells of it, besides.
    Result<void> run(std::uint16_t opnum, std::span<const std::byte> request,
                     wire::ReplySink& reply) {
        {
            const std::lock_guard lock(plan_->mutex_);
            if (plan_->watches_ && plan_->interface_of_ == interface_of_ && plan_->opnum_ == opnum)
                ++plan_->times_run_;
        }
        return behind_->call(opnum, request, reply);
    }

    Result<void> damage_request(const Fault& fault, std::uint16_t opnum,
                                std::span<const std::byte> request, wire::ReplySink& reply) {
        note_sizes(request.size(), 0);
        switch (fault.kind) {
        case Fault::Kind::drop:
            return lost("the request is dropped");
        case Fault::Kind::delay:
            if (!pass(fault.time)) return lost("the request was delayed until it was cancelled");
            return run(opnum, request, reply);
        case Fault::Kind::repeat: { // the service gets it twice, the caller the first answer
            auto outcome = run(opnum, request, reply);
            wire::BufferSink nobody(longest_reply);
            (void)run(opnum, request, nobody);
            return outcome;
        }
        case Fault::Kind::cut: // what came of it is all that the service gets
        case Fault::Kind::alter:
        case Fault::Kind::omit:
            break;
        }
        auto outcome = run(opnum, damaged(fault, request), reply);
        if (loses_the_connection(fault)) return lost("the request is cut");
        return outcome;
    }

    Result<void> damage_reply(const Fault& fault, std::uint16_t opnum,
                              std::span<const std::byte> request, wire::ReplySink& reply) {
        wire::BufferSink whole(longest_reply);
        NTDSB_CHECK(run(opnum, request, whole));
        note_sizes(request.size(), whole.bytes().size());
        if (fault.kind == Fault::Kind::delay && !pass(fault.time))
            return lost("the reply was delayed until it was cancelled");
        NTDSB_CHECK(reply.write(damaged(fault, whole.bytes())));
        if (loses_the_connection(fault)) return lost("the reply is dropped or cut");
        return ok();
    }

    void note_sizes(std::size_t request, std::size_t reply) {
        const std::lock_guard lock(plan_->mutex_);
        plan_->request_size_ = request;
        plan_->reply_size_ = reply;
    }

    // False: it was cancelled, and the connection with it.
    bool pass(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        is_lost_ = changed_.wait_for(lock, time, [&] { return cancelled_; });
        return !is_lost_;
    }

    std::unique_ptr<Connection> behind_;
    wire::Interface interface_of_;
    std::shared_ptr<FaultPlan> plan_;
    bool is_lost_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool cancelled_ = false; // under the mutex
};

std::unique_ptr<Connection> faulty(std::unique_ptr<Connection> behind, wire::Interface interface_of,
                                   std::shared_ptr<FaultPlan> plan) {
    return std::make_unique<FaultyConnection>(std::move(behind), interface_of, std::move(plan));
}

} // namespace ntdsb::transport
