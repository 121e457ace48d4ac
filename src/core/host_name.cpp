#include "core/host_name.h"

#include <algorithm>

namespace ntdsb {

namespace {

char16_t ascii_lower(char16_t c) {
    return c >= u'A' && c <= u'Z' ? static_cast<char16_t>(c + 32) : c;
}

bool same_host(std::u16string_view a, std::u16string_view b) {
    return std::ranges::equal(a, b, {}, ascii_lower, ascii_lower);
}

// 127.0.0.0/8 as four decimal numbers.
bool is_ipv4_loopback(std::u16string_view name) {
    if (!name.starts_with(u"127.")) return false;
    int parts = 1;
    std::size_t digits = 0;
    unsigned value = 0;
    for (const char16_t c : name) {
        if (c == u'.') {
            if (digits == 0) return false;
            ++parts, digits = 0, value = 0;
        } else if (c >= u'0' && c <= u'9') {
            value = value * 10 + static_cast<unsigned>(c - u'0');
            if (++digits > 3 || value > 255) return false;
        } else {
            return false;
        }
    }
    return parts == 4 && digits > 0;
}

} // namespace

bool is_this_computer(std::u16string_view name, std::span<const std::u16string> own_names) {
    return same_host(name, u"localhost") || name == u"." || name == u"::1" ||
           is_ipv4_loopback(name) ||
           std::ranges::any_of(own_names, [&](const auto& own) { return same_host(name, own); });
}

} // namespace ntdsb
