// The registration record (contract REC-1): what is known on disk of the last restore. Encodes,
// decodes, loads and saves it; what its states allow is interlock.h's.
#pragma once

#include "service/instance.h"
#include "wire/operations.h"

#include <optional>

namespace ntdsb::service {

enum class RecordState : std::uint32_t { registered = 1, failed = 2, completed = 3, started = 4 };

struct RegistrationRecord {
    RecordState state = RecordState::registered;
    Code outcome = 0;                // hrRestoreState of a failed restore
    std::uint64_t registered_at = 0; // FILETIME
    std::uint64_t changed_at = 0;    // FILETIME of the last change of state
    std::uint32_t process_id = 0;
    std::string holder;                     // for people, as in the lock files
    wire::RestoreRegister::Request request; // its context handle is zero
};

wire::Bytes encode_record(const RegistrationRecord& record);
// ERROR_INVALID_DATA for damage, ERROR_NOT_SUPPORTED for a future format version.
Result<RegistrationRecord> decode_record(std::span<const std::byte> bytes);

// std::nullopt: there is none.
Result<std::optional<RegistrationRecord>> load_record(const Instance& instance);
Result<void> save_record(const Instance& instance, const RegistrationRecord& record);
// None there is success.
Result<void> remove_record(const Instance& instance);

// An unreadable record gives way to a new one and is kept (contract REC-8): set aside, the new one
// saved, then named for keeps. A record that lies aside with no new one in its place still counts
// as an unreadable record, so that no crash on the way unblocks the directory.
Result<void> set_record_aside(const Instance& instance);
Result<void> name_set_aside_record(const Instance& instance); // none there is success

} // namespace ntdsb::service
