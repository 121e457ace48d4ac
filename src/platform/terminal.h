// Whether a person sits at a standard stream. Used by the tools only.
#pragma once

namespace ntdsb::platform {

enum class StandardStream { in, err };
bool is_terminal(StandardStream stream) noexcept;

} // namespace ntdsb::platform
