// Inside of the platform layer: whether this Windows is Wine, whose locks, owners and access lists
// differ.
#pragma once

namespace ntdsb::platform {

bool is_wine() noexcept;

} // namespace ntdsb::platform
