// The process's ANSI code page on Windows, strictly both ways (contract ABI-6).
#include "platform/ansi.h"

#include "platform/windows/system_error.h"

#include <limits>

namespace ntdsb::platform {
namespace {

constexpr std::size_t longest = static_cast<std::size_t>((std::numeric_limits<int>::max)()) / 4;

Error not_convertible(std::string_view what) {
    return fail(ERROR_NO_UNICODE_TRANSLATION, what, " the ANSI code page ", GetACP());
}

} // namespace

Result<std::u16string> ansi_to_utf16(std::string_view ansi) {
    if (ansi.empty()) return std::u16string();
    if (ansi.size() > longest)
        return fail(ERROR_INVALID_PARAMETER, "text of ", ansi.size(),
                    " bytes is too long to convert");
    const int size = static_cast<int>(ansi.size());
    const int needed =
        MultiByteToWideChar(CP_ACP, MB_ERR_INVALID_CHARS, ansi.data(), size, nullptr, 0);
    // Straight into the result: the text may be a password, and no other copy of it shall stay.
    static_assert(sizeof(wchar_t) == sizeof(char16_t));
    std::u16string utf16(static_cast<std::size_t>(needed), u'\0');
    if (needed == 0 ||
        MultiByteToWideChar(CP_ACP, MB_ERR_INVALID_CHARS, ansi.data(), size,
                            reinterpret_cast<wchar_t*>(utf16.data()), needed) != needed) {
        return not_convertible("text has bytes that are no characters of");
    }
    return utf16;
}

Result<std::string> utf16_to_ansi(std::u16string_view utf16) {
    if (utf16.empty()) return std::string();
    if (utf16.size() > longest)
        return fail(ERROR_INVALID_PARAMETER, "text of ", utf16.size(),
                    " characters is too long to convert");
    // UTF-8 as the code page has no substitute to ask about, but a flag that refuses lone
    // surrogates.
    const bool is_utf8 = GetACP() == CP_UTF8;
    const DWORD flags = is_utf8 ? WC_ERR_INVALID_CHARS : WC_NO_BEST_FIT_CHARS;
    const std::wstring wide = to_wide(utf16);
    const int size = static_cast<int>(wide.size());
    BOOL substituted = FALSE;
    BOOL* const ask = is_utf8 ? nullptr : &substituted;
    const int needed =
        WideCharToMultiByte(CP_ACP, flags, wide.data(), size, nullptr, 0, nullptr, ask);
    std::string ansi(static_cast<std::size_t>(needed), '\0');
    const bool converted = needed != 0 && !substituted &&
                           WideCharToMultiByte(CP_ACP, flags, wide.data(), size, ansi.data(),
                                               needed, nullptr, ask) == needed;
    if (!converted || substituted) return not_convertible("text has characters that are not in");
    return ansi;
}

} // namespace ntdsb::platform
