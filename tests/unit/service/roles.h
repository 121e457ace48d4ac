// What this test program does instead of running tests when another test starts it: the other
// process of the interlock's tests.
#pragma once

#include "platform/file.h"

#include <functional>
#include <string>
#include <vector>

namespace ntdsb::service {

// The exit status of the role that `words` names; -1 if they name none.
int play_role(const std::vector<std::string>& words);

// Full path of this program.
const platform::Path& own_program();
void set_own_program(platform::Path path);

// Files as signals between processes. Waiting ends after a minute with an exception.
void signal_by_file(const platform::Path& file);
void wait_until(const std::function<bool()>& condition);

// Exit statuses of the roles.
inline constexpr int role_won = 0;
inline constexpr int role_refused = 1; // as the interlock refuses
inline constexpr int role_failed = 2;  // otherwise
inline constexpr int role_looked = 42; // the engine saw what it should

} // namespace ntdsb::service
