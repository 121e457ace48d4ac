// The client's sessions over a connection that misbehaves: contract COM-8, COM-11.
#include "client/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <optional>
#include <thread>

namespace ntdsb::client {
namespace {

// A connection whose calls do what the test says; shared, since the session owns and destroys its
// end of it.
struct Script {
    std::mutex mutex;
    std::condition_variable changed;
    bool running = false; // a call is inside
    bool release = false; // it may go on
    bool cancels = false; // cancel() releases it
    bool lost = false;    // every call: hrCommunicationError
    std::atomic<int> cancelled{0}, ended{0}, destroyed{0};
    std::optional<std::chrono::steady_clock::time_point> limit; // of End's own call
};

class ScriptedConnection final : public transport::Connection {
public:
    explicit ScriptedConnection(std::shared_ptr<Script> script) : script_(std::move(script)) {}
    ~ScriptedConnection() override { ++script_->destroyed; }

    Result<void> call(std::uint16_t opnum, std::span<const std::byte>,
                      wire::ReplySink& reply) override {
        if (script_->lost) return fail(hrCommunicationError, "lost");
        if (opnum == wire::RestoreEnd::opnum) {
            ++script_->ended;
            return reply.write(wire::encode(wire::EndReply{}));
        }
        std::unique_lock lock(script_->mutex);
        script_->running = true;
        script_->changed.notify_all();
        script_->changed.wait(lock, [&] { return script_->release; });
        const Code status =
            script_->cancelled != 0 ? static_cast<Code>(ERROR_OPERATION_ABORTED) : S_OK;
        return reply.write(wire::encode(wire::StatusReply{status}));
    }
    void cancel() noexcept override {
        ++script_->cancelled;
        const std::lock_guard lock(script_->mutex);
        if (script_->cancels) script_->release = true;
        script_->changed.notify_all();
    }
    void limit(std::chrono::steady_clock::time_point deadline) noexcept override {
        script_->limit = deadline;
    }

private:
    std::shared_ptr<Script> script_;
};

class ClientSession : public testing::Test {
protected:
    std::shared_ptr<RestoreSession> make() {
        transport::Route route;
        route.connection = std::make_unique<ScriptedConnection>(script);
        return std::make_shared<RestoreSession>(std::move(route), wire::ContextHandle{}, false);
    }
    // A Complete in a thread of its own, inside the connection when this returns.
    std::future<Result<void>> start_complete(std::shared_ptr<RestoreSession> session) {
        auto result = std::async(
            std::launch::async, [session = std::move(session)] { return session->complete(S_OK); });
        std::unique_lock lock(script->mutex);
        script->changed.wait(lock, [&] { return script->running; });
        return result;
    }
    void let_go() {
        const std::lock_guard lock(script->mutex);
        script->release = true;
        script->changed.notify_all();
    }
    std::shared_ptr<Script> script = std::make_shared<Script>();
};

TEST_F(ClientSession, EndCancelsARunningVerification_COM11) {
    script->cancels = true;
    const auto session = make();
    auto complete = start_complete(session);
    EXPECT_TRUE(session->end());
    EXPECT_EQ(complete.get().error().code, ERROR_OPERATION_ABORTED);
    EXPECT_EQ(script->cancelled, 1);
    EXPECT_EQ(script->ended, 1);
}

TEST_F(ClientSession, EndAbandonsACallThatNeverComesBack_COM11) {
    auto session = make();
    auto complete = start_complete(session);
    EXPECT_TRUE(session->end(std::chrono::milliseconds(50)));
    EXPECT_EQ(script->ended, 0) << "the connection is still in use, so nothing is sent";
    session.reset();
    EXPECT_EQ(script->destroyed, 0);
    let_go();
    static_cast<void>(complete.get());
    complete = {};
    EXPECT_EQ(script->destroyed, 1) << "the connection goes with its last call";
}

// A service that is stopped answers nothing, though the system keeps its connection alive.
TEST_F(ClientSession, EndWaitsForTheServiceNoLongerThanForACall_COM11) {
    const auto session = make();
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_TRUE(session->end());
    EXPECT_EQ(script->ended, 1);
    ASSERT_TRUE(script->limit);
    EXPECT_GE(*script->limit, begun + Session::end_patience);
    EXPECT_LE(*script->limit, std::chrono::steady_clock::now() + Session::end_patience);
}

TEST_F(ClientSession, CallsThatWaitedForTheirTurnSeeTheEnd_COM11) {
    script->cancels = true;
    const auto session = make();
    auto first = start_complete(session);
    auto second = std::async(std::launch::async, [&] { return session->complete(S_OK); });
    EXPECT_TRUE(session->end());
    static_cast<void>(first.get());
    EXPECT_EQ(second.get().error().code, ERROR_INVALID_PARAMETER);
}

TEST_F(ClientSession, ALostConnectionIsToldAndTheHandleCanBeEnded_COM8) {
    script->lost = true;
    const auto session = make();
    EXPECT_EQ(session->complete(S_OK).error().code, hrCommunicationError);
    EXPECT_TRUE(session->end());
}

} // namespace
} // namespace ntdsb::client
