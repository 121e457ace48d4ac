// The process whose memory the big file's test measures.
#pragma once

#include <string>
#include <vector>

namespace ntdsb::service {

// Words: verify-memory FILE. 0 if it is sound and took less than 16 MiB.
int verify_in_little_memory(const std::vector<std::string>& words);

} // namespace ntdsb::service
