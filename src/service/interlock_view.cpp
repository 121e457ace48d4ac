// Reading locks, record and mirror (interlock_view.h).
#include "service/interlock_view.h"

#include "core/path.h"
#include "platform/domain_controller.h"
#include "platform/process.h"

namespace ntdsb::service {

namespace {

constexpr std::string_view decide_lock_file = "decide.lock";
constexpr std::uint32_t decide_timeout_ms = 10'000; // design point 9

constexpr std::string_view snapshot_word = "snapshot, ";
constexpr std::string_view live_word = "live, ";

constexpr std::string_view run_again = "run the restore again and complete it";

// Says nothing about the record, which may be sound: it is not to be set aside for that.
bool is_of_this_moment(Code code) {
    constexpr Code no_system_resources = 1450; // Windows' own
    switch (code) {
    case ERROR_TOO_MANY_OPEN_FILES:
    case ERROR_NOT_ENOUGH_MEMORY:
    case no_system_resources:
    case ERROR_SHARING_VIOLATION: // a scanner has it open
    case ERROR_LOCK_VIOLATION:
        return true;
    default:
        return false;
    }
}

} // namespace

std::string this_process() {
    const auto names = platform::computer_names();
    const std::u16string_view computer =
        names.empty() ? u"localhost" : std::u16string_view(names.front());
    return text("pid ", platform::process_id(), " on ", computer);
}

Result<platform::Lock> decide(const Instance& instance) {
    auto lock = platform::wait_lock(instance.state_file(decide_lock_file), this_process(),
                                    decide_timeout_ms);
    if (!lock) return state_file_error(std::move(lock).error());
    return lock;
}

Result<std::optional<platform::Lock>> take(const Instance& instance, std::string_view lock_file,
                                           std::string_view holder) {
    auto lock = platform::try_lock(instance.state_file(lock_file), holder);
    if (!lock) return state_file_error(std::move(lock).error());
    return lock;
}

Result<std::optional<std::string>> holder_of(const Instance& instance, std::string_view lock_file) {
    NTDSB_TRY(const auto lock, take(instance, lock_file, this_process()));
    if (lock) return std::optional<std::string>{};
    std::string holder = platform::read_lock_holder(instance.state_file(lock_file));
    return std::optional(holder.empty() ? "an unknown process" : std::move(holder));
}

Result<std::optional<std::string>> running_engine(const Instance& instance) {
    if (is_default(instance)) {
        NTDSB_TRY(const auto service, platform::ntds_service_state());
        if (service == platform::ServiceState::running)
            return std::optional<std::string>("the NTDS service");
    }
    return holder_of(instance, engine_lock_file);
}

Result<std::optional<RunningBackup>> running_backup(const Instance& instance) {
    NTDSB_TRY(auto holder, holder_of(instance, backup_lock_file));
    if (!holder) return std::optional<RunningBackup>{};
    const auto source =
        holder->starts_with(snapshot_word) ? BackupSource::snapshot : BackupSource::live;
    return std::optional(RunningBackup{source, std::move(*holder)});
}

std::string backup_holder(BackupSource source) {
    return text(source == BackupSource::live ? live_word : snapshot_word, this_process());
}

Result<Known> look(const Instance& instance) {
    Known known;
    auto record = load_record(instance);
    if (record)
        known.record = std::move(record).value();
    else if (is_of_this_moment(record.error().code))
        return std::move(record).error();
    else
        known.problem = std::move(record).error().what;
    if (is_mirrored(instance)) {
        NTDSB_TRY(known.mirror, platform::restore_mirror_exists());
    }
    return known;
}

bool is_default(const Instance& instance) { return instance.directory().name.empty(); }

bool is_mirrored(const Instance& instance) {
    return instance.directory().registry_mirror && is_default(instance);
}

Result<void> check_record(const Known& known) {
    if (!known.problem.empty())
        return fail(hrRestoreInProgress, "REC-8: ", known.problem,
                    "; what it says is unknown, so the directory stays blocked: ", run_again);
    if (known.mirror && (!known.record || known.record->state == RecordState::started))
        return fail(hrRestoreInProgress,
                    "MIR-4: the registry key \"Restore In Progress\" says that a restore is in "
                    "progress, and no record here knows of it; ",
                    run_again, ", or find out which program wrote the key");
    if (!known.record) return ok();
    const RegistrationRecord& record = *known.record;
    const std::string since = text("the restore that ", record.holder, " registered at ",
                                   platform::format_filetime(record.registered_at));
    switch (record.state) {
    case RecordState::registered:
        return fail(hrRestoreInProgress, "REC-5: ", since, " was never completed; ", run_again);
    case RecordState::failed:
        return fail(hrRestoreInProgress, "REC-6: ", since, " failed with ", hex(record.outcome),
                    "; ", run_again);
    case RecordState::completed:
    case RecordState::started:
        break;
    }
    return ok();
}

Result<void> check_no_session(const Instance& instance) {
    NTDSB_TRY(const auto holder, holder_of(instance, restore_lock_file));
    if (!holder) return ok();
    return fail(hrRestoreInProgress, "REC-4: a restore is registered by ", *holder,
                ", whose session is alive; wait until it completes, or end it");
}

} // namespace ntdsb::service
