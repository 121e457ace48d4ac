// The commands of ntdsbctl. Each prints for people or, with --json, one JSON object, and returns
// the exit status.
#pragma once

#include "core/result.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace ntdsb::tools {

// Exit statuses, as `ntdsbctl --help` documents them.
inline constexpr int exit_ok = 0;
inline constexpr int exit_no = 1;     // the answer is no: the directory may not start
inline constexpr int exit_usage = 2;  // the command line is wrong
inline constexpr int exit_failed = 3; // the question could not be answered

struct Options {
    std::u16string config_file; // --config
    std::string instance;       // --instance
    bool json = false;          // --json
    std::ostream* out = nullptr;
    std::ostream* err = nullptr;
};

int status(const Options& options);
int check_start(const Options& options);
// `engine`: program and arguments. Returns the engine's own exit status once it ran; exit_no if it
// may not start.
int run_engine(const Options& options, const std::vector<std::string>& engine);

} // namespace ntdsb::tools
