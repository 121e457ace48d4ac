// abandon, end-session and history (contract REC-10, REC-11).
#include "tools_fixture.h"

#include "../service/roles.h"
#include "service/history.h"
#include "support/child_process.h"

namespace ntdsb::tools {
namespace {

using service::RecordState;

TEST_F(Ntdsbctl, AbandonUnblocksADirectoryThatVerifies) { // REC-10
    { ASSERT_TRUE(directory.enter()); }
    EXPECT_EQ(json({"abandon", "--yes"}, exit_ok)["abandoned"], true);
    EXPECT_EQ(directory.recorded(), std::nullopt);
    EXPECT_EQ(directory.start_blocked(), S_OK);
    const auto events = json({"history"}, exit_ok)["events"];
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1]["event"], "abandoned");
    expect_says(run({"history"}).out, "abandoned by pid ");
}

TEST_F(Ntdsbctl, AbandonAsks) {
    { ASSERT_TRUE(directory.enter()); }
    answer = "no\n";
    EXPECT_EQ(run({"abandon"}).status, exit_no);
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    answer = "";
    expect_says(run({"abandon"}).err, "--yes");
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    answer = "y\n";
    EXPECT_EQ(run({"abandon"}).status, exit_ok);
    EXPECT_EQ(directory.recorded(), std::nullopt);
}

TEST_F(Ntdsbctl, AbandonRefusesUnsoundFilesUnlessForced) {
    EXPECT_TRUE(directory.enter().value().record_failure(hrLogFileCorrupt));
    directory.made().damaged_page(4).write(directory.database());
    const auto refused = json({"abandon", "--yes"}, exit_no);
    EXPECT_EQ(refused["error"], "hrReadVerifyFailure");
    EXPECT_EQ(refused["findings"].size(), 1u);
    EXPECT_EQ(directory.recorded(), RecordState::failed);
    expect_says(run({"abandon", "--yes"}).err, "--force");
    EXPECT_EQ(run({"abandon", "--yes", "--force"}).status, exit_ok);
    EXPECT_EQ(directory.start_blocked(), S_OK);
}

TEST_F(Ntdsbctl, AbandonRefusesUnderALiveSessionAndNamesIt) {
    const auto registration = directory.enter();
    const auto refused = run({"abandon", "--yes", "--force"});
    EXPECT_EQ(refused.status, exit_no);
    expect_says(refused.err, text("pid ", platform::process_id()));
    EXPECT_EQ(directory.recorded(), RecordState::registered);
}

TEST_F(Ntdsbctl, AbandonKeepsAnUnreadableRecordAside) { // REC-8
    { ASSERT_TRUE(directory.enter()); }
    test::flip_bit(directory.record_file(), 20);
    EXPECT_EQ(run({"abandon", "--yes"}).status, exit_ok);
    EXPECT_EQ(directory.start_blocked(), S_OK);
    bool kept = false;
    const auto entries = platform::list_folder(directory.state()).value();
    for (const auto& entry : entries)
        kept = kept || utf8(entry.name).starts_with("registration.unreadable-");
    EXPECT_TRUE(kept);
}

std::optional<platform::DiskOperation> last_change;

// What is said to be done stays done: the folder is flushed after the last change in it.
TEST_F(Ntdsbctl, AbandonIsDurable) {
    const auto abandon = [&] {
        last_change.reset();
        platform::set_disk_hook([](platform::DiskOperation operation, const platform::Path& path) {
            if (path.extension() != ".lock" && path.extension() != ".holder" &&
                path.extension() != ".log") // REC-11: nothing is decided by the history
                last_change = operation;
            return Code{0};
        });
        EXPECT_EQ(run({"abandon", "--yes"}).status, exit_ok);
        platform::set_disk_hook(nullptr);
        EXPECT_EQ(last_change, platform::DiskOperation::flush_folder);
    };
    { ASSERT_TRUE(directory.enter()); }
    abandon();
    { ASSERT_TRUE(directory.enter()); }
    test::flip_bit(directory.record_file(), 20);
    abandon();
}

