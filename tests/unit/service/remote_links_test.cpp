// A remote caller's restore while somebody on the service's computer puts links in the place of its
// files and folders (contract ACC-4): at each step of Register and Complete, and all the time. Under
// Wine, where each takes long, at some of the steps.
#include "restore_directory.h"

#include "support/links.h"

#include <cstring>
#include <map>
#include <set>

#ifndef _WIN32
#include <atomic>
#include <thread>

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>
#endif

namespace ntdsb::service {
namespace {

namespace fs = std::filesystem;

using Files = std::map<std::string, test::Bytes>;

// What is there below `folder`, links aside.
Files files_below(const fs::path& folder) {
    Files files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const auto name = entry.path().lexically_relative(folder).generic_string();
        if (entry.is_directory()) files[name + '/'];
        if (!entry.is_symlink() && entry.is_regular_file())
            files[name] = test::read_file(entry.path());
    }
    return files;
}

#ifndef _WIN32
// Whether anything in a tree was opened, made, changed or removed since this was made.
class Watch {
public:
    explicit Watch(const fs::path& folder) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
        watch(folder);
        for (const auto& entry : fs::recursive_directory_iterator(folder))
            if (entry.is_directory()) watch(entry.path());
        static_cast<void>(take_first()); // of the walk itself
    }
    ~Watch() { ::close(events_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // What came first, empty for nothing; all of it is forgotten.
    std::string take_first() {
        alignas(inotify_event) char buffer[4096];
        std::string first;
        while (::read(events_, buffer, sizeof buffer) > 0) {
            const auto& event = *reinterpret_cast<const inotify_event*>(buffer);
            if (first.empty())
                first = text("inotify event ", hex(std::uint64_t{event.mask}), " of ",
                             event.len == 0 ? "a folder" : event.name);
        }
        return first;
    }

private:
    void watch(const fs::path& folder) const {
        if (::inotify_add_watch(events_, folder.c_str(), IN_ALL_EVENTS) < 0)
            throw std::runtime_error("cannot watch " + folder.string());
    }
    int events_;
};
#endif

enum class Logs { in_backup, in_place };

// A whole restore: logs and a second database below a root, one log in the log path already, or all
// of them. Beside it, outside of the roots, a tree of the same names and of files that are nothing.
class LinkedRestore {
public:
    explicit LinkedRestore(Logs given = Logs::in_backup) : given_(given) {
        directory.use_logs();
        directory.config.service.restore_roots = {wire_path(directory.backup())};
        fs::create_directories(logs());
        fs::create_directories(second().parent_path());
        chain().current().write(logs());
        chain().to(given == Logs::in_place ? 5 : 3).write(directory.ntds());
        fs::copy_file(directory.database(), second());
        test::EseCheckpoint{directory.signature}.generation(3).write(directory.ntds() / "edb.chk");
        for (const char* log : {"edb.log", "edb00004.log", "edb00005.log"}) // of an earlier run
            test::write_file(directory.ntds() / text("ntdsb-restore-", log, ".unfinished"), {});
        for (const auto& [name, bytes] : files_below(directory.root())) {
            const auto twin = outside() / name;
            if (name.starts_with("states")) continue;
            fs::create_directories(twin.parent_path());
            if (!name.ends_with('/'))
                test::write_file(twin, test::Bytes(bytes.size(), std::byte{'o'}));
        }
        before_ = files_below(outside());
#ifndef _WIN32
        watch_.emplace(outside());
#endif
    }

    test::LogChain chain() const { return test::LogChain{directory.signature}.from(3).to(5); }

    fs::path logs() const { return directory.backup() / "monday" / "logs"; }
    fs::path log(std::uint32_t generation) const { return logs() / test::EseLog::name(generation); }
    fs::path second() const { return directory.backup() / "monday" / "second" / "second.dit"; }
    fs::path outside() const { return directory.root() / "outside"; }
    fs::path aside() const { return directory.root() / "aside"; }

    wire::RestoreRegister::Request request(const wire::ContextHandle& session) const {
        auto request = directory.request();
        request.session = session;
        request.backup_log_path = given_ == Logs::in_place ? request.log_path : wire_path(logs());
        request.map.push_back({wire_path(second()), wire_path(second())});
        return request;
    }
    Code restore(Caller caller = remote_caller()) const {
        Client client(directory, std::move(caller));
        const auto asked = request(client.prepared());
        const Code registered = client.call<wire::RestoreRegister>(asked).status;
        return registered == S_OK ? client.complete(asked.session, S_OK) : registered;
    }
    // The logs of `folder` are those of the chain, whole; nothing of another's.
    void expect_own_logs(const fs::path& folder) const {
        Files own{{"edb.log", chain().log(5).bytes()}};
        for (std::uint32_t generation = 3; generation <= 5; ++generation)
            own[test::EseLog::name(generation)] = chain().log(generation).bytes();
        for (const auto& [name, bytes] : files_below(folder)) {
            if (name.ends_with(".log")) {
                EXPECT_EQ(bytes, own.at(name)) << name;
            }
        }
    }
    void expect_nothing_outside_touched() {
#ifndef _WIN32
        EXPECT_EQ(watch_->take_first(), "");
#endif
        EXPECT_EQ(files_below(outside()), before_);
    }

    RestoreDirectory directory;

private:
    Logs given_;
    Files before_;
#ifndef _WIN32
    std::optional<Watch> watch_;
#endif
};

// --- A link that is made at one step

// What the hooks do: as something at or below the component is about to be reached, it becomes a
// link. An exchange between two of these steps is one at the second of them.
struct Exchange {
    fs::path component, aside, target;
    int steps_left = -1; // below 0: never
    int steps = 0;
    std::optional<test::Link> link{};

    void step(const platform::Path& path) {
        if (!path_is_within(wire_path(path), wire_path(component))) return;
        ++steps;
        if (steps_left-- != 0) return;
        std::error_code refused; // Windows keeps what is open from being renamed
        fs::rename(component, aside, refused);
        if (!refused) link.emplace(target, component);
    }
};
Exchange* exchange = nullptr;
Code at_read(platform::ReadOperation, const platform::Path& path, std::uint64_t) {
    exchange->step(path);
    return 0;
}
Code at_change(platform::DiskOperation, const platform::Path& path) {
    exchange->step(path);
    return 0;
}
class Hooks {
public:
    explicit Hooks(Exchange& made) {
        exchange = &made;
        platform::set_read_hook(at_read);
        platform::set_disk_hook(at_change);
    }
    ~Hooks() {
        platform::set_read_hook(nullptr);
        platform::set_disk_hook(nullptr);
    }
    Hooks(const Hooks&) = delete;
    Hooks& operator=(const Hooks&) = delete;
};

enum class During { registration, completion };

struct Outcome {
    Code code = 0;
    int steps = 0; // of the call
    bool linked = false;
};

// A restore in which `component` becomes a link at the step of this number of one call.
Outcome restore_with_link(const char* component, During during, Logs given, int step) {
    LinkedRestore restore(given);
    const auto place = restore.directory.root() / component;
    Exchange made{place, restore.aside(), restore.outside() / component};
    made.steps_left = step;
    Outcome outcome;
    bool is_registered = false;
    {
        Client client(restore.directory, remote_caller());
        const auto asked = restore.request(client.prepared());
        std::optional<Hooks> hooks;
        if (during == During::registration) hooks.emplace(made);
        outcome.code = client.call<wire::RestoreRegister>(asked).status;
        is_registered = outcome.code == S_OK;
        hooks.reset();
        if (during == During::completion) hooks.emplace(made);
        if (is_registered) outcome.code = client.complete(asked.session, S_OK);
    }
    outcome.steps = made.steps;
    outcome.linked = made.link && *made.link;
    made.link.reset();
    const bool whole = place == restore.directory.ntds() && outcome.linked;
    restore.expect_own_logs(whole ? restore.aside() : restore.directory.ntds());
    restore.expect_nothing_outside_touched();
    const bool is_blocked = is_registered && outcome.code != S_OK;
    EXPECT_EQ(restore.directory.start_blocked(), is_blocked ? hrRestoreInProgress : S_OK);
    return outcome;
}

struct LinkAt {
    const char* name;
    const char* component;
    During during;
    Logs given = Logs::in_backup;
};
void PrintTo(const LinkAt& link, std::ostream* out) { *out << link.name; }

class RemoteLinks : public testing::TestWithParam<LinkAt> {};

TEST_P(RemoteLinks, MadeAtAnyStepLeadNowhere_ACC4) {
    const auto& [name, component, during, given] = GetParam();
    const Outcome without = restore_with_link(component, during, given, -1);
    ASSERT_EQ(without.code, S_OK);
    ASSERT_GT(without.steps, 0);
    RecordProperty("steps", without.steps);
    int linked = 0;
    int denied = 0;
#ifdef _WIN32
    const int stride = 1 + without.steps / 4;
#else
    const int stride = 1;
#endif
    for (int step = 0; step < without.steps; step += stride) {
        const Outcome outcome = restore_with_link(component, during, given, step);
        EXPECT_TRUE(outcome.code == S_OK || outcome.code == ERROR_ACCESS_DENIED)
            << "step " << step << " of " << without.steps << ": " << outcome.code;
        linked += outcome.linked ? 1 : 0;
        denied += outcome.linked && outcome.code == ERROR_ACCESS_DENIED ? 1 : 0;
        if (HasFailure()) break;
    }
    if (linked == 0) GTEST_SKIP() << "this system makes no links";
    EXPECT_GT(denied, 0);
}

constexpr LinkAt links_at[] = {
    {"RegisterWay", "backup/monday", During::registration},
    {"RegisterLogs", "backup/monday/logs", During::registration},
    {"RegisterSecond", "backup/monday/second", During::registration},
    {"RegisterSecondFile", "backup/monday/second/second.dit", During::registration},
    {"CompleteWay", "backup/monday", During::completion},
    {"CompleteLogs", "backup/monday/logs", During::completion},
    {"CompleteLog", "backup/monday/logs/edb00004.log", During::completion},
    {"CompleteLastLog", "backup/monday/logs/edb.log", During::completion},
    {"CompleteSecond", "backup/monday/second", During::completion},
    {"CompleteSecondFile", "backup/monday/second/second.dit", During::completion},
    {"CompleteLogPath", "ntds", During::completion},
    {"CompleteLogPathInPlace", "ntds", During::completion, Logs::in_place},
    {"CompleteDatabase", "ntds/ntds.dit", During::completion},
    {"CompleteCheckpoint", "ntds/edb.chk", During::completion},
    {"CompletePlacedLog", "ntds/edb00003.log", During::completion},
};
INSTANTIATE_TEST_SUITE_P(Steps, RemoteLinks, testing::ValuesIn(links_at),
                         [](const auto& link) { return std::string(link.param.name); });

// --- Links that are there from the start, and other ways

class RemoteLinkTest : public testing::Test {
protected:
    LinkedRestore restore;
};

// What became of the caller's name for the log path is of no account.
TEST_F(RemoteLinkTest, LogPathNamedThroughALinkStaysTheDirectorysOwn_ACC4) {
    const auto name = restore.directory.backup() / "name";
    Client client(restore.directory, remote_caller());
    auto asked = restore.request(client.prepared());
    asked.log_path = asked.checkpoint_path = wire_path(name);
    std::optional<test::Link> link(std::in_place, restore.directory.ntds(), name);
    if (!*link) GTEST_SKIP() << "this system makes no links";
    ASSERT_EQ(client.call<wire::RestoreRegister>(asked).status, S_OK);
    link.reset();
    link.emplace(restore.outside() / "ntds", name);
    EXPECT_EQ(client.complete(asked.session, S_OK), S_OK);
    restore.expect_nothing_outside_touched();
    EXPECT_TRUE(fs::exists(restore.directory.ntds() / "edb.log"));
}

TEST_F(RemoteLinkTest, LinkInALogsPlaceIsForLocalCallersAlone_ACC4) {
    fs::rename(restore.log(4), restore.aside());
    const test::Link link(restore.aside(), restore.log(4));
    if (!link) GTEST_SKIP() << "this system makes no links";
    EXPECT_EQ(restore.restore(), ERROR_ACCESS_DENIED);
    EXPECT_EQ(restore.restore(Caller::local()), S_OK);
    restore.expect_own_logs(restore.directory.ntds());
}

// Whoever gives a file another name need not be one who may read it.
TEST_F(RemoteLinkTest, LogWithASecondNameIsNotCopied_ACC4) {
    fs::create_hard_link(restore.log(4), restore.outside() / "second name");
    EXPECT_EQ(restore.restore(), ERROR_ACCESS_DENIED);
    EXPECT_FALSE(fs::exists(restore.directory.ntds() / test::EseLog::name(4)));
    EXPECT_EQ(restore.restore(Caller::local()), S_OK);
}

TEST_F(RemoteLinkTest, LinksInConfiguredPathsAreTheAdministrators_ACC4) {
    const auto name = restore.directory.root() / "configured";
    const test::Link link(restore.directory.ntds(), name);
    if (!link) GTEST_SKIP() << "this system makes no links";
    auto& configured = restore.directory.config.directory;
    configured.database = wire_path(name / "ntds.dit");
    configured.log_path = configured.checkpoint_path = wire_path(name);
    EXPECT_EQ(restore.restore(), S_OK);
    EXPECT_TRUE(fs::exists(restore.directory.ntds() / "edb.log"));
}

#ifndef _WIN32

// Component and link change places all the time, with no moment between.
class RacedRemoteLinks : public testing::TestWithParam<const char*> {};

TEST_P(RacedRemoteLinks, LeadNowhereAtAnyMoment_ACC4) {
    LinkedRestore restore;
    const auto component = restore.directory.root() / GetParam();
    const auto other = restore.directory.root() / "link";
    const test::Link link(restore.outside() / GetParam(), other);
    std::atomic<bool> ended{false};
    std::thread exchanger([&] {
        while (!ended) {
            ::renameat2(AT_FDCWD, component.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
            std::this_thread::yield();
        }
    });
    std::set<Code> codes;
    for (int i = 0; i < 100; ++i) codes.insert(restore.restore());
    ended = true;
    exchanger.join();
    if (fs::is_symlink(component))
        ::renameat2(AT_FDCWD, component.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
    codes.erase(S_OK);
    EXPECT_EQ(codes, std::set<Code>{ERROR_ACCESS_DENIED});
    restore.expect_own_logs(restore.directory.ntds());
    restore.expect_nothing_outside_touched();
}

INSTANTIATE_TEST_SUITE_P(Components, RacedRemoteLinks,
                         testing::Values("backup/monday", "backup/monday/logs",
                                         "backup/monday/logs/edb.log"),
                         [](const auto& component) {
                             auto name = fs::path(component.param).stem().string();
                             return name;
                         });

#endif

} // namespace
} // namespace ntdsb::service
