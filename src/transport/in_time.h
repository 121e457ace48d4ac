// Work that the system may keep waiting without limit (the look-up of a name, a KDC) and that a
// caller waits for until a given time only. Knows no transport.
#pragma once

#include "core/result.h"

#include <chrono>
#include <functional>

namespace ntdsb::transport {

// More threads than this are not left behind: then nothing is tried until one of them ends.
inline constexpr unsigned most_left_behind = 64;

// Runs `work` on a thread of its own, with the calling thread's rights, and waits for its end, but
// not longer than until `deadline`. False: it is left behind. Then it goes on, and this module
// stays loaded for it; what `work` holds goes with its thread, so it must own, or share, all that
// it uses. hrCouldNotConnect when too many are left behind already, and the system's code where
// the thread cannot be had.
Result<bool> done_in_time(std::chrono::steady_clock::time_point deadline,
                          std::function<void()> work);

} // namespace ntdsb::transport
