// The interlock: its table record x question cell by cell (contract REC-2..REC-9), the codes and
// order of REG-6..8 and BPREP-4..6, the mirror (MIR-1..4), a domain controller's marks (DC-2).
#include "service/interlock.h"

#include "fake_domain_controller.h"
#include "restore_directory.h"

#include <array>

namespace ntdsb::service {
namespace {

constexpr auto backup_in_progress = static_cast<Code>(hrBackupInProgress);
constexpr auto database_in_use = static_cast<Code>(hrDatabaseInUse);

enum class RecordRow {
    none,
    started,
    alive,
    orphaned,
    failed,
    completed,
    empty,
    damaged,
    future,
    aside,
    alive_beside_started,
    alive_beside_completed,
    alive_beside_damaged
};

struct RecordCase {
    RecordRow row;
    const char* name;
    Code start, register_restore, live_backup, truncation;
};

void PrintTo(const RecordCase& record, std::ostream* out) { *out << record.name; }

// contract REC-2; truncation: BTRUNC-2
constexpr std::array record_table{
    RecordCase{RecordRow::none, "None", 0, 0, 0, 0},
    RecordCase{RecordRow::started, "Started", 0, 0, 0, 0},
    RecordCase{RecordRow::alive, "RegisteredAlive", restore_in_progress, restore_in_progress,
               restore_in_progress, restore_in_progress},
    RecordCase{RecordRow::orphaned, "RegisteredOrphaned", restore_in_progress, 0,
               restore_in_progress, restore_in_progress},
    RecordCase{RecordRow::failed, "Failed", restore_in_progress, 0, restore_in_progress,
               restore_in_progress},
    RecordCase{RecordRow::completed, "Completed", 0, 0, 0, restore_in_progress},
    RecordCase{RecordRow::empty, "Empty", restore_in_progress, 0, restore_in_progress,
               restore_in_progress},
    RecordCase{RecordRow::damaged, "Damaged", restore_in_progress, 0, restore_in_progress,
               restore_in_progress},
    RecordCase{RecordRow::future, "FutureVersion", restore_in_progress, 0, restore_in_progress,
               restore_in_progress},
    RecordCase{RecordRow::aside, "SetAside", restore_in_progress, 0, restore_in_progress,
               restore_in_progress},
    RecordCase{RecordRow::alive_beside_started, "AliveBesideStarted", restore_in_progress,
               restore_in_progress, restore_in_progress, restore_in_progress},
    RecordCase{RecordRow::alive_beside_completed, "AliveBesideCompleted", restore_in_progress,
               restore_in_progress, restore_in_progress, restore_in_progress},
    RecordCase{RecordRow::alive_beside_damaged, "AliveBesideDamaged", restore_in_progress,
               restore_in_progress, restore_in_progress, restore_in_progress},
};

TEST(Interlock, SaysWhatToDoWhereTheStateFolderHasBecomeFullOrReadOnly_COM13) {
    constexpr auto full = [](platform::DiskOperation operation, const platform::Path&) {
        return operation == platform::DiskOperation::write ? Code{ERROR_DISK_FULL} : Code{0};
    };
    constexpr auto read_only = [](platform::DiskOperation, const platform::Path&) {
        return Code{ERROR_WRITE_PROTECT};
    };
    constexpr auto full_for_the_record = [](platform::DiskOperation operation,
                                            const platform::Path& path) {
        return operation == platform::DiskOperation::create &&
                       path.filename().string().starts_with("registration")
                   ? Code{ERROR_DISK_FULL}
                   : Code{0};
    };
    for (const platform::DiskHook hook : {platform::DiskHook{full}, platform::DiskHook{read_only},
                                          platform::DiskHook{full_for_the_record}}) {
        RestoreDirectory directory;
        const auto instance = directory.instance();
        platform::set_disk_hook(hook);
        const auto entered = directory.enter();
        platform::set_disk_hook(nullptr);
        ASSERT_FALSE(entered);
        EXPECT_TRUE(entered.error().code == Code{ERROR_DISK_FULL} ||
                    entered.error().code == Code{ERROR_WRITE_PROTECT});
        EXPECT_NE(entered.error().what.find("see that there is room"), std::string::npos)
            << entered.error().what;
        EXPECT_TRUE(start_directory(*instance)) << "nothing is registered";
    }
}

// A directory whose record is in the row's state.
class RecordInState {
public:
    explicit RecordInState(RecordRow row) {
        auto entered = directory.enter();
        if (!entered) throw std::runtime_error(entered.error().what);
        session_ = std::move(entered).value();
        bring_into(row);
    }
    RestoreDirectory directory;

private:
    void bring_into(RecordRow row) {
        const auto instance = directory.instance();
        switch (row) {
        case RecordRow::alive:
            return;
        case RecordRow::none:
            session_.reset();
            EXPECT_TRUE(remove_record(*instance));
            return;
        case RecordRow::orphaned:
            session_.reset();
            return;
        case RecordRow::failed:
            EXPECT_TRUE(session_->record_failure(failed_restore));
            return;
        case RecordRow::completed:
            EXPECT_TRUE(session_->complete());
            return;
        case RecordRow::started:
            EXPECT_TRUE(session_->complete());
            EXPECT_TRUE(start_directory(*instance));
            return;
        case RecordRow::empty:
            session_.reset();
            test::write_file(directory.record_file(), {});
            return;
        case RecordRow::damaged:
            session_.reset();
            test::flip_bit(directory.record_file(), 20);
            return;
        case RecordRow::future:
            session_.reset();
            test::flip_bit(directory.record_file(), 8, 1);
            return;
        case RecordRow::aside:
            session_.reset();
            test::flip_bit(directory.record_file(), 20);
            EXPECT_TRUE(set_record_aside(*instance));
            return;
        case RecordRow::alive_beside_started:
            rewrite(RecordState::started);
            return;
        case RecordRow::alive_beside_completed:
            rewrite(RecordState::completed);
            return;
        case RecordRow::alive_beside_damaged:
            test::flip_bit(directory.record_file(), 20);
            return;
        }
    }
    void rewrite(RecordState state) {
        auto record = load_record(*directory.instance()).value().value();
        record.state = state;
        EXPECT_TRUE(save_record(*directory.instance(), record));
    }
    std::optional<RestoreRegistration> session_;
};

TEST(DecisionLock, ThatStaysHeldRefusesAndTheCallCanBeRepeated) { // COM-14; waits its ten seconds
    RestoreDirectory directory;
    {
        const auto held =
            platform::try_lock(directory.instance()->state_file("decide.lock"), "somebody else");
        ASSERT_TRUE(held) << held.error().what;
        const auto refused = directory.enter();
        EXPECT_EQ(code_of(refused), static_cast<Code>(ERROR_LOCK_VIOLATION));
        EXPECT_NE(refused.error().what.find("somebody else"), std::string::npos);
        EXPECT_EQ(directory.recorded(), std::nullopt);
    }
    EXPECT_TRUE(directory.enter());
}

class RecordTable : public testing::TestWithParam<RecordCase> {};

TEST_P(RecordTable, DirectoryMayStart) {
    const RecordInState made(GetParam().row);
    EXPECT_EQ(made.directory.start_blocked(), GetParam().start)
        << "check-start says what start does";
    EXPECT_EQ(code_of(start_directory(*made.directory.instance())), GetParam().start);
}

TEST_P(RecordTable, Register) {
    const RecordInState made(GetParam().row);
    const auto entered = made.directory.enter();
    EXPECT_EQ(code_of(entered), GetParam().register_restore);
    if (!entered) return;
    EXPECT_EQ(made.directory.recorded(), RecordState::registered);
    EXPECT_EQ(made.directory.start_blocked(), restore_in_progress);
}

TEST_P(RecordTable, BackupOfLiveFiles) {
    const RecordInState made(GetParam().row);
    EXPECT_EQ(code_of(BackupClaim::enter(*made.directory.instance(), BackupSource::live)),
              GetParam().live_backup);
}

TEST_P(RecordTable, BackupOfASnapshot) { // BPREP-6 is about live files
    const RecordInState made(GetParam().row);
    EXPECT_EQ(code_of(BackupClaim::enter(*made.directory.instance(), BackupSource::snapshot)),
              S_OK);
}

TEST_P(RecordTable, TruncationOfLogs) { // BTRUNC-2
    const RecordInState made(GetParam().row);
    bool ran = false;
    const auto outcome = with_no_restore(*made.directory.instance(), [&]() -> Result<void> {
        ran = true;
        return ok();
    });
    EXPECT_EQ(code_of(outcome), GetParam().truncation);
    EXPECT_EQ(ran, GetParam().truncation == 0);
}

INSTANTIATE_TEST_SUITE_P(Records, RecordTable, testing::ValuesIn(record_table),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Interlock, UnreadableRecordIsKeptAside) { // REC-8
    const RestoreDirectory directory;
    ASSERT_TRUE(directory.instance());
    const test::Bytes content(9, std::byte{'x'});
    test::write_file(directory.record_file(), content);
    ASSERT_TRUE(directory.enter());
    unsigned kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory.state())) {
        if (entry.path().filename().string().starts_with("registration.unreadable-"))
            kept += test::read_file(entry.path()) == content;
    }
    EXPECT_EQ(kept, 1u);
}

