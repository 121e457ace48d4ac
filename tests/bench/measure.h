// The harness of all side-by-side figures, natively and under Wine: ours and its peer are measured
// by turns, slice by slice, so that what else the machine does meets both; the ratio is the median
// of the slices' ratios. A figure is printed as one line of JSON, for bench.py to collect.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace ntdsb::bench {

template <class Action>
double seconds_of(Action&& action) {
    const auto begun = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

inline double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

// What a figure may take, in seconds: NTDSB_BENCH_SECONDS, or 1.
inline double budget() {
    const char* const set = std::getenv("NTDSB_BENCH_SECONDS");
    return set != nullptr ? std::atof(set) : 1.0;
}

// Something done again and again: `act` does `amount` units (calls, MiB) of it.
template <class Action>
struct Work {
    Action act;
    double amount;
};
template <class Action>
Work(Action, double) -> Work<Action>;

// `call` as often as fills a slice of about two milliseconds.
template <class Call>
auto repeated(Call call) {
    const auto act = [call](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) call();
    };
    // The best of three: one alone may have waited for another process.
    const auto seconds = [&](std::size_t count) {
        return std::min({seconds_of([&] { act(count); }), seconds_of([&] { act(count); }),
                         seconds_of([&] { act(count); })});
    };
    std::size_t times = 1;
    while (seconds(times) < 2e-3) times *= 2;
    return Work{[act, times] { act(times); }, static_cast<double>(times)};
}

// Seconds per unit, slice by slice.
struct Turns {
    std::vector<double> ours, peer;
};

template <class Ours, class Peer>
Turns by_turns(const Ours& ours, const Peer& peer, double seconds = budget()) {
    constexpr std::size_t fewest = 5;
    Turns turns;
    ours.act(); // what only the first time costs
    peer.act();
    for (double spent = 0; spent < seconds || turns.ours.size() < fewest;) {
        const double a = seconds_of(ours.act), b = seconds_of(peer.act);
        turns.ours.push_back(a / ours.amount);
        turns.peer.push_back(b / peer.amount);
        spent += a + b;
    }
    return turns;
}

// What the issues ask of a ratio.
struct Goal {
    const char* kind = "none"; // "at least", "at most"
    double value = 0;
};
constexpr Goal at_least(double value) { return {"at least", value}; }
constexpr Goal at_most(double value) { return {"at most", value}; }

struct Figure {
    std::string group; // "DsBackupRead, embedded"
    std::string name;  // "1 MiB buffers, verification off"
    std::string peer;  // "read(2)"
    std::string unit;  // "ns", "us", "ms": less is better; "MiB/s", "/s": more is
    Goal goal{};
};

inline void report(const Figure& figure, const Turns& turns) {
    const bool is_rate = figure.unit.find("/s") != std::string::npos;
    const double scale = figure.unit == "ns"   ? 1e9
                         : figure.unit == "us" ? 1e6
                         : figure.unit == "ms" ? 1e3
                                               : 1;
    const auto shown = [&](double seconds) { return is_rate ? 1 / seconds : seconds * scale; };
    std::vector<double> ratios;
    for (std::size_t i = 0; i < turns.ours.size(); ++i)
        ratios.push_back(shown(turns.ours[i]) / shown(turns.peer[i]));
    std::printf("{\"group\": \"%s\", \"name\": \"%s\", \"unit\": \"%s\", \"ours\": %.6g, "
                "\"peer_name\": \"%s\", \"peer\": %.6g, \"ratio\": %.6g, \"slices\": %zu, "
                "\"goal\": \"%s\", \"goal_value\": %g}\n",
                figure.group.c_str(), figure.name.c_str(), figure.unit.c_str(),
                shown(median(turns.ours)), figure.peer.c_str(), shown(median(turns.peer)),
                median(ratios), ratios.size(), figure.goal.kind, figure.goal.value);
    std::fflush(stdout);
}

// A figure that stands for itself: memory, say.
inline void report_alone(const Figure& figure, double value) {
    std::printf("{\"group\": \"%s\", \"name\": \"%s\", \"unit\": \"%s\", \"ours\": %.6g, "
                "\"goal\": \"%s\", \"goal_value\": %g}\n",
                figure.group.c_str(), figure.name.c_str(), figure.unit.c_str(), value,
                figure.goal.kind, figure.goal.value);
    std::fflush(stdout);
}

} // namespace ntdsb::bench
