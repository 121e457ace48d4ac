// Makes strings fit to be shown: the UTF-16 and hexadecimal parts of core/text.h.
#include "core/text.h"

#include <boost/nowide/utf/utf.hpp>

#include <iterator>

namespace ntdsb {
namespace {

namespace utf = boost::nowide::utf;

// What could break a line, move a terminal's cursor or reorder the text around it.
bool must_be_escaped(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           (c >= 0xd800 && c <= 0xdfff);
}

void append_digits(std::string& out, std::uint64_t value, int least) {
    char digits[16]{};
    const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
    for (auto missing = least - (end - digits); missing > 0; --missing) out += '0';
    for (const char* digit = digits; digit != end; ++digit) {
        out += *digit >= 'a' ? static_cast<char>(*digit - 'a' + 'A') : *digit;
    }
}

} // namespace

void append_text(std::string& out, std::u16string_view part) {
    const char16_t* next = part.data();
    const char16_t* const end = next + part.size();
    while (next != end) {
        const char16_t unit = *next;
        const char16_t* after = next;
        std::uint32_t c = utf::utf_traits<char16_t>::decode(after, end);
        if (c == utf::illegal || c == utf::incomplete) { // a lone surrogate: take this one unit
            c = unit;
            after = next + 1;
        }
        if (must_be_escaped(c)) {
            out += "\\u{";
            append_digits(out, c, 4);
            out += '}';
        } else {
            utf::utf_traits<char>::encode(c, std::back_inserter(out));
        }
        next = after;
    }
}

void append_text(std::string& out, Hex part) {
    out += "0x";
    append_digits(out, part.value, 1);
}

} // namespace ntdsb