TEST(Interlock, RecordSaysWhoRegisteredWhat) { // REC-1
    const RestoreDirectory directory;
    const auto before = platform::now_filetime();
    const auto entered = directory.enter();
    ASSERT_TRUE(entered);
    const auto record = load_record(*directory.instance()).value().value();
    EXPECT_GE(record.registered_at, before);
    EXPECT_EQ(record.process_id, platform::process_id());
    EXPECT_NE(record.holder.find(text("pid ", platform::process_id())), std::string::npos);
    EXPECT_EQ(wire::encode(record.request), wire::encode(directory.request()));
}

TEST(Interlock, RunningEngineRefusesRegisterAndLiveBackup) { // REG-6, BPREP-4
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    const auto engine = start_directory(*instance);
    ASSERT_TRUE(engine);
    EXPECT_TRUE(directory_is_online(*instance).value());
    EXPECT_EQ(code_of(directory.enter()), database_in_use);
    EXPECT_EQ(directory.recorded(), std::nullopt) << "a refused Register leaves no record";
    EXPECT_EQ(code_of(start_directory(*instance)), database_in_use);
    EXPECT_EQ(code_of(BackupClaim::enter(*instance, BackupSource::live)), hrBackupNotAllowedYet);
    EXPECT_EQ(code_of(BackupClaim::enter(*instance, BackupSource::snapshot)), S_OK);
}

