// Inside of the interlock: what its locks, its record and the mirror say, as its decisions
// (interlock.cpp, restore_registration.cpp) read them. All but `decide` is called under decide.lock
// only, and the other locks are tried only there; so a lock that is tried is never mistaken for one
// that is held.
#pragma once

#include "service/interlock.h"

namespace ntdsb::service {

inline constexpr std::string_view engine_lock_file = "engine.lock";
inline constexpr std::string_view backup_lock_file = "backup.lock";
inline constexpr std::string_view restore_lock_file = "restore.lock";

// The holder's line of a lock and of a record: "pid 123 on dc1".
std::string this_process();

// decide.lock itself.
Result<platform::Lock> decide(const Instance& instance);

// Takes another one if it is free.
Result<std::optional<platform::Lock>> take(const Instance& instance, std::string_view lock_file,
                                           std::string_view holder);

// Who holds a lock; std::nullopt: nobody.
Result<std::optional<std::string>> holder_of(const Instance& instance, std::string_view lock_file);

// ONL-1: who runs the directory; std::nullopt: nobody.
Result<std::optional<std::string>> running_engine(const Instance& instance);

struct RunningBackup {
    BackupSource source;
    std::string holder;
};
Result<std::optional<RunningBackup>> running_backup(const Instance& instance);
// The first word of backup.lock's holder tells what it reads.
std::string backup_holder(BackupSource source);

// REC-2: what record and mirror say, with the record's own trouble kept apart.
struct Known {
    std::optional<RegistrationRecord> record;
    std::string problem; // not empty: unreadable, damaged or of a future version
    bool mirror = false;
};
Result<Known> look(const Instance& instance);

// MIR-1, MIR-2
bool is_mirrored(const Instance& instance);
// Whether the vendor's registry keys can be about this directory.
bool is_default(const Instance& instance);

// hrRestoreInProgress and what to do, unless the record lets the directory start (REC-3..REC-8,
// MIR-4).
Result<void> check_record(const Known& known);
// hrRestoreInProgress while a session holds the restore lock (REC-4, REC-9).
Result<void> check_no_session(const Instance& instance);

} // namespace ntdsb::service
