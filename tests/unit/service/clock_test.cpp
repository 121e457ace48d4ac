// A clock that stands still or jumps: tokens are judged by the time it tells, everything else goes
// on (contract PREP-5, REC-1, REC-8; design point 9).
#include "restore_directory.h"

namespace ntdsb::service {
namespace {

constexpr std::uint64_t hour = std::uint64_t{3600} * 10'000'000;
constexpr std::uint64_t day = 24 * hour;
constexpr std::uint64_t noon = 134'000'000'000'000'000; // some day in 2025

std::uint64_t told = noon;

class ClockTest : public testing::Test {
protected:
    ClockTest() {
        told = noon;
        platform::set_clock([] { return told; });
    }
    ~ClockTest() override { platform::set_clock(nullptr); }
    RestoreDirectory directory;
};

TEST_F(ClockTest, TokensAreJudgedByTheTimeThatItTells) { // PREP-5
    const auto token = directory.token();                // of noon, for 180 days
    Client client(directory);
    const auto at = [&](std::uint64_t time) {
        told = time;
        return client.prepare(token).status;
    };
    EXPECT_EQ(at(noon), S_OK);
    EXPECT_EQ(at(noon + 180 * day), S_OK);
    EXPECT_EQ(at(noon + 180 * day + 1), hrContentsExpired);
    EXPECT_EQ(at(noon - 24 * hour), S_OK) << "it jumped back";
    EXPECT_EQ(at(noon - 24 * hour - 1), hrContentsExpired);
    EXPECT_EQ(at(0), hrContentsExpired);
    EXPECT_EQ(at(~std::uint64_t{0}), hrContentsExpired);
    EXPECT_EQ(at(noon + day), S_OK) << "and is right again";
}

TEST_F(ClockTest, JumpsWithinARestoreChangeNothing) {
    Client client(directory);
    const auto session = client.prepared();
    told = noon + 4000 * day;
    EXPECT_EQ(client.register_whole(session), S_OK);
    EXPECT_EQ(directory.start_blocked(), static_cast<Code>(hrRestoreInProgress));
    told = 1;
    EXPECT_EQ(client.complete(session, S_OK), S_OK);
    EXPECT_EQ(directory.recorded(), RecordState::completed);
    told = noon - 4000 * day;
    EXPECT_TRUE(start_directory(*directory.instance()));
    EXPECT_EQ(directory.recorded(), RecordState::started);
}

TEST_F(ClockTest, UnreadableRecordsAreAllKeptWhileItStandsStill) { // REC-8
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(directory.enter()) << i;
        test::flip_bit(directory.record_file(), 20);
    }
    ASSERT_TRUE(directory.enter());
    unsigned kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory.state()))
        kept += entry.path().filename().string().starts_with("registration.unreadable-");
    EXPECT_EQ(kept, 3u);
}

} // namespace
} // namespace ntdsb::service
