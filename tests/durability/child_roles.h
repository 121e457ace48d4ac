// What this test program does instead of running tests when a test starts it again.
#pragma once

#include <string>
#include <vector>

namespace ntdsb::service {

// The exit status of the role that `words` names; -1 if they name none. An exception that leaves it
// is written to stderr and gives `role_threw`.
int play_role(const std::vector<std::string>& words);
inline constexpr int role_threw = 70;

// Whether the whole sweeps and the long races are asked for (./dev prove).
bool is_proving();

} // namespace ntdsb::service
