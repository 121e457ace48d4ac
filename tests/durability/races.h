// The processes of the races: each tries to take one of the interlock's places again and again, and
// while it has it looks whether somebody has what excludes it.
#pragma once

#include <string>
#include <vector>

namespace ntdsb::service {

// Words: race ROOT ID KIND[+KIND...] COUNT [jumping]
// KIND: start, register, live, snapshot or truncate; several run in as many threads. COUNT: tries.
// `jumping`: by a clock that jumps back and forth. Begins when ROOT/go is there. Writes
// ROOT/wins.KIND.ID, how often it had its place; 1 and ROOT/problems.ID if the interlock let in
// what it must not.
int race(const std::vector<std::string>& words);

} // namespace ntdsb::service