// A tool has copied every log under its number, and died: recovery refuses such a stream.
TEST_F(Ntdsbctl, AbandonPlacesTheNewestLogAsTheCurrentOne) { // VER-7
    directory.use_logs();
    for (const auto& log : std::filesystem::directory_iterator(directory.backup()))
        std::filesystem::copy(log.path(), directory.ntds() / log.path().filename());
    { ASSERT_TRUE(directory.enter()); }
    answer = "n\n";
    EXPECT_EQ(run({"abandon"}).status, exit_no);
    EXPECT_FALSE(std::filesystem::exists(directory.ntds() / "edb.log")) << "before it was wanted";
    EXPECT_EQ(json({"abandon", "--yes"}, exit_ok)["abandoned"], true);
    EXPECT_EQ(test::read_file(directory.ntds() / "edb.log"),
              test::read_file(directory.backup() / "edb00005.log"));
    EXPECT_FALSE(std::filesystem::exists(directory.ntds() / "edb00005.log"));
    EXPECT_EQ(directory.start_blocked(), S_OK);
}

struct FlushOfTheDatabase {
    const service::RestoreDirectory* directory = nullptr;
    Code outcome = 0;
    int times = 0;
    bool is_blocked = false;
    Code entered = 0;
};
FlushOfTheDatabase flush_of_the_database;

// It may be in the system's memory alone, while the record is gone for good.
TEST_F(Ntdsbctl, AbandonFlushesTheFilesBeforeTheRecordGoes) { // VER-9
    const auto abandon = [&](Code outcome) {
        flush_of_the_database = {&directory, outcome};
        platform::set_disk_hook([](platform::DiskOperation operation, const platform::Path& path) {
            auto& flush = flush_of_the_database;
            if (operation != platform::DiskOperation::flush || path.extension() != ".dit")
                return Code{0};
            ++flush.times;
            flush.is_blocked = flush.directory->start_blocked() == hrRestoreInProgress;
            flush.entered = code_of(flush.directory->enter());
            return flush.outcome;
        });
        auto printed = run({"abandon", "--yes"});
        platform::set_disk_hook(nullptr);
        EXPECT_EQ(flush_of_the_database.times, 1);
        EXPECT_TRUE(flush_of_the_database.is_blocked);
        EXPECT_EQ(flush_of_the_database.entered, hrRestoreInProgress) << "nobody comes between";
        return printed;
    };
    { ASSERT_TRUE(directory.enter()); }
    const auto failed = abandon(ERROR_DISK_FULL);
    EXPECT_EQ(failed.status, exit_failed);
    expect_says(failed.err, "stays blocked");
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    EXPECT_FALSE(directory.session_alive());
    EXPECT_EQ(abandon(0).status, exit_ok);
    EXPECT_EQ(directory.recorded(), std::nullopt);
}

TEST_F(Ntdsbctl, AbandonOfNothingSaysSo) {
    const auto answered = json({"abandon", "--yes"}, exit_no);
    EXPECT_EQ(answered["abandoned"], false);
    expect_says(answered["what"].get<std::string>(), "no restore keeps the directory");
    EXPECT_TRUE(directory.enter().value().complete());
    EXPECT_EQ(json({"abandon", "--yes"}, exit_no)["abandoned"], false)
        << "completed blocks nothing";
    EXPECT_EQ(directory.recorded(), RecordState::completed);
}

TEST_F(Ntdsbctl, EndSessionEndsTheProcessAndLeavesTheDirectoryBlocked) {
    const auto go = directory.root() / "go", signal = directory.root() / "taken";
    service::signal_by_file(go);
    test::ChildProcess child(
        {"take-restore", directory.root().string(), go.string(), signal.string()});
    service::wait_until([&] { return std::filesystem::exists(signal); });
    answer = "n\n";
    EXPECT_EQ(run({"end-session"}).status, exit_no);
    EXPECT_TRUE(directory.session_alive());
    answer = "y\n";
    const auto ended = run({"end-session"});
    EXPECT_EQ(ended.status, exit_ok) << ended.all();
    EXPECT_FALSE(directory.session_alive());
    EXPECT_EQ(directory.start_blocked(), hrRestoreInProgress);
    const auto events = json({"history"}, exit_ok)["events"];
    EXPECT_EQ(events.back()["event"], "session-ended");
}

