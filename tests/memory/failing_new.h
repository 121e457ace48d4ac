// The executable's operator new, which fails when a test says so; the library's allocations go
// through it, too.
#pragma once

namespace memory {

enum class Mode { once, from_then_on };

// The `number`th allocation of one thread from now on (1: the next) fails; with `from_then_on` all
// later ones, too. `thread`: as gettid tells it; 0: the caller.
void fail_allocation(long number, Mode mode, int thread = 0);
// All succeed again. Whether one has failed.
bool stop_failing();

} // namespace memory
