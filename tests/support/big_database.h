// A database of any size, made fast: for what only large files show.
#pragma once

#include "support/ese_builder.h"

namespace ntdsb::test {

// Sound, of `size` bytes with 8 KiB pages, in clean shutdown without a log stream.
void write_big_database(const Path& path, std::uint64_t size);

} // namespace ntdsb::test