// What was asked about is over by the answer: neither the process that lives on is ended, nor one
// that has registered since.
TEST_F(Ntdsbctl, EndSessionEndsNobodyOnceTheSessionIsOver) {
    const auto root = directory.root();
    const auto go = root / "go", go_too = root / "go-too", taken = root / "taken";
    test::ChildProcess child({"give-up-restore", root.string(), go.string(), taken.string()});
    test::ChildProcess other({"take-restore", root.string(), go_too.string(), taken.string()});
    const auto begin = [&](const platform::Path& one) {
        std::filesystem::remove(taken);
        service::signal_by_file(one);
        service::wait_until([&] { return std::filesystem::exists(taken); });
    };
    begin(go);
    answer = "y\n";
    meanwhile = [&] {
        service::signal_by_file(root / "give-up");
        service::wait_until([&] { return !directory.session_alive(); });
    };
    const auto over = run({"end-session", "--json"});
    EXPECT_EQ(over.status, exit_no) << over.all();
    EXPECT_EQ(over.json().value("ended", true), false);
    expect_says(over.out, "ended meanwhile");

    std::filesystem::remove(root / "give-up");
    std::filesystem::remove(go);
    test::ChildProcess again({"give-up-restore", root.string(), go.string(), taken.string()});
    begin(go);
    meanwhile = [&] {
        service::signal_by_file(root / "give-up");
        service::wait_until([&] { return !directory.session_alive(); });
        begin(go_too);
    };
    const auto another = run({"end-session"});
    EXPECT_EQ(another.status, exit_no) << another.all();
    expect_says(another.out, "ended meanwhile");
    EXPECT_TRUE(directory.session_alive());

    service::signal_by_file(root / "end");
    for (auto* one : {&child, &again, &other})
        EXPECT_EQ(one->wait(), service::role_won) << "it was let alone";
}

TEST_F(Ntdsbctl, EndSessionOfNothingSaysSo) {
    EXPECT_EQ(json({"end-session", "--yes"}, exit_no)["ended"], false);
}

TEST_F(Ntdsbctl, EndSessionDoesNotEndItself) {
    const auto registration = directory.enter();
    expect_says(run({"end-session", "--yes"}).err, "this one");
}

// What the lock's holder line says is not believed blindly.
TEST_F(Ntdsbctl, EndSessionEndsNoProcessThatItCannotName) {
    const auto instance = directory.instance();
    for (const std::string holder :
         {"somebody", "pid x on here", "pid 0 on localhost", "pid 1 on another-computer.example"}) {
        const auto lock = platform::try_lock(instance->state_file("restore.lock"), holder).value();
        ASSERT_TRUE(lock);
        EXPECT_EQ(run({"end-session", "--yes"}).status, exit_no) << holder;
        EXPECT_TRUE(directory.session_alive());
    }
}

TEST_F(Ntdsbctl, HistoryShowsADamagedLineAsItIs) {
    { ASSERT_TRUE(directory.enter()); }
    std::ofstream(directory.state() / "history.log", std::ios::app) << "{\"torn";
    const auto events = json({"history"}, exit_ok)["events"];
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1]["damaged"], "{\"torn");
    expect_says(run({"history"}).out, "cannot be read");
    { ASSERT_TRUE(directory.enter()); }
    EXPECT_EQ(json({"history"}, exit_ok)["events"].back()["event"], "registered")
        << "the next line is whole";
}

// A damaged record's holder may be any octets.
TEST_F(Ntdsbctl, HistoryIsUtf8AndJsonWhateverARecordSays) { // REC-11
    service::RegistrationRecord record;
    for (int octet = 1; octet < 256; ++octet) record.holder += static_cast<char>(octet);
    record.holder += "\xed\xa0\x80\xc3"; // a surrogate, the first half of a letter
    service::add_to_history(*directory.instance(), service::HistoryEvent::registered, &record);
    std::ifstream file(directory.state() / "history.log", std::ios::binary);
    std::string line;
    ASSERT_TRUE(std::getline(file, line));
    const auto parsed = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << line;
    const auto holder = parsed["registered_by"].get<std::string>();
    EXPECT_NE(holder.find("ABC"), std::string::npos);
    EXPECT_NE(holder.find("\xef\xbf\xbd"), std::string::npos) << "U+FFFD";
    EXPECT_EQ(json({"history"}, exit_ok)["events"][0]["registered_by"], holder);
}

TEST_F(Ntdsbctl, LongHistoryMovesToASecondFile) {
    { ASSERT_TRUE(directory.enter()); }
    std::ofstream(directory.state() / "history.log", std::ios::app)
        << std::string(std::size_t{1} << 20, ' ') << '\n';
    EXPECT_TRUE(directory.enter().value().complete());
    EXPECT_TRUE(std::filesystem::exists(directory.state() / "history.1.log"));
    const auto events = json({"history"}, exit_ok)["events"];
    EXPECT_EQ(events.front()["event"], "registered");
    EXPECT_EQ(events.back()["event"], "completed");
}

} // namespace
} // namespace ntdsb::tools
