// Every two of {start, Register, backup of live files and of a snapshot, truncation} raced against
// each other by real processes, by two handles of one process, with holders that are killed and
// clocks that jump: what excludes each other never is at one time, and every refusal has its code
// (contract REG-6..8, BPREP-3..6, BTRUNC-2, END-3; design point 9).
#include "child_roles.h"
#include "scenarios.h"
#include "support/child_process.h"

#include <chrono>
#include <fstream>
#include <random>
#include <set>
#include <thread>

namespace ntdsb::service {
namespace {

namespace fs = std::filesystem;

class Races : public testing::Test {
protected:
    Races() {
        make_directory(directory);
        for (const char* folder : {"held", "killed"}) fs::create_directory(root() / folder);
        static_cast<void>(directory.instance());
    }
    platform::Path root() const { return directory.root(); }

    struct Runner {
        std::string id;
        test::ChildProcess process;
    };
    Runner start(const std::string& kinds, int tries, bool jumping = false) {
        const auto id = text("r", ++count);
        std::vector<std::string> words{"race", root().string(), id, kinds, std::to_string(tries)};
        if (jumping) words.push_back("jumping");
        return {id, test::ChildProcess(words)};
    }
    // What it held stays named, and is named as a killed one's before.
    void kill(Runner& runner) const {
        std::ofstream(root() / "killed" / (runner.id + "-0"));
        runner.process.kill();
    }
    void go() const { std::ofstream(root() / "go"); }

    // All that the racers noted.
    std::string problems() const {
        std::string all;
        for (const auto& entry : fs::directory_iterator(root())) {
            if (!entry.path().filename().string().starts_with("problems.")) continue;
            std::ifstream in(entry.path());
            all.append(std::istreambuf_iterator<char>(in), {});
        }
        return all;
    }
    unsigned wins(const std::string& kind) const {
        unsigned sum = 0;
        for (const auto& entry : fs::directory_iterator(root())) {
            if (!entry.path().filename().string().starts_with("wins." + kind + ".")) continue;
            unsigned one = 0;
            std::ifstream(entry.path()) >> one;
            sum += one;
        }
        return sum;
    }
    void expect_a_whole_restore() {
        Client client(directory);
        const auto session = client.prepared();
        EXPECT_EQ(client.register_whole(session), S_OK);
        EXPECT_EQ(client.complete(session, S_OK), S_OK);
        EXPECT_TRUE(start_directory(*directory.instance()));
    }

    RestoreDirectory directory;
    unsigned count = 0;
};

const std::vector<std::string> racing{"start", "register", "live", "snapshot", "truncate"};

class RacedPair : public Races, public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(RacedPair, ExcludesWhatItMust) {
    const auto& first = racing.at(static_cast<std::size_t>(GetParam().first));
    const auto& second = racing.at(static_cast<std::size_t>(GetParam().second));
    const int tries = is_proving() ? 400 : 20;
    std::vector<Runner> runners;
    runners.push_back(start(first, tries));
    runners.push_back(start(second, tries));
    go();
    for (auto& runner : runners) EXPECT_EQ(runner.process.wait(), 0);
    EXPECT_EQ(problems(), "");
    EXPECT_GT(wins(first) + wins(second), 0u);
    if (is_proving()) {
        EXPECT_GT(wins(first), 0u);
        EXPECT_GT(wins(second), 0u);
        std::cout << "race of " << first << " and " << second << ", " << tries << " tries each: ";
        if (first != second) std::cout << wins(first) << " and ";
        std::cout << wins(second) << " wins\n";
    }
}

std::vector<std::pair<int, int>> all_pairs() {
    std::vector<std::pair<int, int>> pairs;
    for (int a = 0; a < 5; ++a) {
        for (int b = a; b < 5; ++b) pairs.emplace_back(a, b);
    }
    return pairs;
}
INSTANTIATE_TEST_SUITE_P(Every, RacedPair, testing::ValuesIn(all_pairs()), [](const auto& row) {
    return racing[static_cast<std::size_t>(row.param.first)] + "_" +
           racing[static_cast<std::size_t>(row.param.second)];
});

TEST_F(Races, TwoHandlesOfOneProcessExcludeEachOtherAsTwoProcessesDo) {
    const int tries = is_proving() ? 300 : 6;
    auto all = start("register+start+live+register+truncate+snapshot", tries);
    go();
    EXPECT_EQ(all.process.wait(), 0);
    EXPECT_EQ(problems(), "");
    EXPECT_GT(wins("register"), 0u);
}

TEST_F(Races, AClockThatJumpsChangesNothing) {
    const int tries = is_proving() ? 300 : 8;
    std::vector<Runner> runners;
    for (const char* kind : {"register", "start", "register+live"})
        runners.push_back(start(kind, tries, true));
    go();
    for (auto& runner : runners) EXPECT_EQ(runner.process.wait(), 0);
    EXPECT_EQ(problems(), "");
    expect_a_whole_restore();
}

TEST_F(Races, KilledHoldersLeaveTheirPlacesToOthers) { // END-3
    using namespace std::chrono_literals;
    std::mt19937 random(7);
    std::vector<Runner> runners;
    constexpr int endless = 1 << 20;
    for (const auto& kind : racing) runners.push_back(start(kind, endless));
    go();
    const int rounds = is_proving() ? 300 : 6;
    for (int round = 0; round < rounds; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 150));
        const std::size_t victim = random() % runners.size();
        kill(runners[victim]);
        runners.erase(runners.begin() + static_cast<std::ptrdiff_t>(victim));
        runners.push_back(start(racing[random() % racing.size()], endless));
    }
    for (auto& runner : runners) kill(runner);
    EXPECT_EQ(problems(), "");
    expect_a_whole_restore();
}

} // namespace
} // namespace ntdsb::service
