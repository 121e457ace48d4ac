// A restore's entry into the interlock and its way out of it (interlock.h; contract REG-6..8,
// CMPL-2, CMPL-3, MIR-1, DC-2): the writer of record and mirror.
#include "service/history.h"
#include "service/interlock_view.h"

#include "core/log.h"
#include "platform/domain_controller.h"
#include "platform/process.h"

namespace ntdsb::service {

namespace {

RegistrationRecord new_record(wire::RestoreRegister::Request request) {
    RegistrationRecord record;
    record.registered_at = record.changed_at = platform::now_filetime();
    record.process_id = platform::process_id();
    record.holder = this_process();
    record.request = std::move(request);
    record.request.session = {};
    return record;
}

bool is_same_registration(const RegistrationRecord& a, const RegistrationRecord& b) {
    return a.registered_at == b.registered_at && a.process_id == b.process_id &&
           a.holder == b.holder;
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

// Brings back what was there before a decision that failed on the way. An unreadable record, or a
// mirror alone, blocked the directory as what is there now does, and cannot be written anew. If
// bringing back fails too, what stays blocks the directory, which is the safe side.
void take_back(const Instance& instance, const Known& before) {
    if (!before.record && (!before.problem.empty() || before.mirror)) return;
    Result<void> undone = ok();
    if (is_mirrored(instance) && !before.mirror)
        undone =
            platform::remove_restore_mirror(); // first: without a record it would block (MIR-4)
    if (undone)
        undone = before.record ? save_record(instance, *before.record) : remove_record(instance);
    // The failed attempt to replace it may have removed the mirror that was there.
    if (undone && is_mirrored(instance) && before.mirror && before.record)
        undone = platform::write_restore_mirror(mirror_of(before.record->request));
    if (!undone)
        log::error(
            "REG-13: what a failed decision wrote stays and keeps the directory from starting: ",
            undone.error().what);
}

// Saves `record`; a failure leaves what was there, also where the new file was in its place already
// and could not be made durable.
Result<void> save_or_take_back(const Instance& instance, const RegistrationRecord& record,
                               const Known& before) {
    Result<void> saved = ok();
    try {
        saved = save_record(instance, record);
    } catch (const std::bad_alloc&) { // the new record may be in its place
        saved = fail(ERROR_NOT_ENOUGH_MEMORY, "COM-10: out of memory while the record was saved");
    }
    if (saved) return saved;
    const auto there = load_record(instance);
    const bool is_new = there && there.value() && is_same_registration(*there.value(), record) &&
                        there.value()->state == record.state;
    if (is_new) take_back(instance, before);
    return saved; // cppcheck-suppress identicalConditionAfterEarlyExit ; a failed Result
}

// The restore is registered already: what goes wrong here is only told.
void name_set_aside(const Instance& instance) noexcept {
    try {
        if (auto named = name_set_aside_record(instance); !named)
            log::warn("REC-8: the unreadable record keeps its name: ", named.error().what);
    } catch (const std::bad_alloc&) {
        log::warn("REC-8: the unreadable record keeps its name: out of memory");
    }
}

// The record first and then its mirror: a crash between them leaves a directory that is blocked,
// like every other one in mid-restore.
Result<void> write_registration(const Instance& instance, const RegistrationRecord& record,
                                const Known& before) {
    if (!before.problem.empty()) {
        log::warn("REC-8: ", before.problem,
                  "; it is kept aside, and the new registration takes its place");
        NTDSB_CHECK(set_record_aside(instance));
    }
    const auto mirror = mirror_of(record.request);
    NTDSB_CHECK(save_or_take_back(instance, record, before));
    Result<void> told = ok();
    try {
        if (is_mirrored(instance)) told = platform::write_restore_mirror(mirror);
        if (told && is_default(instance))
            told = platform::keep_restored_mark_over_restore(); // DC-2
    } catch (const std::bad_alloc&) {
        told = fail(ERROR_NOT_ENOUGH_MEMORY, "COM-10: out of memory while the mirror was written");
    }
    if (!told) {
        take_back(instance, before);
        return told;
    }
    name_set_aside(instance);
    return ok();
}

// REG-6, REG-7
Result<void> check_may_register(const Instance& instance) {
    NTDSB_TRY(const auto engine, running_engine(instance));
    if (engine)
        return fail(hrDatabaseInUse, "REG-6: the directory is running, started by ", *engine,
                    "; stop it, then register");
    NTDSB_TRY(const auto backup, running_backup(instance));
    if (backup && backup->source == BackupSource::live)
        return fail(hrBackupInProgress, "REG-7: a backup reads the live files: ", backup->holder,
                    "; wait for it, or end it");
    return ok();
}

} // namespace

RestoreRegistration::RestoreRegistration(InstancePtr instance, platform::Lock lock,
                                         RegistrationRecord record)
    : instance_(std::move(instance)), lock_(std::move(lock)), record_(std::move(record)) {}

Result<RestoreRegistration> RestoreRegistration::enter(InstancePtr instance,
                                                       wire::RestoreRegister::Request request) {
    NTDSB_TRY(const auto decision, decide(*instance));
    NTDSB_CHECK(check_may_register(*instance));
    NTDSB_TRY(auto lock, take(*instance, restore_lock_file, this_process()));
    if (!lock)
        return fail(hrRestoreInProgress, "REG-8: a restore is registered by ",
                    platform::read_lock_holder(instance->state_file(restore_lock_file)),
                    ", whose session is alive; wait until it completes, or end it");
    NTDSB_TRY(const auto before, look(*instance));
    auto record = new_record(std::move(request));
    NTDSB_CHECK(write_registration(*instance, record, before));
    add_to_history(*instance, HistoryEvent::registered, &record);
    return RestoreRegistration(std::move(instance), std::move(*lock), std::move(record));
}

// Someone may have removed the state folder's files, and another restore have been registered
// since: that one's record is not ours to settle.
Result<void> RestoreRegistration::check_own_record() const {
    NTDSB_TRY(const auto there, load_record(*instance_));
    if (there && is_same_registration(*there, record_)) return ok();
    return fail(hrError, "CMPL-1: the record of this registration was ",
                there ? "replaced" : "removed",
                " by someone else; nothing is unblocked. End this session and register again");
}

Result<void> RestoreRegistration::settle(RecordState state, Code outcome) {
    NTDSB_TRY(const auto decision, decide(*instance_));
    NTDSB_CHECK(check_own_record());
    if (state == RecordState::completed && is_default(*instance_))
        NTDSB_CHECK(platform::set_restored_from_backup()); // DC-2
    RegistrationRecord record = record_;
    record.state = state;
    record.outcome = outcome;
    record.changed_at = platform::now_filetime();
    NTDSB_CHECK(save_or_take_back(*instance_, record, Known{record_, {}, is_mirrored(*instance_)}));
    add_to_history(*instance_,
                   state == RecordState::completed ? HistoryEvent::completed : HistoryEvent::failed,
                   &record);
    lock_.reset();
    return ok();
}

Result<void> RestoreRegistration::complete() { return settle(RecordState::completed, S_OK); }

Result<void> RestoreRegistration::record_failure(Code restore_state) {
    return settle(RecordState::failed, restore_state);
}

} // namespace ntdsb::service
