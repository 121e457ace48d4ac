// Work that the system may keep waiting without limit (the look-up of a name, a KDC) and that a
// caller waits for until a given time only. Knows no transport.
#pragma once

#include "core/result.h"

#include <chrono>
#include <functional>

namespace ntdsb::transport {

// While so many threads are left behind, nothing is tried: those that were begun before may become
// more.
inline constexpr unsigned most_left_behind = 64;

// Runs `work` on a thread of its own, with the calling thread's rights, and waits for its end, but
// not longer than until `deadline`. False: it is left behind. Then it goes on, and this module
// stays loaded for it; what `work` holds goes with its thread, so it must own, or share, all that
// it uses. hrCouldNotConnect when that many are left behind already, and ERROR_NOT_ENOUGH_MEMORY
// where the thread cannot be had. What `work` throws comes out of here.
Result<bool> done_in_time(std::chrono::steady_clock::time_point deadline,
                          std::function<void()> work);

} // namespace ntdsb::transport