TEST(Interlock, StoppedEngineLeavesNothingBehind) {
    const RestoreDirectory directory;
    { const auto engine = start_directory(*directory.instance()); }
    EXPECT_FALSE(directory_is_online(*directory.instance()).value());
    EXPECT_TRUE(directory.enter());
}

TEST(Interlock, LiveBackupRefusesRegisterStartAndASecondBackup) { // REG-7, BPREP-3, BPREP-5
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    const auto claim = BackupClaim::enter(*instance, BackupSource::live);
    ASSERT_TRUE(claim);
    EXPECT_EQ(code_of(directory.enter()), backup_in_progress);
    EXPECT_EQ(code_of(start_directory(*instance)), backup_in_progress);
    EXPECT_EQ(directory.start_blocked(), backup_in_progress);
    for (const auto source : {BackupSource::live, BackupSource::snapshot})
        EXPECT_EQ(code_of(BackupClaim::enter(*instance, source)), backup_in_progress);
}

TEST(Interlock, SnapshotBackupRefusesASecondBackupOnly) { // REG-7
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    const auto claim = BackupClaim::enter(*instance, BackupSource::snapshot);
    ASSERT_TRUE(claim);
    EXPECT_EQ(code_of(BackupClaim::enter(*instance, BackupSource::live)), backup_in_progress);
    EXPECT_TRUE(start_directory(*instance));
    EXPECT_TRUE(directory.enter());
}

TEST(Interlock, RegistersRefusalsHaveTheContractsOrder) { // REG-6 before REG-7 before REG-8
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    auto engine = start_directory(*instance);
    const auto held = [&](std::string_view file, std::string_view holder) {
        return platform::try_lock(instance->state_file(file), holder).value();
    };
    const auto restore = held("restore.lock", "pid 1");
    auto backup = held("backup.lock", "live, pid 1");
    EXPECT_EQ(code_of(directory.enter()), database_in_use);
    { const auto stopped = std::move(engine).value(); }
    EXPECT_EQ(code_of(directory.enter()), backup_in_progress);
    backup.reset();
    EXPECT_EQ(code_of(directory.enter()), restore_in_progress);
}

