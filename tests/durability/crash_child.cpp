// See crash_child.h.
#include "crash_child.h"

#include "platform/domain_controller.h"
#include "scenarios.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <set>

#ifdef _WIN32
#include <windows.h>
#else
#include "failing_calls.h"

#include <csignal>
#include <unistd.h>
#endif

namespace ntdsb::service {

namespace {

enum class Mode { kill, tear, once, from };

struct Fault {
    Mode mode = Mode::kill;
    int steps_left = 0;
    Code code = 0;
    bool was_reached = false;
};
Fault fault;

[[noreturn]] void stop_this_process() {
#ifdef _WIN32
    TerminateProcess(GetCurrentProcess(), static_cast<UINT>(run_killed));
#else
    ::kill(::getpid(), SIGKILL);
#endif
    for (;;) {
    }
}

std::set<platform::Path> unflushed; // what this process wrote

// Half of what is not flushed yet has not come to the disk.
void lose_half(platform::DiskOperation operation, const platform::Path& path) {
    if (operation != platform::DiskOperation::flush || !unflushed.contains(path)) return;
    std::error_code ignored;
    std::filesystem::resize_file(path, std::filesystem::file_size(path, ignored) / 2, ignored);
}

Code step(platform::DiskOperation operation, const platform::Path& path) {
    if (operation == platform::DiskOperation::write) unflushed.insert(path);
    if (fault.steps_left-- > 0) {
        if (operation == platform::DiskOperation::flush) unflushed.erase(path);
        return 0;
    }
    if (fault.mode == Mode::tear) lose_half(operation, path);
    if (fault.mode == Mode::kill || fault.mode == Mode::tear) stop_this_process();
    if (fault.mode == Mode::once && fault.was_reached) return 0;
    fault.was_reached = true;
    return fault.code;
}

Code read_step(platform::ReadOperation, const platform::Path& path, std::uint64_t) {
    return step(platform::DiskOperation::create, path); // neither flushes
}

Mode mode_of(const std::string& word) {
    if (word == "tear") return Mode::tear;
    if (word.ends_with("once")) return Mode::once;
    return word.ends_with("from") ? Mode::from : Mode::kill;
}

// The fault comes from now on, by the seam that the mode names.
void begin_fault(const std::string& mode, [[maybe_unused]] const RestoreDirectory& directory) {
#ifndef _WIN32
    if (mode.starts_with("call-"))
        return fail_call(directory.root().c_str(), fault.steps_left, static_cast<int>(fault.code),
                         fault.mode == Mode::from);
#endif
    if (mode.starts_with("read-"))
        platform::set_read_hook(read_step);
    else
        platform::set_disk_hook(step);
}

void end_fault() {
    platform::set_disk_hook(nullptr);
    platform::set_read_hook(nullptr);
#ifndef _WIN32
    if (stop_failing_calls() != 0) fault.was_reached = true;
#endif
}

// What a fresh process finds wrong.
class Look {
public:
    Look(RestoreDirectory& directory, const Scenario& scenario, std::string mode, int outcome)
        : directory_(directory), scenario_(scenario), mode_(std::move(mode)), outcome_(outcome) {}

    std::string problems() {
        check_record();
        if (std::filesystem::exists(directory_.state())) check_gate();
        note(scenario_.check(directory_));
        check_a_new_restore();
        return problems_;
    }
    const std::string& found() const { return found_; }

private:
    void note(const std::string& problem) {
        if (!problem.empty()) problems_ += problem + "\n";
    }
    void expect(bool holds, const std::string& problem) {
        if (!holds) note(problem);
    }

    void check_record() {
        found_ = state_word(directory_);
        const std::string before = scenario_.before, after = scenario_.after;
        const std::string told = text("the record says ", found_);
        if (outcome_ == run_succeeded) return expect(found_ == after, told);
        // A failure that is reported changed nothing, but that a new record may stay where an
        // unreadable one was: both block. What was to be abandoned may be gone.
        const bool undone = outcome_ == run_failed && mode_.ends_with("once") &&
                            before != "unreadable" && !(after == "none" && before != after);
        expect(found_ == before || (!undone && found_ == after), told);
    }

    // Startable by the record found, and then with all that recovery needs.
    void check_gate() {
        const auto status = interlock_status(*directory_.instance());
        if (!status) return note(status.error().what);
        const auto& facts = status.value();
        expect(!facts.restore_session_alive && !facts.engine_running && !facts.backup,
               "a dead process holds a lock");
        const bool may_start = found_ == "none" || found_ == "completed" || found_ == "started";
        expect(facts.start_blocked.has_value() != may_start,
               text("after ", found_, " the directory is ",
                    facts.start_blocked ? facts.start_blocked->what : std::string("startable")));
        if (found_ == "completed" || found_ == "started") note(recovery_fault(directory_));
    }

    void check_a_new_restore() {
        Client client(directory_);
        const auto session = client.prepared();
        const auto expect_code = [&](Code code, const char* what) {
            expect(code == S_OK, text(what, " gives ", hex(code)));
        };
        expect_code(client.register_whole(session), "a new Register");
        expect(directory_.start_blocked() == hrRestoreInProgress, "it does not block the start");
        expect_code(client.complete(session, S_OK), "its Complete");
        note(recovery_fault(directory_));
        expect_code(code_of(start_directory(*directory_.instance())), "the start");
        expect(state_word(directory_) == "started", "it is not recorded as started");
        expect(!platform::restore_mirror_exists().value(), "the mirror is still there");
    }

    RestoreDirectory& directory_;
    const Scenario& scenario_;
    std::string mode_;
    int outcome_;
    std::string found_, problems_;
};

void use_all(RestoreDirectory& directory) {
    directory.with_logs = true;
    directory.config.directory.registry_mirror = platform::has_registry();
}

} // namespace

int crash_run(const std::vector<std::string>& words) {
    RestoreDirectory directory{platform::Path(words.at(1))};
    use_all(directory);
    const Scenario& scenario = scenario_named(words.at(2));
    Stage stage(directory);
    if (words.size() < 7) // not prepared by an earlier crash
        scenario.prepare(stage);

    fault = {mode_of(words.at(3)), std::stoi(words.at(4)),
             static_cast<Code>(std::stoul(words.at(5))), false};
    begin_fault(words.at(3), directory);
    const Code code = scenario.run(stage);
    end_fault();
    if (code != 0) std::ofstream(directory.root() / "code") << text(hex(code));
    const int status = fault.was_reached ? (code == 0 ? run_succeeded : run_failed)
                                         : (code == 0 ? run_not_reached : run_broken);
    std::_Exit(status); // the session lives to the process's end
}

int crash_look(const std::vector<std::string>& words) {
    RestoreDirectory directory{platform::Path(words.at(1))};
    use_all(directory);
    Look look(directory, scenario_named(words.at(2)), words.at(3), std::stoi(words.at(4)));
    const std::string problems = look.problems();
    std::ofstream(directory.root() / "found") << look.found();
    if (problems.empty()) return 0;
    std::ofstream(directory.root() / "problems") << problems;
    return 1;
}

} // namespace ntdsb::service
