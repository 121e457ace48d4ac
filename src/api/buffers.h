// The memory that the API hands out, and takes back only if it was its own (contract COM-12).
// Thread-safe.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <span>

namespace ntdsb::api {

// A copy of `content` that the caller owns until free_buffer. Throws bad_alloc.
void* hand_out(std::span<const std::byte> content);

// NULL does nothing; what was not handed out, or was freed already, is left alone and logged.
void free_buffer(void* buffer);

} // namespace ntdsb::api
