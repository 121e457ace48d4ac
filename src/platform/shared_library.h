// A shared library that is loaded once and stays: the transport plug-ins. Twins in windows/ and
// posix/.
#pragma once

#include "platform/file.h"

namespace ntdsb::platform {

// Loads the library at an absolute path, its own dependencies from its folder first, and returns
// the address of an exported symbol. Never unloaded. The errors say what the system said.
Result<void*> library_symbol(const Path& library, const char* symbol);

} // namespace ntdsb::platform
