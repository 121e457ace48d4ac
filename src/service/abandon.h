// The administrator's ways out of a restore that nobody will finish (contract REC-10). Whether the
// directory's files are sound, and whether the administrator means it, is for the caller to ask.
#pragma once

#include "service/interlock.h"

#include <functional>

namespace ntdsb::service {

// Unblocks a directory whose record is registered and orphaned, failed or unreadable, or that only
// the registry mirror blocks: removes mirror and record (an unreadable one is kept aside), and
// writes the history. `seen` is the status on which the decision was made: hrRestoreInProgress if
// a session is alive (named) or the record is another one by now. On a domain controller's
// default instance the mark of DC-2 is set first: whether a database was copied is not known.
// `make_ready` is called before anything of this is done, while no restore can be registered; its
// failure is the result, and the directory stays blocked.
// False: nothing blocks the directory that could be abandoned.
Result<bool> abandon_restore(const Instance& instance, const InterlockStatus& seen,
                             const std::function<Result<void>()>& make_ready);

// A line in the history: the process that held the restore lock was ended. Its registration stays.
Result<void> note_ended_session(const Instance& instance);

} // namespace ntdsb::service