TEST(Interlock, BackupLockWithoutAHoldersLineCountsAsLive) { // REG-7: the safe side
    const RestoreDirectory directory;
    const auto backup =
        platform::try_lock(directory.instance()->state_file("backup.lock"), "").value();
    EXPECT_EQ(code_of(directory.enter()), backup_in_progress);
}

TEST(Interlock, NtdsServiceOfTheDefaultInstanceCountsAsOnline) { // REG-6, ONL-1
    RestoreDirectory directory;
    fake_domain_controller().service = platform::ServiceState::running;
    EXPECT_TRUE(
        directory_is_online(*Instance::find(directory.shared_config(), u"").value()).value())
        << "also without a state folder";
    const auto refused = directory.enter();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, database_in_use);
    EXPECT_NE(refused.error().what.find("NTDS service"), std::string::npos) << refused.error().what;
    EXPECT_TRUE(directory_is_online(*directory.instance()).value());

    fake_domain_controller().service = platform::ServiceState::stopped;
    EXPECT_TRUE(directory.enter());
}

TEST(Interlock, NamedInstanceIsNotTheNtdsService) { // REG-6, MIR-2, DC-2: the default one's alone
    RestoreDirectory directory;
    auto named = directory.config.directory;
    named.name = "lds1";
    named.registry_mirror = true;
    directory.config.instances["lds1"] = named;
    fake_domain_controller().service = platform::ServiceState::running;
    const auto instance = Instance::open(directory.shared_config(), u"lds1").value();
    EXPECT_FALSE(directory_is_online(*instance).value());
    auto entered = RestoreRegistration::enter(instance, directory.request());
    ASSERT_TRUE(entered);
    EXPECT_TRUE(entered.value().complete());
    EXPECT_FALSE(fake_domain_controller().mirror);
    EXPECT_FALSE(fake_domain_controller().mark_is_kept);
    EXPECT_FALSE(fake_domain_controller().is_marked);
}

TEST(Interlock, EndedSessionLeavesTheDirectoryBlockedAndTheLockFree) { // END-2
    const RestoreDirectory directory;
    { ASSERT_TRUE(directory.enter()); }
    EXPECT_FALSE(directory.session_alive());
    EXPECT_EQ(directory.start_blocked(), restore_in_progress);
    EXPECT_TRUE(directory.enter());
}

TEST(Interlock, CompletedReleasesTheLockAndFirstStartMarksItStarted) { // CMPL-3, REC-7
    const RestoreDirectory directory;
    auto entered = directory.enter();
    ASSERT_TRUE(entered);
    ASSERT_TRUE(entered.value().complete());
    EXPECT_FALSE(directory.session_alive());
    EXPECT_EQ(directory.recorded(), RecordState::completed);
    ASSERT_TRUE(start_directory(*directory.instance()));
    EXPECT_EQ(directory.recorded(), RecordState::started);
}

TEST(Interlock, FailureIsRecordedWithItsCode) { // CMPL-2
    const RestoreDirectory directory;
    auto entered = directory.enter();
    ASSERT_TRUE(entered);
    ASSERT_TRUE(entered.value().record_failure(hrLogFileCorrupt));
    const auto record = load_record(*directory.instance()).value().value();
    EXPECT_EQ(record.state, RecordState::failed);
    EXPECT_EQ(record.outcome, hrLogFileCorrupt);
    EXPECT_FALSE(directory.session_alive());
    EXPECT_EQ(directory.start_blocked(), restore_in_progress);
}

TEST(Interlock, RegistrationWhoseRecordIsGoneOrAnothersUnblocksNothing) {
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    auto entered = directory.enter();
    ASSERT_TRUE(entered);
    auto other = load_record(*instance).value().value();
    other.registered_at += 1;
    ASSERT_TRUE(save_record(*instance, other));
    EXPECT_EQ(code_of(entered.value().complete()), hrError);
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    ASSERT_TRUE(remove_record(*instance));
    EXPECT_EQ(code_of(entered.value().complete()), hrError);
    EXPECT_EQ(directory.recorded(), std::nullopt);
}

TEST(Interlock, NoStateFolderIsNotOnline) { // ONL-1
    const RestoreDirectory directory;
    EXPECT_FALSE(
        directory_is_online(*Instance::find(directory.shared_config(), u"").value()).value());
    EXPECT_FALSE(std::filesystem::exists(directory.state()));
}

