// What the restore service's figures are made of (figures.cpp).
#pragma once

#include "core/path.h"
#include "platform/file.h"

#include <cstddef>
#include <vector>

namespace ntdsb::bench {

// Page checksums beside memcpy and a plain XOR over the same memory.
void measure_page_rates();

// `from` written to a new file beside `to`, flushed, renamed to it, the folder flushed: by the
// system's own calls alone.
void bare_atomic_write(const platform::Path& to, const std::vector<std::byte>& from);

} // namespace ntdsb::bench
