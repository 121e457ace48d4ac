// The A and the W form of the API's strings behind one shape, so that each function is written once
// (contract ABI-4..ABI-7). Knows no function.
#pragma once

#include "core/path.h"
#include "core/result.h"
#include "ntdsbcli.h"

#include <string>
#include <string_view>

namespace ntdsb::api {

// Strings in the process's ANSI code page.
struct Ansi {
    using Char = char;
    using RestoreMap = EDB_RSTMAPA;
    static Result<std::u16string> to_utf16(std::basic_string_view<Char> text);
    static Result<std::basic_string<Char>> from_utf16(std::u16string_view text);
    // A BFT prefix is the same number in both forms, whatever the code page makes of it.
    static char16_t prefix_to_utf16(Char prefix) { return static_cast<unsigned char>(prefix); }
    static Char prefix_from_utf16(char16_t prefix) {
        return static_cast<Char>(static_cast<unsigned char>(prefix));
    }
    static const Char* source(const RestoreMap& pair) { return pair.szDatabaseName; }
    static const Char* target(const RestoreMap& pair) { return pair.szNewDatabaseName; }
};

// UTF-16, as it is.
struct Wide {
    using Char = WCHAR;
    using RestoreMap = EDB_RSTMAPW;
    static Result<std::u16string> to_utf16(std::basic_string_view<Char> text) {
        return std::u16string(text.begin(), text.end());
    }
    static Result<std::basic_string<Char>> from_utf16(std::u16string_view text) {
        return std::basic_string<Char>(text.begin(), text.end());
    }
    static char16_t prefix_to_utf16(Char prefix) { return static_cast<char16_t>(prefix); }
    static Char prefix_from_utf16(char16_t prefix) { return static_cast<Char>(prefix); }
    static const Char* source(const RestoreMap& pair) { return pair.wszDatabaseName; }
    static const Char* target(const RestoreMap& pair) { return pair.wszNewDatabaseName; }
};

// How much of a string without an end is read: UTF-8 needs at most four units for what a path may
// hold.
inline constexpr std::size_t longest_string_units = 4 * max_path_characters;

// Reads a caller's string, which need not be aligned. NULL, more than 32,767 characters, and memory
// that cannot be read before the string's end, are ERROR_INVALID_PARAMETER; what the code page does not have is ERROR_NO_UNICODE_TRANSLATION.
// `argument` names it in the error's sentence.
template <class Form>
Result<std::u16string> read_string(const typename Form::Char* string, std::string_view argument);

// A server's name: as read_string, but one that is too long is no server's (COM-5).
template <class Form>
Result<std::u16string> read_server(const typename Form::Char* string);

// A listed name with or without its BFT prefix: a prefix is mapped by its number (ABI-4).
template <class Form>
Result<std::u16string> read_listed_name(const typename Form::Char* string);

// A list of BFT-prefixed entries in the form, with its inner and closing NULs (ABI-5).
template <class Form>
Result<std::basic_string<typename Form::Char>> write_list(std::u16string_view list);

} // namespace ntdsb::api
