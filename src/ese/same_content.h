// Whether two files hold the same bytes.
#pragma once

#include "core/result.h"
#include "platform/file.h"

#include <functional>

namespace ntdsb::ese {

// `step` is called with the bytes compared since the last call, before each piece of 1 MiB; false
// ends the comparison with ERROR_OPERATION_ABORTED. May be empty.
Result<bool> same_content(const platform::Path& a, const platform::Path& b,
                          platform::Links links = platform::Links::followed,
                          const std::function<bool(std::uint64_t)>& step = {});

} // namespace ntdsb::ese
