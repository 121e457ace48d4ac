// Starts a child process that inherits exactly one handle, waits for it, and returns its exit
// status: how the gate is handed on to the engine (design point 9). Used by the tools only.
#pragma once

#include "platform/file.h"

namespace ntdsb::platform {

// Runs `arguments` (program first, found on PATH) with `inherited` open in the child, and waits.
// Returns the exit status (128 + signal off Windows). `was_started` tells the program that could
// not be run from one that could not be waited for.
Result<int> run_child(const std::vector<std::u16string>& arguments, NativeHandle inherited,
                      bool& was_started);

} // namespace ntdsb::platform
