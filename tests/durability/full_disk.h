// The processes of the full-disk tests, whose file systems and limits are theirs alone.
#pragma once

#include <string>
#include <vector>

namespace ntdsb::service {

// Words: full-disk|full-disk-logs ROOT. 0, or 1 and ROOT/problems; 77 if it may not mount.
int full_disk(const std::vector<std::string>& words);
// Words: limited-files ROOT
int limited_files(const std::vector<std::string>& words);

} // namespace ntdsb::service
