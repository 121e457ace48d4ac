// Inside of the platform layer: where an operation that changes the disk announces itself to the
// test seam of platform/file.h.
#pragma once

#include "platform/file.h"

namespace ntdsb::platform {

// Calls the hook, if one is set; its code, if not 0, is the operation's failure.
Result<void> about_to(DiskOperation operation, const Path& path);
// The same for reads.
Result<void> about_to_read(const Path& path, std::uint64_t offset);

} // namespace ntdsb::platform
