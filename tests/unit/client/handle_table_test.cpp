// Handles: contract COM-1, COM-11; design decision 4.
#include "client/handle_table.h"

#include "client/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

namespace ntdsb::client {
namespace {

// The table never looks into a session.
std::shared_ptr<Session> any_session() {
    return std::make_shared<RestoreSession>(transport::Route{}, wire::ContextHandle{}, true);
}

TEST(HandleTable, FindsWhatWasAddedUntilItIsRemoved_COM1) {
    HandleTable table;
    const auto session = any_session();
    const Handle handle = table.add(SessionKind::restore, session).value();
    EXPECT_NE(handle, 0u);
    EXPECT_EQ(table.find(handle, SessionKind::restore).value(), session);
    EXPECT_EQ(table.remove(handle, SessionKind::restore).value(), session);
    EXPECT_EQ(table.find(handle, SessionKind::restore).error().code, ERROR_INVALID_PARAMETER);
    EXPECT_EQ(table.remove(handle, SessionKind::restore).error().code, ERROR_INVALID_PARAMETER);
}

TEST(HandleTable, RefusesTheWrongKindAndGarbage_COM1) {
    HandleTable table;
    const Handle handle = table.add(SessionKind::restore, any_session()).value();
    EXPECT_FALSE(table.find(handle, SessionKind::backup));
    EXPECT_FALSE(table.remove(handle, SessionKind::backup));
    for (unsigned bit = 0; bit < 32; ++bit) {
        EXPECT_FALSE(table.find(handle ^ (1u << bit), SessionKind::restore)) << bit;
        EXPECT_FALSE(table.find(handle ^ (1u << bit), SessionKind::backup)) << bit;
    }
    EXPECT_FALSE(table.find(0, SessionKind::restore));
    EXPECT_FALSE(table.find(0xffffffff, SessionKind::restore));
    EXPECT_TRUE(table.find(handle, SessionKind::restore));
}

TEST(HandleTable, DoesNotSoonReuseAHandle) {
    HandleTable table;
    std::set<Handle> seen;
    for (int i = 0; i < 10'000; ++i) {
        const Handle handle = table.add(SessionKind::backup, any_session()).value();
        EXPECT_TRUE(seen.insert(handle).second) << i;
        ASSERT_TRUE(table.remove(handle, SessionKind::backup));
    }
}

TEST(HandleTable, LetsExactlyOneOfManyThreadsRemove_COM11) {
    HandleTable table;
    for (int round = 0; round < 50; ++round) {
        const Handle handle = table.add(SessionKind::restore, any_session()).value();
        std::atomic<int> winners{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 8; ++i)
            threads.emplace_back([&] {
                static_cast<void>(table.find(handle, SessionKind::restore));
                if (table.remove(handle, SessionKind::restore)) ++winners;
            });
        for (std::thread& thread : threads) thread.join();
        EXPECT_EQ(winners, 1);
    }
}

} // namespace
} // namespace ntdsb::client
