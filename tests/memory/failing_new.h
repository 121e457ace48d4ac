// The executable's operator new, which fails when a test says so; the library's allocations go
// through it, too.
#pragma once

namespace memory {

enum class Mode { once, from_then_on };

// The `number`th allocation of this thread from now on (1: the next) fails; with `from_then_on` all
// later ones, too.
void fail_allocation(long number, Mode mode);
// All succeed again. Whether one has failed.
bool stop_failing();

// The same of another thread (its gettid), once.
void fail_allocation_of(int thread, long number);
bool stop_failing_of_others();

} // namespace memory
