// See progress.h.
#include "tools/progress.h"

#include <array>
#include <cmath>
#include <ostream>

namespace ntdsb::tools {

namespace {

using std::chrono::duration;
using std::chrono::duration_cast;

constexpr std::size_t bar_width = 30;
constexpr std::chrono::seconds line_pause{5};
constexpr std::chrono::milliseconds bar_pause{100};

// How many of `parts` are done.
std::uint64_t share(std::uint64_t done, std::uint64_t total, std::uint64_t parts) {
    const double fraction = static_cast<double>(std::min(done, total)) / static_cast<double>(total);
    return static_cast<std::uint64_t>(fraction * static_cast<double>(parts));
}

} // namespace

std::string size_text(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 6> units{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t unit = 0;
    std::uint64_t divisor = 1;
    while (unit + 1 < units.size() && bytes / divisor >= 1024) {
        divisor *= 1024;
        ++unit;
    }
    if (unit == 0) return text(bytes, " bytes");
    return text(bytes / divisor, ".", bytes % divisor / (divisor / 1024) * 10 / 1024, " ",
                units[unit]);
}

std::string duration_text(std::uint64_t seconds) {
    const auto two = [](std::uint64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    const std::uint64_t hours = seconds / 3600;
    const std::uint64_t minutes = seconds / 60 % 60;
    if (hours != 0) return text(hours, ":", two(minutes), ":", two(seconds % 60));
    return text(minutes, ":", two(seconds % 60));
}

Progress::Progress(const Options& options, std::string title, Now now)
    : out_(options.json ? nullptr : options.err), is_terminal_(options.err_is_terminal),
      title_(std::move(title)), now_(std::move(now)), begun_(now_()), shown_at_(begun_) {}

Progress::~Progress() {
    if (out_ != nullptr && drawn_ != 0) *out_ << '\n';
}

void Progress::update(std::uint64_t done, std::uint64_t total) {
    done_ = done;
    total_ = total;
    if (out_ == nullptr || total_ == 0) return;
    const auto now = now_();
    const std::uint64_t tenths = share(done_, total_, 10);
    if (is_terminal_) {
        if (drawn_ == 0 || done_ >= total_ || now - shown_at_ >= bar_pause) draw_bar(now);
    } else if (tenths > shown_tenths_ || now - shown_at_ >= line_pause) {
        shown_tenths_ = tenths;
        print_line(now);
    }
}

// " 40% of 24.0 MiB, 120.0 MiB/s, 0:07 left"
std::string Progress::figures(Clock::duration elapsed) const {
    const double seconds = duration_cast<duration<double>>(elapsed).count();
    std::string line = text(share(done_, total_, 100), "% of ", size_text(total_));
    if (seconds <= 0 || done_ == 0) return line;
    const double rate = static_cast<double>(done_) / seconds;
    line += text(", ", size_text(static_cast<std::uint64_t>(rate)), "/s");
    if (done_ < total_)
        line += text(", ",
                     duration_text(static_cast<std::uint64_t>(
                         std::llround(static_cast<double>(total_ - done_) / rate))),
                     " left");
    return line;
}

void Progress::draw_bar(Clock::time_point now) {
    const auto filled = static_cast<std::size_t>(share(done_, total_, bar_width));
    std::string line = text(title_, " [", std::string(filled, '#'),
                            std::string(bar_width - filled, '.'), "] ", figures(now - begun_));
    const std::size_t length = line.size();
    if (length < drawn_) line.append(drawn_ - length, ' ');
    *out_ << '\r' << line << std::flush;
    drawn_ = length;
    shown_at_ = now;
}

void Progress::print_line(Clock::time_point now) {
    *out_ << title_ << ": " << figures(now - begun_) << std::endl;
    shown_at_ = now;
}

} // namespace ntdsb::tools
