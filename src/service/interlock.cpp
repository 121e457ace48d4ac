// The interlock's decisions but for the restore's own (interlock.h): status, backup, truncation and
// the start gate.
#include "service/history.h"
#include "service/interlock_view.h"

#include "core/log.h"
#include "core/path.h"
#include "platform/domain_controller.h"
#include "platform/process.h"

namespace ntdsb::service {

namespace {

// Everything that keeps the directory from starting.
Result<void> check_start(const Instance& instance, const Known& known) {
    NTDSB_CHECK(check_no_session(instance));
    NTDSB_CHECK(check_record(known));
    NTDSB_TRY(const auto backup, running_backup(instance));
    if (backup && backup->source == BackupSource::live)
        return fail(hrBackupInProgress, "BPREP-3: a backup reads the live files: ", backup->holder,
                    "; wait for it, or end it");
    NTDSB_TRY(const auto engine, running_engine(instance));
    if (engine)
        return fail(hrDatabaseInUse, "ONL-1: the directory is running already, started by ",
                    *engine);
    return ok();
}

// BPREP-4, BPREP-6
Result<void> check_live_backup(const Instance& instance) {
    NTDSB_CHECK(check_no_session(instance));
    NTDSB_TRY(const auto known, look(instance));
    NTDSB_CHECK(check_record(known));
    NTDSB_TRY(const auto engine, running_engine(instance));
    if (!engine) return ok();
    return fail(
        hrBackupNotAllowedYet, "BPREP-4: the directory runs, started by ", *engine,
        ", and its live files are no consistent backup; set snapshot_path in the configuration "
        "to a folder with database, logs and checkpoint of one moment, or stop the directory");
}

// A start that fails has changed nothing, also where the new record was in its place already and
// could not be made durable.
Result<void> record_start(const Instance& instance, const RegistrationRecord& completed) {
    RegistrationRecord started = completed;
    started.state = RecordState::started;
    started.changed_at = platform::now_filetime();
    auto saved = save_record(instance, started);
    if (saved) return saved;
    if (auto undone = save_record(instance, completed); !undone)
        log::error("REC-7: the record may say that the directory was started, which it was not: ",
                   undone.error().what);
    return saved;
}

} // namespace

Result<bool> directory_is_online(const Instance& instance) {
    NTDSB_TRY(const auto folder, platform::file_info(native_path(instance.directory().state_path)));
    if (folder) {
        NTDSB_TRY(const auto decision, decide(instance));
        NTDSB_TRY(const auto engine, running_engine(instance));
        return engine.has_value();
    }
    if (!is_default(instance)) return false;
    NTDSB_TRY(const auto service, platform::ntds_service_state());
    return service == platform::ServiceState::running;
}

Result<InterlockStatus> interlock_status(const Instance& instance) {
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_TRY(auto known, look(instance));
    NTDSB_TRY(auto engine, running_engine(instance));
    NTDSB_TRY(auto backup, running_backup(instance));
    NTDSB_TRY(auto restore, holder_of(instance, restore_lock_file));
    InterlockStatus status;
    if (auto startable = check_start(instance, known); !startable)
        status.start_blocked = std::move(startable).error();
    status.engine_running = engine.has_value();
    status.engine_holder = std::move(engine).value_or(std::string());
    if (backup) {
        status.backup = backup->source;
        status.backup_holder = std::move(backup->holder);
    }
    status.restore_session_alive = restore.has_value();
    status.restore_holder = std::move(restore).value_or(std::string());
    status.mirror_without_record = known.mirror && !known.record;
    status.record = std::move(known.record);
    status.record_problem = std::move(known.problem);
    return status;
}

Result<BackupClaim> BackupClaim::enter(const Instance& instance, BackupSource source) {
    NTDSB_TRY(const auto decision, decide(instance));
    if (source == BackupSource::live) NTDSB_CHECK(check_live_backup(instance));
    NTDSB_TRY(auto lock, take(instance, backup_lock_file, backup_holder(source)));
    if (!lock)
        return fail(hrBackupInProgress, "BPREP-5: a backup is running already: ",
                    platform::read_lock_holder(instance.state_file(backup_lock_file)),
                    "; wait for it, or end it");
    return BackupClaim(std::move(*lock));
}

Result<void> with_no_restore(const Instance& instance,
                             const std::function<Result<void>()>& action) {
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_CHECK(check_no_session(instance));
    NTDSB_TRY(const auto known, look(instance));
    NTDSB_CHECK(check_record(known));
    if (known.record && known.record->state != RecordState::started)
        return fail(hrRestoreInProgress, "BTRUNC-2: the restored directory was not started yet, "
                                         "and its recovery needs its logs; start it first");
    return action();
}

Result<StartGate> start_directory(const Instance& instance) {
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_TRY(auto known, look(instance));
    NTDSB_CHECK(check_start(instance, known));
    NTDSB_TRY(auto engine, take(instance, engine_lock_file, this_process()));
    if (!engine)
        return fail(hrDatabaseInUse, "ONL-1: the directory is running already, started by ",
                    platform::read_lock_holder(instance.state_file(engine_lock_file)));
    StartGate gate{std::move(*engine), std::nullopt};
    if (known.record && known.record->state == RecordState::completed) {
        if (known.mirror)
            NTDSB_CHECK(platform::remove_restore_mirror()); // MIR-3: before the record says started
        NTDSB_CHECK(record_start(instance, *known.record));
        add_to_history(instance, HistoryEvent::started, &*known.record);
        gate.completed = std::move(known.record);
    }
    return gate;
}

Result<void> take_back_start(const Instance& instance, const StartGate& gate) {
    if (!gate.completed) return ok();
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_CHECK(save_record(instance, *gate.completed));
    add_to_history(instance, HistoryEvent::not_started, &*gate.completed);
    return ok();
}

} // namespace ntdsb::service
