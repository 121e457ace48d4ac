// The roles, and main (roles.h).
#include "roles.h"

#include "restore_directory.h"

#include <chrono>
#include <fstream>
#include <thread>

namespace ntdsb::service {

namespace {

platform::Path program;

void wait_for_file(const platform::Path& file) {
    wait_until([&] { return std::filesystem::exists(file); });
}

InstancePtr instance_at(const platform::Path& root) {
    return Instance::open(std::make_shared<const Config>(config_at(root)), u"").value();
}

// What a role takes and holds.
template <class Taken>
int hold(const Result<Taken>& outcome, const platform::Path& root, const platform::Path& signal) {
    signal_by_file(signal);
    if (outcome) {
        wait_for_file(root / "end");
        return role_won;
    }
    const Code code = outcome.error().code;
    return code == hrRestoreInProgress || code == hrDatabaseInUse || code == hrBackupInProgress ||
                   code == hrBackupNotAllowedYet
               ? role_refused
               : role_failed;
}

// WHAT ROOT GO SIGNAL: waits for GO, takes WHAT, makes SIGNAL, and holds it until ROOT/end is
// there.
int take(const std::string& what, const platform::Path& root, const platform::Path& go,
         const platform::Path& signal) {
    const auto instance = instance_at(root);
    wait_for_file(go);
    if (what == "take-restore")
        return hold(RestoreRegistration::enter(instance, request_at(root)), root, signal);
    if (what == "take-backup")
        return hold(BackupClaim::enter(*instance, BackupSource::live), root, signal);
    return hold(start_directory(*instance), root, signal);
}

// The same for a restore, which is given up once ROOT/give-up is there; the process lives on until
// ROOT/end is.
int take_and_give_up(const platform::Path& root, const platform::Path& go,
                     const platform::Path& signal) {
    wait_for_file(go);
    {
        const auto entered = RestoreRegistration::enter(instance_at(root), request_at(root));
        if (!entered) return role_failed;
        signal_by_file(signal);
        wait_for_file(root / "give-up");
    }
    wait_for_file(root / "end");
    return role_won;
}

// What an engine that was started through the gate sees.
int look_as_engine(const platform::Path& root) {
    const auto instance = instance_at(root);
    const bool online = directory_is_online(*instance).value();
    const auto entered = RestoreRegistration::enter(instance, request_at(root));
    return online && code_of(entered) == hrDatabaseInUse ? role_looked : role_failed;
}

} // namespace

const platform::Path& own_program() { return program; }
void set_own_program(platform::Path path) { program = std::move(path); }

void signal_by_file(const platform::Path& file) { std::ofstream{file}; }

void wait_until(const std::function<bool()>& condition) {
    using namespace std::chrono_literals;
    for (int i = 0; i < 6000; ++i) {
        if (condition()) return;
        std::this_thread::sleep_for(10ms);
    }
    throw std::runtime_error("waited for a minute in vain");
}

int play_role(const std::vector<std::string>& words) {
    if (words.size() == 4 && words[0].starts_with("take-"))
        return take(words[0], words[1], words[2], words[3]);
    if (words.size() == 4 && words[0] == "give-up-restore")
        return take_and_give_up(words[1], words[2], words[3]);
    if (words.size() == 2 && words[0] == "look-as-engine") return look_as_engine(words[1]);
    if (words.size() == 2 && words[0] == "exit") return std::stoi(words[1]);
    return -1;
}

} // namespace ntdsb::service

int main(int argc, char** argv) {
    using namespace ntdsb::service;
    if (argc > 1) {
        const int status = play_role({argv + 1, argv + argc});
        if (status >= 0) return status;
    }
    set_own_program(std::filesystem::absolute(argv[0]));
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
