// Conversions between UTF-16 (the API's and the wire's strings) and UTF-8. UTF-16 inside the
// library is a sequence of 16-bit units and may hold lone surrogates (contract ABI-7); each
// function here says what it does with them.
#pragma once

#include "core/result.h"

#include <string>
#include <string_view>

namespace ntdsb {

// Strict: a lone surrogate, or ill-formed UTF-8, is ERROR_NO_UNICODE_TRANSLATION (contract ABI-6).
Result<std::string> utf16_to_utf8(std::u16string_view utf16);
Result<std::u16string> utf8_to_utf16(std::string_view utf8);

// The same behind what is in `out`, which with room for most_utf8_size more stays where it lies:
// for passwords, of which growing would leave a copy behind. On an error a part has been appended.
Result<void> append_utf8(std::string& out, std::u16string_view utf16);
constexpr std::size_t most_utf8_size(std::u16string_view utf16) { return 3 * utf16.size(); }

// Lossless for any UTF-16: lone surrogates become three-byte sequences (WTF-8) and come back. Bytes
// that are neither become U+FFFD. For file names off Windows.
std::string utf16_to_wtf8(std::u16string_view utf16);
void append_wtf8(std::string& out, std::u16string_view utf16); // as append_utf8
std::u16string wtf8_to_utf16(std::string_view wtf8);

} // namespace ntdsb
