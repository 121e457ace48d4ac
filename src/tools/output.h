// What the commands print: JSON or sentences, codes by name, errors, questions.
#pragma once

#include "service/interlock.h"
#include "tools/commands.h"

#include <nlohmann/json.hpp>

namespace ntdsb::tools {

using Json = nlohmann::ordered_json;

// One line. Other programs' lines (lock holders) are in it: what is no UTF-8 is shown as U+FFFD.
void print(const Options& options, const Json& json);

// "hrRestoreInProgress", or the number.
std::string code_name(Code code);
// The code's text in the message table; empty for an unknown one.
std::string_view code_text(Code code);
Json error_json(const Error& error);

// An error for people on the standard error, or as JSON on the standard output, where a program
// waits for it. Returns `exit_status`.
int report(const Options& options, const Error& error, int exit_status);

// exit_no where the interlock, the gate or the backup's age says no, or files are not sound, as
// `verify` answers for the same ones; else exit_failed.
int exit_of(Code code);

// A sentence about what is done, for people alone.
void note(const Options& options, std::string_view sentence);

// Whether the administrator says yes: --yes, or `y` on the terminal. Error (what to do): there is
// no terminal to ask on.
Result<bool> confirm(const Options& options, std::string_view question);

std::string_view state_name(service::RecordState state);

// An absolute path of what the command line names.
Result<platform::Path> path_argument(const std::string& utf8);
// Two lower-case digits a byte.
std::string hex_digits(std::span<const std::byte> bytes);
// UTF-8 for people and JSON.
std::string shown(const platform::Path& path);

// The configuration and the instance that --config and --instance name.
Result<service::InstancePtr> open_instance(const Options& options);

// What an administrator would do now.
std::string_view next_step(const service::InterlockStatus& status);

} // namespace ntdsb::tools
