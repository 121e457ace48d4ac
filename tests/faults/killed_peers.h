// The client process of killed_peers_test.cpp.
#pragma once

#include <string>

namespace faults {

// The first word of the command line that makes this program that client; four more follow.
inline constexpr const char* restoring_client = "restoring-client";

// Restores the directory again and again, until it is killed.
[[noreturn]] int restore_for_ever(const std::string& token_file, const std::string& database,
                                  const std::string& logs, const std::string& backup);

} // namespace faults
