// How far a long command has come: a bar with rate and time left on a terminal, plain lines
// elsewhere, nothing with --json. Always on the standard error.
#pragma once

#include "tools/commands.h"

#include <chrono>
#include <cstdint>
#include <functional>

namespace ntdsb::tools {

class Progress {
public:
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    // `title`: "reading", "checking sums". `now` is for tests.
    Progress(const Options& options, std::string title, Now now = Clock::now);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    // Ends the bar's line.
    ~Progress();

    // Bytes done of bytes in all. Elsewhere than on a terminal a line is printed when another tenth
    // is done or five seconds have passed; on one the bar is drawn ten times a second at most.
    void update(std::uint64_t done, std::uint64_t total);
    void add(std::uint64_t bytes) { update(done_ + bytes, total_); }
    void expect(std::uint64_t total) { total_ = total; }

private:
    std::string figures(Clock::duration elapsed) const;
    void draw_bar(Clock::time_point now);
    void print_line(Clock::time_point now);

    std::ostream* out_ = nullptr; // null: nothing is shown
    bool is_terminal_ = false;
    std::string title_;
    Now now_;
    Clock::time_point begun_;
    std::uint64_t done_ = 0, total_ = 0;
    std::uint64_t shown_tenths_ = 0;
    Clock::time_point shown_at_;
    std::size_t drawn_ = 0; // characters of the bar's line
};

// "24.0 MiB"
std::string size_text(std::uint64_t bytes);
// "1:05", "2:03:04"
std::string duration_text(std::uint64_t seconds);

} // namespace ntdsb::tools
