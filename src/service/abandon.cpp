// See abandon.h.
#include "service/abandon.h"

#include "core/log.h"
#include "core/path.h"
#include "platform/domain_controller.h"
#include "service/history.h"
#include "service/interlock_view.h"

namespace ntdsb::service {

namespace {

bool is_as_seen(const Known& known, const InterlockStatus& seen) {
    if (known.record.has_value() != seen.record.has_value()) return false;
    if (!known.record) return known.problem == seen.record_problem;
    return known.record->registered_at == seen.record->registered_at &&
           known.record->changed_at == seen.record->changed_at &&
           known.record->state == seen.record->state && known.record->holder == seen.record->holder;
}

// Each step leaves a directory that is blocked until the last one is done.
Result<void> unblock(const Instance& instance, const Known& known) {
    if (is_default(instance)) NTDSB_CHECK(platform::set_restored_from_backup()); // DC-2
    if (known.mirror) NTDSB_CHECK(platform::remove_restore_mirror());
    if (!known.problem.empty()) {
        NTDSB_CHECK(set_record_aside(instance));
        NTDSB_CHECK(name_set_aside_record(instance));
        return platform::flush_folder(native_path(instance.directory().state_path));
    }
    if (known.record && known.record->state != RecordState::started) return remove_record(instance);
    return ok();
}

// What is abandoned, and the restore lock, which keeps others from registering: the files may take
// longer than anybody waits for decide.lock.
struct Claim {
    Known known;
    std::optional<platform::Lock> lock;
};

// std::nullopt: nothing blocks the directory.
Result<std::optional<Claim>> claim(const Instance& instance, const InterlockStatus& seen) {
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_CHECK(check_no_session(instance));
    NTDSB_TRY(auto known, look(instance));
    if (check_record(known)) return std::optional<Claim>{};
    if (!is_as_seen(known, seen))
        return fail(hrRestoreInProgress, "REC-10: the record has changed meanwhile: another "
                                         "restore was registered or ended; look at it again");
    NTDSB_TRY(auto lock, take(instance, restore_lock_file, this_process()));
    return std::optional(Claim{std::move(known), std::move(lock)});
}

} // namespace

Result<bool> abandon_restore(const Instance& instance, const InterlockStatus& seen,
                             const std::function<Result<void>()>& make_ready) {
    NTDSB_TRY(const auto claimed, claim(instance, seen));
    if (!claimed) return false;
    NTDSB_CHECK(make_ready());
    NTDSB_TRY(const auto decision, decide(instance));
    const Known& known = claimed->known;
    NTDSB_CHECK(unblock(instance, known));
    add_to_history(instance, HistoryEvent::abandoned, known.record ? &*known.record : nullptr);
    log::warn("REC-10: the restore of ", instance.directory().database,
              " is abandoned; the directory may start");
    return true;
}

Result<void> note_ended_session(const Instance& instance) {
    NTDSB_TRY(const auto decision, decide(instance));
    NTDSB_TRY(const auto known, look(instance));
    add_to_history(instance, HistoryEvent::session_ended, known.record ? &*known.record : nullptr);
    return ok();
}

} // namespace ntdsb::service
