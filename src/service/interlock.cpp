// The interlock's decisions (interlock.h). Every one of them happens under decide.lock, and tries the other locks only there; so a lock that is tried is never
// mistaken for one that is held.
#include "service/interlock.h"

#include "core/log.h"
#include "core/path.h"
#include "platform/domain_controller.h"
#include "platform/process.h"

namespace ntdsb::service {

namespace {

constexpr std::string_view decide_file = "decide.lock";
constexpr std::string_view engine_file = "engine.lock";
constexpr std::string_view backup_file = "backup.lock";
constexpr std::string_view restore_file = "restore.lock";
constexpr std::uint32_t decide_timeout_ms = 10'000;

// The first word of backup.lock's holder tells what it reads.
constexpr std::string_view snapshot_word = "snapshot";
constexpr std::string_view live_word = "live";

std::string this_process() { return text("pid ", platform::process_id()); }

Result<platform::Lock> decide(const Instance& instance) {
    return platform::wait_lock(instance.state_file(decide_file), this_process(), decide_timeout_ms);
}

// Whether somebody holds the lock. Under decide.lock only.
Result<bool> is_held(const Instance& instance, std::string_view file) {
    NTDSB_TRY(const auto lock, platform::try_lock(instance.state_file(file), this_process()));
    return !lock;
}

std::string holder_of(const Instance& instance, std::string_view file) {
    std::string holder = platform::read_lock_holder(instance.state_file(file));
    return holder.empty() ? "an unknown process" : holder;
}

bool is_mirrored(const Instance& instance) { return instance.directory().registry_mirror && instance.directory().name.empty(); }

// ONL-1. Under decide.lock only.
Result<bool> engine_runs(const Instance& instance) {
    if (instance.directory().name.empty()) {
        NTDSB_TRY(const auto service, platform::ntds_service_state());
        if (service == platform::ServiceState::running) return true;
    }
    return is_held(instance, engine_file);
}

// What a running backup reads. Under decide.lock only.
Result<std::optional<BackupSource>> running_backup(const Instance& instance) {
    NTDSB_TRY(const bool held, is_held(instance, backup_file));
    if (!held) return std::optional<BackupSource>{};
    const bool snapshot = holder_of(instance, backup_file).starts_with(snapshot_word);
    return std::optional(snapshot ? BackupSource::snapshot : BackupSource::live);
}

// REC-2: what the record and the mirror say, with the record's own trouble kept apart.
struct Known {
    std::optional<RegistrationRecord> record;
    std::string problem;
    bool mirror = false;
};

Result<Known> look(const Instance& instance) {
    Known known;
    if (auto record = load_record(instance))
        known.record = std::move(record).value();
    else
        known.problem = std::move(record).error().what;
    if (is_mirrored(instance)) {
        NTDSB_TRY(known.mirror, platform::restore_mirror_exists());
    }
    return known;
}

constexpr std::string_view run_again = "run the restore again, or give the directory up with its record only after it was verified";

// Whether the record lets the directory start (REC-3..REC-8, MIR-4); otherwise hrRestoreInProgress and what to do.
Result<void> record_allows_start(const Known& known) {
    if (!known.problem.empty())
        return fail(hrRestoreInProgress, "REC-8: ", known.problem, "; the directory stays blocked: ", run_again);
    if (known.mirror && (!known.record || known.record->state == RecordState::started))
        return fail(hrRestoreInProgress, "MIR-4: the registry says that a restore is in progress, and no record here knows of it; ", run_again);
    if (!known.record) return ok();
    const RegistrationRecord& record = *known.record;
    switch (record.state) {
    case RecordState::registered:
        return fail(hrRestoreInProgress, "REC-5: the restore registered at ", platform::format_filetime(record.registered_at), " by ", record.holder,
                    " was not completed; ", run_again);
    case RecordState::failed:
        return fail(hrRestoreInProgress, "REC-6: the restore registered at ", platform::format_filetime(record.registered_at), " failed with ", hex(record.outcome),
                    "; ", run_again);
    case RecordState::completed:
    case RecordState::started:
        return ok();
    }
    return ok();
}

// REC-4, REC-9. Under decide.lock only.
Result<void> check_no_session(const Instance& instance) {
    NTDSB_TRY(const bool alive, is_held(instance, restore_file));
    if (!alive) return ok();
    return fail(hrRestoreInProgress, "REG-8: a restore is registered by ", holder_of(instance, restore_file), "; wait until it completes, or end it");
}

// Everything that keeps the directory from starting, apart from a lack of rights. Under decide.lock only.
Result<void> check_start(const Instance& instance, const Known& known) {
    NTDSB_CHECK(check_no_session(instance));
    NTDSB_CHECK(record_allows_start(known));
    NTDSB_TRY(const auto backup, running_backup(instance));
    if (backup == BackupSource::live)
        return fail(hrBackupInProgress, "BPREP-3: a backup reads the live files, by ", holder_of(instance, backup_file), "; wait for it, or end it");
    NTDSB_TRY(const bool online, engine_runs(instance));
    if (online) return fail(hrDatabaseInUse, "ONL-1: the directory is running already, started by ", holder_of(instance, engine_file));
    return ok();
}

platform::RestoreMirror mirror_of(const wire::RestoreRegister::Request& request) {
    platform::RestoreMirror mirror;
    mirror.backup_log_path = request.backup_log_path;
    mirror.checkpoint_path = request.checkpoint_path;
    mirror.log_path = request.log_path;
    mirror.gen_low = request.gen_low;
    mirror.gen_high = request.gen_high;
    for (const auto& pair : request.map) mirror.map.emplace_back(pair.source, pair.target);
    return mirror;
}

// Puts the record back that was there before a Register that failed. If that fails too, the new one blocks the directory, which is the safe side.
void take_back(const Instance& instance, const Known& before) {
    if (!before.problem.empty()) return; // what was there blocked the directory, and so does this
    const auto undone = before.record ? save_record(instance, *before.record) : remove_record(instance);
    if (!undone) log::error("REG-13: the record of a failed registration stays and blocks the directory: ", undone.error().what);
}

// The record first and then its mirror: a crash between them leaves a directory that is blocked, like every other one in mid-restore.
Result<void> write_registration(const Instance& instance, const Known& before, const RegistrationRecord& record) {
    if (!before.problem.empty()) {
        log::warn("REC-8: ", before.problem, "; it is kept aside, and the new registration takes its place");
        NTDSB_CHECK(set_record_aside(instance));
    }
    NTDSB_CHECK(save_record(instance, record));
    if (!is_mirrored(instance)) return ok();
    auto mirrored = platform::write_restore_mirror(mirror_of(record.request));
    if (mirrored) mirrored = platform::keep_restored_mark_over_restore(); // DC-2
    if (!mirrored) take_back(instance, before);
    return mirrored;
}

} // namespace

Result<bool> directory_is_online(const Instance& instance) {
    NTDSB_TRY(const auto folder, platform::file_info(native_path(instance.directory().state_path)));
    if (!folder) {
        if (!instance.directory().name.empty()) return false;
        NTDSB_TRY(const auto service, platform::ntds_service_state());
        return service == platform::ServiceState::running;
    }
    NTDSB_TRY(const auto decision, decide(instance));
    return engine_runs(instance);
}

Result<InterlockStatus> interlock_status(const Instance& instance) {
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_TRY(auto known, look(instance));
    InterlockStatus status;
    NTDSB_TRY(status.engine_running, engine_runs(instance));
    NTDSB_TRY(status.backup, running_backup(instance));
    NTDSB_TRY(status.restore_session_alive, is_held(instance, restore_file));
    if (status.engine_running) status.engine_holder = holder_of(instance, engine_file);
    if (status.backup) status.backup_holder = holder_of(instance, backup_file);
    if (status.restore_session_alive) status.restore_holder = holder_of(instance, restore_file);
    if (auto startable = check_start(instance, known); !startable) status.start_blocked = std::move(startable).error();
    status.mirror_without_record = known.mirror && !known.record;
    status.record = std::move(known.record);
    status.record_problem = std::move(known.problem);
    return status;
}

RestoreRegistration::RestoreRegistration(InstancePtr instance, platform::Lock lock, RegistrationRecord record)
    : instance_(std::move(instance)), lock_(std::move(lock)), record_(std::move(record)) {}

Result<RestoreRegistration> RestoreRegistration::enter(InstancePtr instance, wire::RestoreRegister::Request request) {
    NTDSB_TRY(const auto decision, decide(*instance));
    NTDSB_TRY(const bool online, engine_runs(*instance));
    if (online) return fail(hrDatabaseInUse, "REG-6: the directory is running, started by ", holder_of(*instance, engine_file), "; stop it, then register");
    NTDSB_TRY(const auto backup, running_backup(*instance));
    if (backup == BackupSource::live)
        return fail(hrBackupInProgress, "REG-7: a backup reads the live files, by ", holder_of(*instance, backup_file), "; wait for it, or end it");
    NTDSB_CHECK(check_no_session(*instance));
    NTDSB_TRY(auto lock, platform::try_lock(instance->state_file(restore_file), this_process()));
    if (!lock) return fail(hrRestoreInProgress, "REG-8: a restore is registered by ", holder_of(*instance, restore_file));

    NTDSB_TRY(const auto before, look(*instance));
    RegistrationRecord record;
    record.registered_at = record.changed_at = platform::now_filetime();
    record.process_id = platform::process_id();
    record.holder = this_process();
    record.request = std::move(request);
    record.request.session = {};
    NTDSB_CHECK(write_registration(*instance, before, record));
    return RestoreRegistration(std::move(instance), std::move(*lock), std::move(record));
}

Result<void> RestoreRegistration::settle(RecordState state, Code outcome) {
    NTDSB_TRY(const auto decision, decide(*instance_));
    RegistrationRecord record = record_;
    record.state = state;
    record.outcome = outcome;
    record.changed_at = platform::now_filetime();
    NTDSB_CHECK(save_record(*instance_, record));
    lock_.reset();
    return ok();
}

Result<void> RestoreRegistration::complete() {
    if (instance_->directory().name.empty()) NTDSB_CHECK(platform::set_restored_from_backup()); // DC-2
    return settle(RecordState::completed, S_OK);
}

Result<void> RestoreRegistration::record_failure(Code restore_state) { return settle(RecordState::failed, restore_state); }

Result<BackupClaim> BackupClaim::enter(const Instance& instance, BackupSource source) {
    NTDSB_TRY(const auto decision, decide(instance));
    if (source == BackupSource::live) {
        NTDSB_CHECK(check_no_session(instance));
        NTDSB_TRY(const auto known, look(instance));
        NTDSB_CHECK(record_allows_start(known));
        NTDSB_TRY(const bool online, engine_runs(instance));
        if (online)
            return fail(hrBackupNotAllowedYet, "BPREP-4: the directory is running, and its live files are no consistent backup; set snapshot_path in the configuration to a "
                                               "folder with database, logs and checkpoint of one moment, or stop the directory");
    }
    const std::string holder = text(source == BackupSource::live ? live_word : snapshot_word, ", ", this_process());
    NTDSB_TRY(auto lock, platform::try_lock(instance.state_file(backup_file), holder));
    if (!lock) return fail(hrBackupInProgress, "BPREP-5: a backup is running already: ", holder_of(instance, backup_file), "; wait for it, or end it");
    return BackupClaim(std::move(*lock));
}

Result<void> with_no_restore(const Instance& instance, const std::function<Result<void>()>& action) {
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_CHECK(check_no_session(instance));
    NTDSB_TRY(const auto known, look(instance));
    NTDSB_CHECK(record_allows_start(known));
    if (known.record && known.record->state != RecordState::started)
        return fail(hrRestoreInProgress, "BTRUNC-2: the restored directory was not started yet, and its recovery needs its logs; start it first");
    return action();
}

Result<platform::Lock> start_directory(const Instance& instance) {
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_TRY(auto known, look(instance));
    NTDSB_CHECK(check_start(instance, known));
    NTDSB_TRY(auto engine, platform::try_lock(instance.state_file(engine_file), this_process()));
    if (!engine) return fail(hrDatabaseInUse, "the directory is running already, started by ", holder_of(instance, engine_file));
    if (known.record && known.record->state == RecordState::completed) {
        if (known.mirror) NTDSB_CHECK(platform::remove_restore_mirror()); // MIR-3: before the record says started
        known.record->state = RecordState::started;
        known.record->changed_at = platform::now_filetime();
        NTDSB_CHECK(save_record(instance, *known.record));
    }
    return std::move(*engine);
}

} // namespace ntdsb::service
