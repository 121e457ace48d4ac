// Encoding and decoding of requests and replies as NDR 2.0 (DCE 1.1 C706 chapter 14; little-endian). `encode` and `decode` use each struct's one
// description, `fields`. Decoding is strict: a length that does not fit, a count over its limit, a missing terminator or bytes left over are RPC_X_BAD_STUB_DATA.
#pragma once

#include "core/result.h"
#include "wire/operations.h"

#include <cstddef>
#include <span>
#include <type_traits>

namespace ntdsb::wire {

class NdrEncoder;
class NdrDecoder;

template <class Struct>
Bytes encode(const Struct& value);

template <class Struct>
Result<Struct> decode(std::span<const std::byte> stub);

} // namespace ntdsb::wire
