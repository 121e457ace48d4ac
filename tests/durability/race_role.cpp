// See races.h. Who has a place says so by a file in ROOT/held from after it was taken to before it
// is given up: two such files at one time are two holders at one time. Files of a killed process
// stay; its killer names it in ROOT/killed before.
#include "races.h"

#include "restore_directory.h"

#include <chrono>
#include <fstream>
#include <random>
#include <set>
#include <thread>

namespace ntdsb::service {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Which places two may not have at once (contract REG-6..8, BPREP-3..6, BTRUNC-2). A snapshot's
// backup and a truncation exclude neither a running directory nor each other.
bool exclude_each_other(const std::string& a, const std::string& b) {
    static const std::set<std::pair<std::string, std::string>> pairs{
        {"start", "start"},       {"start", "register"}, {"start", "live"},
        {"register", "register"}, {"register", "live"},  {"register", "truncate"},
        {"live", "live"},         {"live", "snapshot"},  {"snapshot", "snapshot"},
        {"truncate", "truncate"},
    };
    return pairs.contains({a, b}) || pairs.contains({b, a});
}

class Racer {
public:
    Racer(const fs::path& root, std::string id, std::string kind)
        : directory_(root), root_(root), id_(std::move(id)), kind_(std::move(kind)),
          random_(std::random_device{}()) {
        directory_.with_logs = true;
        instance_ = directory_.instance();
    }

    void run(int tries) {
        while (!fs::exists(root_ / "go")) std::this_thread::sleep_for(1ms);
        for (int i = 0; i < tries; ++i) {
            judge(attempt());
            std::this_thread::sleep_for(std::chrono::microseconds(random_() % 2000));
        }
        std::ofstream(root_ / text("wins.", kind_, ".", id_)) << wins_;
    }
    bool has_problems() const { return has_problems_; }

private:
    Code attempt() {
        if (kind_ == "start") return start();
        if (kind_ == "register") return restore();
        if (kind_ == "live") return back_up(BackupSource::live);
        if (kind_ == "snapshot") return back_up(BackupSource::snapshot);
        return code_of(with_no_restore(*instance_, [this]() -> Result<void> {
            expect_record({RecordState::started});
            hold();
            return ok();
        }));
    }

    Code start() {
        const auto engine = start_directory(*instance_);
        if (!engine) return engine.error().code;
        expect_record({RecordState::started});
        hold();
        return S_OK;
    }

    Code back_up(BackupSource source) {
        const auto claim = BackupClaim::enter(*instance_, source);
        if (!claim) return claim.error().code;
        hold();
        return S_OK;
    }

    // Most restores complete and are started; some fail, and some are left.
    Code restore() {
        Client client(directory_);
        const auto session = client.prepared();
        const Code entered = client.register_whole(session);
        if (entered != S_OK) return entered;
        expect_record({RecordState::registered});
        hold();
        const auto end = random_() % 8;
        if (end == 0) return client.end(session);
        const Code completed = client.complete(session, end == 1 ? failed_restore : S_OK);
        if (completed == S_OK && end != 1) static_cast<void>(start_directory(*instance_));
        return completed;
    }

    // No record is as good as a started one.
    void expect_record(const std::vector<RecordState>& states) {
        const auto record = load_record(*instance_);
        if (!record) return note(record.error().what);
        const auto state = record.value() ? record.value()->state : RecordState::started;
        if (std::find(states.begin(), states.end(), state) == states.end())
            note(text(kind_, " found the record in state ", static_cast<std::uint32_t>(state)));
    }

    void hold() {
        ++wins_;
        const auto own = root_ / "held" / text(kind_, ".", id_);
        std::ofstream{own};
        for (const auto& entry : fs::directory_iterator(root_ / "held")) {
            const auto name = entry.path().filename().string();
            const auto dot = name.find('.');
            if (entry.path() == own || !exclude_each_other(kind_, name.substr(0, dot))) continue;
            if (fs::exists(root_ / "killed" / name.substr(dot + 1))) continue;
            note(text(kind_, " of ", id_, " and ", name, " at one time"));
        }
        if (random_() % 4 == 0)
            std::this_thread::sleep_for(std::chrono::microseconds(random_() % 3000));
        fs::remove(own);
    }

    void judge(Code code) {
        const bool is_answer = code == S_OK || code == hrRestoreInProgress ||
                               code == hrDatabaseInUse || code == hrBackupInProgress ||
                               code == hrBackupNotAllowedYet;
        if (!is_answer) note(text(kind_, " of ", id_, " gave ", hex(code)));
    }

    void note(const std::string& problem) {
        has_problems_ = true;
        std::ofstream(root_ / text("problems.", id_), std::ios::app) << problem << "\n";
    }

    RestoreDirectory directory_;
    fs::path root_;
    std::string id_, kind_;
    std::mt19937 random_;
    InstancePtr instance_;
    unsigned wins_ = 0;
    bool has_problems_ = false;
};

// Up to ten hours ahead or back, another time at each look; tokens bear a day (PREP-5).
std::uint64_t jumping_clock() {
    constexpr std::uint64_t most = std::uint64_t{10} * 3600 * 10'000'000;
    thread_local std::mt19937_64 random(std::random_device{}());
    return platform::system_filetime() + random() % (2 * most) - most;
}

} // namespace

int race(const std::vector<std::string>& words) {
    const fs::path root(words.at(1));
    if (words.size() > 5) platform::set_clock(jumping_clock);
    std::vector<std::unique_ptr<Racer>> racers;
    std::vector<std::thread> threads;
    const std::string& kinds = words.at(3);
    for (std::size_t at = 0; at < kinds.size();) {
        const auto end = std::min(kinds.find('+', at), kinds.size());
        racers.push_back(std::make_unique<Racer>(root, text(words.at(2), "-", racers.size()),
                                                 kinds.substr(at, end - at)));
        at = end + 1;
    }
    for (const auto& racer : racers)
        threads.emplace_back([&] { racer->run(std::stoi(words.at(4))); });
    for (auto& thread : threads) thread.join();
    return std::any_of(racers.begin(), racers.end(),
                       [](const auto& racer) { return racer->has_problems(); });
}

} // namespace ntdsb::service
