// Register, Complete and start, stopped at each step that changes the disk: what is found
// afterwards is the old state or the new one (contract REC-1, REG-13). A step fails alone (a full
// disk), or it and all later ones do (a crash, but for the locks, which the process still holds and
// then releases).
#include "service/interlock.h"

#include "restore_directory.h"

namespace ntdsb::service {
namespace {

enum class Fault { this_step, from_this_step_on };

// The step that fails, counted down by the hook.
int steps_left = 0;
Fault fault = Fault::this_step;
unsigned failed_steps = 0;

Code fail_at_step(platform::DiskOperation, const platform::Path&) {
    if (steps_left-- > 0) return 0;
    if (fault == Fault::this_step && failed_steps > 0) return 0;
    ++failed_steps;
    return ERROR_DISK_FULL;
}

// What is on disk, in one word.
std::string state_of(const RestoreDirectory& directory) {
    const auto record = load_record(*directory.instance());
    if (!record) return "unreadable";
    if (!record.value()) return "none";
    return text("state ", static_cast<std::uint32_t>(record.value()->state));
}

std::string state_word(RecordState state) {
    return text("state ", static_cast<std::uint32_t>(state));
}

struct Action {
    const char* name;
    std::string before; // what is on disk
    std::string after;  // if it succeeds
    bool starts_before; // whether the directory may start
    bool starts_after;
    void (*prepare)(RestoreDirectory& directory, std::optional<RestoreRegistration>& session);
    Result<void> (*run)(RestoreDirectory& directory, std::optional<RestoreRegistration>& session);
};

void PrintTo(const Action& action, std::ostream* out) { *out << action.name; }

Result<void> run_register(RestoreDirectory& directory,
                          std::optional<RestoreRegistration>& session) {
    NTDSB_TRY(session, directory.enter());
    return ok();
}
Result<void> run_complete(RestoreDirectory&, std::optional<RestoreRegistration>& session) {
    return session->complete();
}
Result<void> run_failure(RestoreDirectory&, std::optional<RestoreRegistration>& session) {
    return session->record_failure(failed_restore);
}
Result<void> run_start(RestoreDirectory& directory, std::optional<RestoreRegistration>&) {
    NTDSB_TRY(const auto engine, start_directory(*directory.instance()));
    return ok();
}

void prepare_nothing(RestoreDirectory& directory, std::optional<RestoreRegistration>&) {
    static_cast<void>(directory.instance());
}
void prepare_registered(RestoreDirectory& directory, std::optional<RestoreRegistration>& session) {
    session = directory.enter().value();
}
void prepare_orphaned(RestoreDirectory& directory, std::optional<RestoreRegistration>&) {
    static_cast<void>(directory.enter().value());
}
void prepare_failed(RestoreDirectory& directory, std::optional<RestoreRegistration>&) {
    EXPECT_TRUE(directory.enter().value().record_failure(failed_restore));
}
void prepare_completed(RestoreDirectory& directory, std::optional<RestoreRegistration>&) {
    EXPECT_TRUE(directory.enter().value().complete());
}
void prepare_started(RestoreDirectory& directory, std::optional<RestoreRegistration>& session) {
    prepare_completed(directory, session);
    EXPECT_TRUE(start_directory(*directory.instance()));
}
void prepare_damaged(RestoreDirectory& directory, std::optional<RestoreRegistration>& session) {
    prepare_completed(directory, session);
    test::flip_bit(directory.record_file(), 20);
}

const std::string registered_word = state_word(RecordState::registered);
const std::string failed_word = state_word(RecordState::failed);
const std::string completed_word = state_word(RecordState::completed);
const std::string started_word = state_word(RecordState::started);

const std::vector<Action> actions{
    {"RegisterFirst", "none", registered_word, true, false, prepare_nothing, run_register},
    {"RegisterAfterOrphan", registered_word, registered_word, false, false, prepare_orphaned,
     run_register},
    {"RegisterAfterFailed", failed_word, registered_word, false, false, prepare_failed,
     run_register},
    {"RegisterAfterCompleted", completed_word, registered_word, true, false, prepare_completed,
     run_register},
    {"RegisterAfterStarted", started_word, registered_word, true, false, prepare_started,
     run_register},
    {"RegisterAfterDamaged", "unreadable", registered_word, false, false, prepare_damaged,
     run_register},
    {"Complete", registered_word, completed_word, false, true, prepare_registered, run_complete},
    {"CompleteWithFailure", registered_word, failed_word, false, false, prepare_registered,
     run_failure},
    {"StartAfterCompleted", completed_word, started_word, true, true, prepare_completed, run_start},
};

class Crash : public testing::TestWithParam<std::tuple<Action, Fault>> {
protected:
    // Runs the action with the fault at `step`. False: it has fewer steps, and succeeded.
    bool run_until(int step) {
        const auto& [action, kind] = GetParam();
        RestoreDirectory directory;
        directory.config.directory.registry_mirror = true;
        std::optional<RestoreRegistration> session;
        action.prepare(directory, session);
        EXPECT_EQ(state_of(directory), action.before);

        steps_left = step;
        fault = kind;
        failed_steps = 0;
        platform::set_disk_hook(fail_at_step);
        const auto outcome = action.run(directory, session);
        platform::set_disk_hook(nullptr);
        check(directory, action, static_cast<bool>(outcome), session.has_value(), step);
        return failed_steps > 0;
    }

