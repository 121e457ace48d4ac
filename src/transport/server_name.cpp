#include "transport/server_name.h"

#include "core/utf16.h"

#include <algorithm>

namespace ntdsb::transport {

namespace {

constexpr std::size_t longest_name = 255;

bool is_host_character(char16_t unit) {
    const bool letter = (unit >= u'a' && unit <= u'z') || (unit >= u'A' && unit <= u'Z');
    const bool digit = unit >= u'0' && unit <= u'9';
    return letter || digit || unit == u'-' || unit == u'.' || unit == u':' || unit > 0xA0;
}

char16_t ascii_lower(char16_t unit) {
    return unit >= u'A' && unit <= u'Z' ? static_cast<char16_t>(unit + (u'a' - u'A')) : unit;
}

} // namespace

Result<std::string> check_server_name(std::u16string_view name) {
    name.remove_prefix(std::min(name.find_first_not_of(u'\\'), name.size()));
    if (name.empty())
        return fail(hrCouldNotConnect,
                    "COM-5: the server name is empty; \"localhost\" means this computer");
    if (name.size() > longest_name)
        return fail(hrCouldNotConnect, "COM-5: the server name has over ", longest_name,
                    " characters");
    std::u16string lower(name);
    for (char16_t& unit : lower) {
        if (!is_host_character(unit))
            return fail(hrCouldNotConnect, "COM-5: the server name ", name,
                        " has a character that no host name has");
        unit = ascii_lower(unit);
    }
    auto utf8 = utf16_to_utf8(lower);
    if (!utf8)
        return fail(hrCouldNotConnect, "COM-5: the server name ", name,
                    " is not well-formed UTF-16");
    return std::move(utf8).value();
}

} // namespace ntdsb::transport
