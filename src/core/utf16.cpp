// UTF-16, UTF-8 and WTF-8, on top of Boost.Nowide's header-only decoders.
#include "core/utf16.h"

#include <boost/nowide/utf/utf.hpp>

#include <iterator>

namespace ntdsb {
namespace {

namespace utf = boost::nowide::utf;

bool is_bad(utf::code_point c) { return c == utf::illegal || c == utf::incomplete; }
bool is_high_surrogate(std::uint32_t c) { return c >= 0xd800 && c <= 0xdbff; }
bool is_low_surrogate(std::uint32_t c) { return c >= 0xdc00 && c <= 0xdfff; }

// The surrogate that the three bytes at `bytes` stand for in WTF-8, or 0.
char16_t surrogate_at(std::string_view bytes) {
    if (bytes.size() < 3) return 0;
    const auto b0 = static_cast<unsigned char>(bytes[0]);
    const auto b1 = static_cast<unsigned char>(bytes[1]);
    const auto b2 = static_cast<unsigned char>(bytes[2]);
    if (b0 != 0xed || b1 < 0xa0 || b1 > 0xbf || b2 < 0x80 || b2 > 0xbf) return 0;
    return static_cast<char16_t>(0xd000u | ((b1 & 0x3fu) << 6) | (b2 & 0x3fu));
}

} // namespace

Result<void> append_utf8(std::string& out, std::u16string_view utf16) {
    const char16_t* next = utf16.data();
    const char16_t* const end = next + utf16.size();
    while (next != end) {
        const auto at = next - utf16.data();
        const auto c = utf::utf_traits<char16_t>::decode(next, end);
        if (is_bad(c)) {
            return fail(ERROR_NO_UNICODE_TRANSLATION,
                        "UTF-16 text has a lone surrogate at character ", at);
        }
        utf::utf_traits<char>::encode(c, std::back_inserter(out));
    }
    return ok();
}

Result<std::string> utf16_to_utf8(std::u16string_view utf16) {
    std::string out;
    out.reserve(utf16.size());
    NTDSB_CHECK(append_utf8(out, utf16));
    return out;
}

Result<std::u16string> utf8_to_utf16(std::string_view utf8) {
    std::u16string out;
    out.reserve(utf8.size());
    const char* next = utf8.data();
    const char* const end = next + utf8.size();
    while (next != end) {
        const auto at = next - utf8.data();
        const auto c = utf::utf_traits<char>::decode(next, end);
        if (is_bad(c)) return fail(ERROR_NO_UNICODE_TRANSLATION, "text is not UTF-8 at byte ", at);
        utf::utf_traits<char16_t>::encode(c, std::back_inserter(out));
    }
    return out;
}

std::string utf16_to_wtf8(std::u16string_view utf16) {
    std::string out;
    out.reserve(utf16.size());
    append_wtf8(out, utf16);
    return out;
}

void append_wtf8(std::string& out, std::u16string_view utf16) {
    const char16_t* next = utf16.data();
    const char16_t* const end = next + utf16.size();
    while (next != end) {
        const char16_t* after = next;
        std::uint32_t c = utf::utf_traits<char16_t>::decode(after, end);
        if (is_bad(c)) {
            c = *next;
            after = next + 1;
        }
        utf::utf_traits<char>::encode(c, std::back_inserter(out));
        next = after;
    }
}

std::u16string wtf8_to_utf16(std::string_view wtf8) {
    std::u16string out;
    out.reserve(wtf8.size());
    std::size_t at = 0;
    while (at < wtf8.size()) {
        const char* next = wtf8.data() + at;
        const auto c = utf::utf_traits<char>::decode(next, wtf8.data() + wtf8.size());
        if (!is_bad(c)) {
            utf::utf_traits<char16_t>::encode(c, std::back_inserter(out));
            at = static_cast<std::size_t>(next - wtf8.data());
            continue;
        }
        const char16_t surrogate = surrogate_at(wtf8.substr(at));
        // Two halves of a pair, three bytes each, are not WTF-8: joined they would come back as
        // four bytes.
        const bool would_pair =
            is_low_surrogate(surrogate) && !out.empty() && is_high_surrogate(out.back());
        if (surrogate != 0 && !would_pair) {
            out += surrogate;
            at += 3;
        } else {
            out += u'\xfffd';
            ++at;
        }
    }
    return out;
}

} // namespace ntdsb
