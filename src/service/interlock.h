// The interlock and the start gate (contract REG-6..8, section 6; design point 9): which of
// {running engine, backup, restore} may be, decided under one short lock with the record read after
// it is taken. The only writer of record and mirror. Knows locks and the record, no session and no
// wire.
//
// Lock files in the state folder: engine.lock, backup.lock, restore.lock (only ever tried) and
// decide.lock (waited for, at most 10 s, then ERROR_LOCK_VIOLATION).
#pragma once

#include "platform/lock.h"
#include "service/record.h"

#include <functional>

namespace ntdsb::service {

enum class BackupSource { live, snapshot };

// What an instance's locks and record say, at one moment (for status and check-start).
struct InterlockStatus {
    bool engine_running = false;
    std::optional<BackupSource> backup;
    bool restore_session_alive = false;
    std::optional<RegistrationRecord> record; // none: no record, or an unreadable one
    std::string record_problem;         // not empty: unreadable, damaged or of a future version
    bool mirror_without_record = false; // contract MIR-4
    std::string engine_holder, backup_holder, restore_holder;
    // What keeps the directory from starting: its code, and a sentence that says what to do;
    // std::nullopt if nothing does.
    std::optional<Error> start_blocked;
};
Result<InterlockStatus> interlock_status(const Instance& instance);

// ONL-1: the engine lock is held, or the vendor's NTDS service runs (default instance on Windows).
// False without a look at locks where there is no state folder yet, since nothing can have been
// started through it.
Result<bool> directory_is_online(const Instance& instance);

// A registered restore: holds the restore lock until it is completed, failed or destroyed
// (destroyed: blocked, lock released; contract END-2).
class RestoreRegistration {
public:
    // REG-6..8 in their order, then record and mirror. Durable when it returns (REG-13). `request`
    // is resolved already.
    static Result<RestoreRegistration> enter(InstancePtr instance,
                                             wire::RestoreRegister::Request request);

    const wire::RestoreRegister::Request& request() const noexcept { return record_.request; }

    // CMPL-3's last step: records "completed", which unblocks the directory, then releases the
    // interlock. On failure it stays registered.
    Result<void> complete();
    // CMPL-2: records the failure and releases the interlock; the directory stays blocked. On
    // failure it stays registered.
    Result<void> record_failure(Code restore_state);

private:
    RestoreRegistration(InstancePtr instance, platform::Lock lock, RegistrationRecord record);
    Result<void> settle(RecordState state, Code outcome);
    Result<void> check_own_record() const;

    InstancePtr instance_;
    std::optional<platform::Lock> lock_;
    RegistrationRecord record_;
};

// A running backup: holds the backup lock until it is destroyed.
class BackupClaim {
public:
    // A second backup: hrBackupInProgress (BPREP-5). Live files also need a directory that is not
    // in mid-restore (hrRestoreInProgress, BPREP-6) and that is stopped (hrBackupNotAllowedYet,
    // BPREP-4); it cannot start while they are claimed.
    static Result<BackupClaim> enter(const Instance& instance, BackupSource source);

private:
    explicit BackupClaim(platform::Lock lock) : lock_(std::move(lock)) {}
    platform::Lock lock_;
};

// Runs `action` under decide.lock if the record is none or started and no restore lock is held,
// else hrRestoreInProgress (contract BTRUNC-2).
Result<void> with_no_restore(const Instance& instance, const std::function<Result<void>()>& action);

// An open gate.
struct StartGate {
    platform::Lock engine; // to be handed on to the engine
    // The restore that this start marked started, as it was; none: there was none to mark.
    std::optional<RegistrationRecord> completed;
};

// The gate: takes the engine lock under decide.lock if the record lets the directory start, and
// marks a completed restore started (mirror removed first, MIR-3). hrRestoreInProgress,
// hrBackupInProgress or hrDatabaseInUse with a sentence that says what blocks and what to do.
Result<StartGate> start_directory(const Instance& instance);

// The engine could not be run: a restore that `gate` marked is completed and not started again
// (REC-7). Called while the gate is held, so nobody else has changed the record.
Result<void> take_back_start(const Instance& instance, const StartGate& gate);

} // namespace ntdsb::service