TEST(Interlock, StatusNamesTheHolders) {
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    const auto mine = text("pid ", platform::process_id());
    const auto claim = BackupClaim::enter(*instance, BackupSource::snapshot);
    const auto registration = directory.enter();
    ASSERT_TRUE(claim && registration);
    const auto status = interlock_status(*instance).value();
    EXPECT_EQ(status.backup, BackupSource::snapshot);
    EXPECT_NE(status.backup_holder.find(mine), std::string::npos);
    EXPECT_TRUE(status.restore_session_alive);
    EXPECT_NE(status.restore_holder.find(mine), std::string::npos);
    EXPECT_FALSE(status.engine_running);
    EXPECT_EQ(status.engine_holder, "");
    ASSERT_TRUE(status.record);
    EXPECT_EQ(status.record->state, RecordState::registered);
}

// --- the registry's mirror and marks

class Mirror : public testing::Test {
protected:
    Mirror() { directory.config.directory.registry_mirror = true; }
    RestoreDirectory directory;
    FakeDomainController& registry = fake_domain_controller();
};

TEST_F(Mirror, HasTheRegistersArguments) { // MIR-1
    auto request = directory.request();
    request.map.push_back({u"/old/edb.chk", wire_path(directory.ntds() / "edb.chk")});
    request.gen_low = 3;
    request.gen_high = 5;
    const auto entered = RestoreRegistration::enter(directory.instance(), request);
    ASSERT_TRUE(entered);
    ASSERT_TRUE(registry.mirror);
    EXPECT_EQ(registry.mirror->backup_log_path, request.backup_log_path);
    EXPECT_EQ(registry.mirror->checkpoint_path, request.checkpoint_path);
    EXPECT_EQ(registry.mirror->log_path, request.log_path);
    EXPECT_EQ(registry.mirror->gen_low, 3u);
    EXPECT_EQ(registry.mirror->gen_high, 5u);
    ASSERT_EQ(registry.mirror->map.size(), 2u);
    EXPECT_EQ(registry.mirror->map[1].first, u"/old/edb.chk"); // REG-9: mirrored too
}

TEST_F(Mirror, IsNotWrittenUnlessConfigured) { // MIR-1
    directory.config.directory.registry_mirror = false;
    EXPECT_TRUE(directory.enter());
    EXPECT_FALSE(registry.mirror);
    EXPECT_TRUE(registry.mark_is_kept) << "DC-2 does not hang on the mirror";
}

// What the record says at the moment when a change of the registry begins.
const RestoreDirectory* observed_directory = nullptr;
std::vector<std::optional<RecordState>> observed;
void observe() {
    const auto record = load_record(*observed_directory->instance());
    observed.push_back(record && record.value() ? std::optional(record.value()->state)
                                                : std::nullopt);
}

TEST_F(Mirror, IsWrittenBehindTheRecordAndRemovedBeforeItSaysStarted) { // MIR-3, REG-13
    observed_directory = &directory;
    observed.clear();
    registry.before_change = observe;
    auto entered = directory.enter(); // the mirror, KeysNotToRestore
    ASSERT_TRUE(entered);
    ASSERT_TRUE(entered.value().complete()); // the mark
    EXPECT_TRUE(registry.mirror) << "it stays until the directory is started";
    EXPECT_EQ(directory.start_blocked(), 0) << "MIR-4: beside \"completed\" it does not block";
    ASSERT_TRUE(start_directory(*directory.instance())); // removed
    EXPECT_FALSE(registry.mirror);
    const std::vector<std::optional<RecordState>> expected{
        RecordState::registered, RecordState::registered, RecordState::registered,
        RecordState::completed};
    EXPECT_EQ(observed, expected);
}

TEST_F(Mirror, AloneOrBesideStartedBlocks) { // MIR-4
    registry.mirror = platform::RestoreMirror{};
    EXPECT_EQ(directory.start_blocked(), restore_in_progress);
    EXPECT_TRUE(interlock_status(*directory.instance()).value().mirror_without_record);
    auto entered = directory.enter();
    ASSERT_TRUE(entered) << "Register takes over";
    ASSERT_TRUE(entered.value().complete());
    ASSERT_TRUE(start_directory(*directory.instance()));
    EXPECT_EQ(directory.start_blocked(), 0);
    registry.mirror = platform::RestoreMirror{};
    EXPECT_EQ(directory.recorded(), RecordState::started);
    EXPECT_EQ(directory.start_blocked(), restore_in_progress);
}