    void check(const RestoreDirectory& directory, const Action& action, bool succeeded,
               bool session_lives, int step) {
        const auto found = state_of(directory);
        SCOPED_TRACE(text("step ", step, ": ", found));
        if (succeeded) {
            EXPECT_EQ(found, action.after);
        } else {
            EXPECT_TRUE(found == action.before || found == action.after) << found;
            // A failure that is reported changed nothing, but where old and new mean the same: an
            // unreadable record and a registered one both block, completed and started both start.
            const bool means_the_same =
                action.before == "unreadable" || (action.starts_before && action.starts_after);
            if (std::get<Fault>(GetParam()) == Fault::this_step && !means_the_same) {
                EXPECT_EQ(found, action.before);
            }
        }
        // Never startable but where the record found says so; a session that is still registered
        // holds the gate besides.
        const bool is_new = found == action.after;
        const bool startable =
            (is_new ? action.starts_after : action.starts_before) && !(session_lives && !succeeded);
        EXPECT_EQ(directory.start_blocked() == 0, startable);
        // A new process can go on from there.
        if (!session_lives) {
            EXPECT_TRUE(directory.enter());
        }
    }
};

TEST_P(Crash, LeavesOldOrNew) {
    int step = 0;
    while (run_until(step)) {
        ++step;
        ASSERT_LT(step, 100);
    }
    EXPECT_GT(step, 3) << "the hook was called";
}

INSTANTIATE_TEST_SUITE_P(Steps, Crash,
                         testing::Combine(testing::ValuesIn(actions),
                                          testing::Values(Fault::this_step,
                                                          Fault::from_this_step_on)),
                         [](const auto& row) {
                             return std::string(std::get<0>(row.param).name) +
                                    (std::get<1>(row.param) == Fault::this_step ? ""
                                                                                : "AndAllLater");
                         });

// --- what a Register costs

unsigned counted[platform::disk_operations];
Code count_step(platform::DiskOperation operation, const platform::Path&) {
    ++counted[static_cast<std::size_t>(operation)];
    return 0;
}

TEST(RegisterCost,
     IsOneDurableReplacement) { // one new file, its flush, one rename, the folder's flush
    const RestoreDirectory directory;
    { ASSERT_TRUE(directory.enter()); } // the lock files are there then
    const auto instance = directory.instance();
    auto request = directory.request();
    std::fill(std::begin(counted), std::end(counted), 0u);
    platform::set_disk_hook(count_step);
    const auto entered = RestoreRegistration::enter(instance, std::move(request));
    platform::set_disk_hook(nullptr);
    ASSERT_TRUE(entered);
    const auto count = [](platform::DiskOperation operation) {
        return counted[static_cast<std::size_t>(operation)];
    };
    EXPECT_EQ(count(platform::DiskOperation::create), 1u);
    EXPECT_EQ(count(platform::DiskOperation::flush), 1u);
    EXPECT_EQ(count(platform::DiskOperation::rename), 1u);
    EXPECT_LE(count(platform::DiskOperation::flush_folder), 1u);
    EXPECT_EQ(count(platform::DiskOperation::remove), 0u);
}

} // namespace
} // namespace ntdsb::service
