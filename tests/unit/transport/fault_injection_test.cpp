// What the fault injection itself does (transport/fault_injection.h): the faults that tests ask for
// are the ones that happen.
#include "transport/fault_injection.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace ntdsb::transport {
namespace {

using Kind = Fault::Kind;
using Side = Fault::Side;

wire::Bytes octets(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

// Answers "reply", and keeps what it was asked.
class Echo final : public Connection {
public:
    explicit Echo(std::vector<wire::Bytes>& asked) : asked_(asked) {}
    Result<void> call(std::uint16_t, std::span<const std::byte> request,
                      wire::ReplySink& reply) override {
        asked_.emplace_back(request.begin(), request.end());
        return reply.write(octets("reply"));
    }
    void cancel() noexcept override {}

private:
    std::vector<wire::Bytes>& asked_;
};

struct Outcome {
    Code code;
    std::string reply;
};

class FaultInjection : public testing::Test {
protected:
    static constexpr std::uint16_t opnum = 4;
    Outcome call(std::uint16_t number = opnum) {
        wire::BufferSink sink(100);
        const auto called = connection->call(number, octets("request"), sink);
        const auto got = sink.bytes();
        return {called ? 0 : called.error().code,
                {reinterpret_cast<const char*>(got.data()), got.size()}};
    }
    Outcome call_with(const Fault& fault) {
        asked.clear();
        connection = faulty(std::make_unique<Echo>(asked), wire::Interface::backup, plan);
        plan->arm(wire::Interface::backup, opnum, fault);
        return call();
    }
    void expect(const Fault& fault, Code code, std::string_view reply,
                const std::vector<wire::Bytes>& arrived) {
        const auto outcome = call_with(fault);
        EXPECT_EQ(outcome.code, code) << to_string(fault);
        EXPECT_EQ(outcome.reply, reply) << to_string(fault);
        EXPECT_EQ(asked, arrived) << to_string(fault);
        EXPECT_TRUE(plan->has_struck());
        EXPECT_EQ(plan->times_run(), arrived.size());
        // What is lost stays lost; nothing is struck twice.
        EXPECT_EQ(call().code, loses_the_connection(fault) ? hrCommunicationError : S_OK);
    }

    std::vector<wire::Bytes> asked;
    std::shared_ptr<FaultPlan> plan = std::make_shared<FaultPlan>();
    std::unique_ptr<Connection> connection =
        faulty(std::make_unique<Echo>(asked), wire::Interface::backup, plan);
};

TEST_F(FaultInjection, DoesWhatIsAskedFor) {
    const auto request = octets("request");
    const Code lost = static_cast<Code>(hrCommunicationError);
    expect({Kind::drop, Side::request}, lost, "", {});
    expect({Kind::drop, Side::reply}, lost, "", {request});
    expect({Kind::cut, Side::request, 3}, lost, "reply", {octets("req")});
    expect({Kind::cut, Side::reply, 3}, lost, "rep", {request});
    expect({Kind::repeat, Side::request}, 0, "reply", {request, request});
    expect({Kind::repeat, Side::reply}, 0, "replyreply", {request});
    expect({Kind::alter, Side::request, 0, 2, std::byte{0x20}}, 0, "reply", {octets("REquest")});
    expect({Kind::alter, Side::reply, 3, 99, std::byte{0x20}}, 0, "repLY", {request});
    expect({Kind::omit, Side::request}, 0, "reply", {{}});
    expect({Kind::omit, Side::reply}, 0, "", {request});
    expect({Kind::delay, Side::request, 0, 1, {}, std::chrono::milliseconds(1)}, 0, "reply",
           {request});
    expect({Kind::delay, Side::reply, 0, 1, {}, std::chrono::milliseconds(1)}, 0, "reply",
           {request});
}

TEST_F(FaultInjection, StrikesOnlyTheCallThatItIsArmedFor) {
    plan->arm(wire::Interface::backup, opnum, {Kind::drop});
    EXPECT_EQ(call(opnum + 1).code, 0);
    EXPECT_FALSE(plan->has_struck());
    plan->arm(wire::Interface::restore, opnum, {Kind::drop});
    EXPECT_EQ(call().code, 0);
    plan->arm(wire::Interface::backup, opnum, {Kind::drop});
    plan->disarm();
    EXPECT_EQ(call().code, 0);
}

TEST_F(FaultInjection, EndsADelayThatIsCancelled) {
    std::thread other([&] {
        while (!plan->has_struck()) std::this_thread::yield();
        connection->cancel();
    });
    connection = faulty(std::make_unique<Echo>(asked), wire::Interface::backup, plan);
    plan->arm(wire::Interface::backup, opnum,
              {Kind::delay, Side::request, 0, 1, {}, std::chrono::hours(1)});
    EXPECT_EQ(call().code, static_cast<Code>(hrCommunicationError));
    other.join();
    EXPECT_TRUE(asked.empty());
}

TEST_F(FaultInjection, ASeedDecidesASeries) {
    std::set<std::string> kinds;
    for (std::uint64_t n = 0; n < 200; ++n) {
        const auto fault = random_fault(7, n, 40);
        EXPECT_EQ(to_string(fault), to_string(random_fault(7, n, 40)));
        EXPECT_LE(fault.offset + fault.size, 40u);
        EXPECT_NE(fault.mask, std::byte{0});
        kinds.insert(to_string(fault).substr(0, 3));
    }
    EXPECT_EQ(kinds.size(), 5u);
    EXPECT_NE(to_string(random_fault(7, 0, 40)) + to_string(random_fault(7, 1, 40)),
              to_string(random_fault(8, 0, 40)) + to_string(random_fault(8, 1, 40)));
}

} // namespace
} // namespace ntdsb::transport