TEST_F(Mirror, IsNotLookedAtUnlessConfigured) { // MIR-1: the vendor's reader of the key is unknown
    directory.config.directory.registry_mirror = false;
    registry.mirror = platform::RestoreMirror{};
    EXPECT_EQ(directory.start_blocked(), 0);
}

TEST_F(Mirror, ThatCannotBeWrittenFailsRegisterAndLeavesNothing) {
    for (const auto member :
         {&FakeDomainController::write_mirror_fails, &FakeDomainController::keep_mark_fails}) {
        registry.*member = ERROR_ACCESS_DENIED;
        EXPECT_EQ(code_of(directory.enter()), ERROR_ACCESS_DENIED);
        EXPECT_FALSE(registry.mirror);
        EXPECT_EQ(directory.recorded(), std::nullopt);
        EXPECT_EQ(directory.start_blocked(), 0);
        registry.*member = 0;
    }
    EXPECT_TRUE(directory.enter());
}

TEST_F(Mirror, ThatCannotBeRewrittenLeavesTheRecordBefore) {
    auto entered = directory.enter();
    ASSERT_TRUE(entered.value().complete());
    registry.write_mirror_fails = ERROR_ACCESS_DENIED;
    EXPECT_EQ(code_of(directory.enter()), ERROR_ACCESS_DENIED);
    EXPECT_EQ(directory.recorded(), RecordState::completed);
}

TEST_F(Mirror, OfTheRecordBeforeComesBackAfterAFailedRegister) { // MIR-1
    auto first = directory.request();
    first.gen_low = first.gen_high = 3;
    ASSERT_TRUE(RestoreRegistration::enter(directory.instance(), first).value().complete());
    auto second = directory.request();
    second.gen_low = second.gen_high = 9;
    registry.keep_mark_fails = ERROR_ACCESS_DENIED; // the mirror is rewritten by then
    EXPECT_FALSE(RestoreRegistration::enter(directory.instance(), second));
    ASSERT_TRUE(registry.mirror);
    EXPECT_EQ(registry.mirror->gen_high, 3u);
    EXPECT_EQ(directory.recorded(), RecordState::completed);
}

TEST_F(Mirror, ThatBlockedAloneStillBlocksAfterAFailedRegister) { // MIR-4
    registry.mirror = platform::RestoreMirror{};
    registry.write_mirror_fails = ERROR_ACCESS_DENIED;
    EXPECT_EQ(code_of(directory.enter()), ERROR_ACCESS_DENIED);
    registry.mirror.reset(); // as a write that failed half-way leaves it
    EXPECT_EQ(directory.start_blocked(), restore_in_progress);
}

TEST_F(Mirror, ThatCannotBeRemovedKeepsTheDirectoryFromStarting) { // MIR-3
    auto entered = directory.enter();
    ASSERT_TRUE(entered.value().complete());
    registry.remove_mirror_fails = ERROR_ACCESS_DENIED;
    EXPECT_EQ(code_of(start_directory(*directory.instance())), ERROR_ACCESS_DENIED);
    EXPECT_EQ(directory.recorded(), RecordState::completed);
    EXPECT_FALSE(directory_is_online(*directory.instance()).value());
}

TEST_F(Mirror, RestoredFromBackupIsMarkedBeforeUnblocking) { // DC-2
    auto entered = directory.enter();
    registry.mark_fails = ERROR_ACCESS_DENIED;
    EXPECT_EQ(code_of(entered.value().complete()), ERROR_ACCESS_DENIED);
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    EXPECT_TRUE(directory.session_alive());
    registry.mark_fails = 0;
    ASSERT_TRUE(entered.value().complete());
    EXPECT_TRUE(registry.is_marked);
}

TEST_F(Mirror, FailedRestoreIsNotMarked) { // DC-2: Complete with S_OK
    auto entered = directory.enter();
    ASSERT_TRUE(entered.value().record_failure(failed_restore));
    EXPECT_FALSE(registry.is_marked);
}

} // namespace
} // namespace ntdsb::service
