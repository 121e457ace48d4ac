// The codes of results, for tests to compare.
#pragma once

#include "core/codes.h"
#include "core/result.h"

namespace ntdsb {

// S_OK for a success.
template <class T>
Code code_of(const Result<T>& result) {
    return result ? Code{S_OK} : result.error().code;
}

// The hr* macros are signed, as the public header has them.
constexpr Code as_code(long code) { return static_cast<Code>(code); }

} // namespace ntdsb
