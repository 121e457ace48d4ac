// The server names that callers give (contract COM-3..COM-6). Pure string work, but for the
// question what this computer is called.
#pragma once

#include "core/result.h"

#include <span>
#include <string>
#include <string_view>

namespace ntdsb::transport {

// Without leading backslashes, in lower case; hrCouldNotConnect for what cannot be a host's name:
// empty, over 255 characters, '_', or any character but letters, digits,
// '-', '.' and, for addresses, ':'. Letters beyond ASCII are allowed (COM-5).
Result<std::string> check_server_name(std::u16string_view name);

} // namespace ntdsb::transport
