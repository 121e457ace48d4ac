// What the figures are made of: times, the things measured, the bare operations beside them.
#pragma once

#include "platform/file.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace ntdsb::bench {

using Seconds = std::chrono::duration<double>;

template <class Action>
double seconds_of(Action&& action) {
    const auto begun = std::chrono::steady_clock::now();
    action();
    return Seconds(std::chrono::steady_clock::now() - begun).count();
}
inline double median(std::vector<double> values) {
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

// Page checksums beside memcpy and a plain XOR over the same memory; prints.
void show_page_rates();

// `from` written to a new file beside `to`, flushed, renamed to it, the folder flushed: by the
// system's own calls alone.
void bare_atomic_write(const platform::Path& to, const std::vector<std::byte>& from);

} // namespace ntdsb::bench
