// The "ANSI" code page off Windows: UTF-8.
#include "platform/ansi.h"

#include "core/utf16.h"

namespace ntdsb::platform {

Result<std::u16string> ansi_to_utf16(std::string_view ansi) { return utf8_to_utf16(ansi); }
Result<std::string> utf16_to_ansi(std::u16string_view utf16) { return utf16_to_utf8(utf16); }

} // namespace ntdsb::platform
