// The private log of the library: synchronous, off by default, never the host's. The one place that
// knows the logging library is log.cpp. Secrets are never passed to it.
#pragma once

#include "core/result.h"

#include <array>
#include <string>
#include <string_view>

namespace ntdsb::log {

enum class Level { off, error, warn, info, debug, trace };
// As the configuration and NTDSBCLI_LOG name them, in the order of Level.
inline constexpr std::array<std::string_view, 6> level_names{"off",  "error", "warn",
                                                             "info", "debug", "trace"};

struct Settings {
    Level level = Level::off;
    std::u16string file; // empty: standard error
};

// Replaces the destination and level of the process's log; equal settings do nothing. A file that
// cannot be opened is an error that names it, and logging goes on to standard error. Thread-safe.
Result<void> configure(const Settings& settings);

bool enabled(Level level) noexcept;
// One line. Never throws: a line that cannot be written is dropped. Preserves the thread's
// last-error value.
void write(Level level, std::string_view line) noexcept;

template <class... Parts>
void line(Level level, const Parts&... parts) noexcept {
    if (!enabled(level)) return;
    try {
        write(level, text(parts...));
    } catch (...) { // out of memory while building a log line must not fail the call that is logged
    }
}
template <class... Parts>
void error(const Parts&... parts) noexcept {
    line(Level::error, parts...);
}
template <class... Parts>
void warn(const Parts&... parts) noexcept {
    line(Level::warn, parts...);
}
template <class... Parts>
void info(const Parts&... parts) noexcept {
    line(Level::info, parts...);
}
template <class... Parts>
void debug(const Parts&... parts) noexcept {
    line(Level::debug, parts...);
}
template <class... Parts>
void trace(const Parts&... parts) noexcept {
    line(Level::trace, parts...);
}

} // namespace ntdsb::log
