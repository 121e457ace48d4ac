// Starts a child process that inherits exactly one handle, waits for it, and returns its exit
// status: how the gate is handed on to the engine (design point 9). Used by the tools only.
#pragma once

#include "platform/file.h"

namespace ntdsb::platform {

// Runs `arguments` (program first, found on PATH) with `inherited` open in the child, and waits.
// Returns the exit status (128 + signal off Windows).
Result<int> run_child(const std::vector<std::u16string>& arguments, NativeHandle inherited);

} // namespace ntdsb::platform
