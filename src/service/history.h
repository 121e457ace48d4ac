// The history of an instance's restores: history.log in its state folder, one JSON object a line,
// for people and for `ntdsbctl history`. Nothing is decided by it, and a failure to write it fails
// nothing (contract REC-11).
#pragma once

#include "service/record.h"

namespace ntdsb::service {

inline constexpr std::string_view history_file = "history.log";
inline constexpr std::string_view older_history_file = "history.1.log";
// A file that has reached this becomes the older one, which it replaces.
inline constexpr std::uint64_t history_limit = std::uint64_t{1} << 20;

enum class HistoryEvent {
    registered,
    completed,
    failed,
    started,
    not_started, // after `started`: the engine could not be run
    abandoned,
    session_ended
};

// Appends {time, event, holder: this process, and of `record` registered_by, registered_at,
// gen_low, gen_high, and outcome where it failed}; `record` may be null where there is none to
// name. Flushed, but for `registered`: the record itself says that durably, and REG-13 shall cost
// no second flush. Called under decide.lock, like everything else that writes there.
void add_to_history(const Instance& instance, HistoryEvent event,
                    const RegistrationRecord* record) noexcept;

} // namespace ntdsb::service
