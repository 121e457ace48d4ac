// Builds the sentences of errors and log lines from parts: text("generation ", n, " is above ",
// hex(limit)). Exists so that the formatting library stays in one source file (log.cpp); it knows
// strings, numbers and UTF-16, nothing else.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace ntdsb {

// A number to be shown as 0x..., without leading zeros.
struct Hex {
    std::uint64_t value;
};
inline Hex hex(std::uint64_t value) { return Hex{value}; }
// A 32-bit code to be shown as 0x.......
inline Hex hex(std::int32_t value) { return Hex{static_cast<std::uint32_t>(value)}; }

inline void append_text(std::string& out, std::string_view part) { out += part; }
inline void append_text(std::string& out, char part) { out += part; }
// UTF-16 is shown as UTF-8; control characters and lone surrogates as \u{XXXX}, so that a hostile
// name cannot forge a log line.
void append_text(std::string& out, std::u16string_view part);
void append_text(std::string& out, Hex part);

template <std::integral Number>
requires(!std::same_as<Number, char> && !std::same_as<Number, bool> &&
         !std::same_as<Number, char16_t>) void append_text(std::string& out, Number part) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, part).ptr;
    out.append(digits, end);
}

// The parts one after another.
template <class... Parts>
std::string text(const Parts&... parts) {
    std::string out;
    (append_text(out, parts), ...);
    return out;
}

} // namespace ntdsb
