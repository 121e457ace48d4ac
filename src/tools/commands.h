// The commands of ntdsbctl. Each prints for people or, with --json, one JSON object, and returns
// the exit status. They know no command line; command_line.cpp does.
#pragma once

#include "core/result.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace ntdsb::tools {

// Exit statuses, as `ntdsbctl --help` documents them.
inline constexpr int exit_ok = 0;
inline constexpr int exit_no = 1;     // the answer is no: blocked, unsound, refused
inline constexpr int exit_usage = 2;  // the command line is wrong
inline constexpr int exit_failed = 3; // the question could not be answered

struct Options {
    std::u16string config_file; // --config
    std::string instance;       // --instance
    std::string server;         // --server; empty: this computer, or where --instance is
    bool json = false;          // --json
    bool yes = false;           // --yes: questions are answered
    std::istream* in = nullptr; // where questions are answered; null: there is no terminal
    std::ostream* out = nullptr;
    std::ostream* err = nullptr;
    bool err_is_terminal = false; // progress is a bar there
};

// --- gate_commands.cpp
int status(const Options& options);
int check_start(const Options& options);
// `engine`: program and arguments. Returns the engine's own exit status once it ran; exit_no if it
// may not start.
int run_engine(const Options& options, const std::vector<std::string>& engine);

// --- query_commands.cpp: locations and online through the DLL
int locations(const Options& options);
int online(const Options& options); // exit_no: the directory is stopped
int history(const Options& options);
int show_token(const Options& options, const std::string& file);
int explain(const Options& options, const std::string& code);

// --- verify_command.cpp
int verify(const Options& options, const std::vector<std::string>& paths, bool headers_only);

// --- backup_command.cpp, restore_command.cpp: through the DLL alone
int backup(const Options& options, const std::string& folder, bool truncate_logs);
int restore(const Options& options, const std::string& folder);

// --- repair_commands.cpp
int abandon(const Options& options, bool force);
int end_session(const Options& options);

// --- doctor.cpp: exit_no if something is not as a restore needs it
int doctor(const Options& options);

// --- command_line.cpp: parses the command line (UTF-8, without the program's name) and calls the
// command; `given` has the streams.
int run_command_line(const std::vector<std::string>& arguments, Options given);

} // namespace ntdsb::tools
