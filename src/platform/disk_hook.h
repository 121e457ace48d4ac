// Inside of the platform layer: where an operation on the disk announces itself to the test seams of
// platform/file.h.
#pragma once

#include "platform/file.h"

namespace ntdsb::platform {

// Calls the hook, if one is set; its code, if not 0, is the operation's failure.
Result<void> about_to(DiskOperation operation, const Path& path);
// The same for what has no sentence to give: whether the hook refuses.
bool is_refused(DiskOperation operation, const Path& path) noexcept;
// `offset` is where it reads, 0 of the others.
Result<void> about_to(ReadOperation operation, const Path& path, std::uint64_t offset = 0);

} // namespace ntdsb::platform
