// The process's ANSI code page (contract ABI-6): GetACP's on Windows, UTF-8 elsewhere. Strict both
// ways: what does not convert is ERROR_NO_UNICODE_TRANSLATION, never a substitute.
#pragma once

#include "core/result.h"

#include <string>
#include <string_view>

namespace ntdsb::platform {

Result<std::u16string> ansi_to_utf16(std::string_view ansi);
Result<std::string> utf16_to_ansi(std::u16string_view utf16);

} // namespace ntdsb::platform
