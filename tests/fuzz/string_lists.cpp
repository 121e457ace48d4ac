// Strings and lists between the API's two forms and UTF-16: what a caller passes, and what a service
// (not always ours) answers.
#include "fuzz/fuzz.h"

#include "api/text_form.h"

#include <string>

namespace ntdsb::fuzz {

namespace {

// In memory of exactly its size, with its NUL; a copy of the part before the first NUL.
template <class Char>
std::vector<Char> terminated(Input input) {
    std::vector<Char> out(input.size() / sizeof(Char) + 1);
    for (std::size_t i = 0; i + 1 < out.size(); ++i) {
        unsigned unit = 0;
        for (std::size_t k = 0; k < sizeof(Char); ++k)
            unit |= std::to_integer<unsigned>(input[i * sizeof(Char) + k]) << 8 * k;
        out[i] = static_cast<Char>(unit);
    }
    return out;
}

void judge_code(Code code) {
    FUZZ_CHECK(code == ERROR_INVALID_PARAMETER || code == ERROR_NO_UNICODE_TRANSLATION ||
                   code == hrCouldNotConnect,
               "PATH-1, ABI-6, COM-5: what cannot be read has one of three codes");
}

template <class Form>
void read_strings(Input input) {
    const auto string = terminated<typename Form::Char>(input);
    const auto read = api::read_string<Form>(string.data(), "it");
    if (read) {
        FUZZ_CHECK(read.value().find(u'\0') == std::u16string::npos, "a string ends at its NUL");
        const auto back = Form::from_utf16(read.value());
        FUZZ_CHECK(back && back.value().c_str() ==
                               std::basic_string<typename Form::Char>(string.data()),
                   "ABI-6: what is read can be written as it was");
    } else {
        judge_code(read.error().code);
    }
    const auto listed = api::read_listed_name<Form>(string.data());
    if (!listed) return judge_code(listed.error().code);
    const auto first = static_cast<std::make_unsigned_t<typename Form::Char>>(string.front());
    if (first == 0x82 || first == 0x83)
        FUZZ_CHECK(listed.value().front() == first, "ABI-4: a prefix is mapped by its number");
    (void)api::read_server<Form>(string.data());
}

template <class Form>
void write_lists(const std::u16string& list) {
    using Char = typename Form::Char;
    const auto written = api::write_list<Form>(list);
    if (!written) {
        FUZZ_CHECK(written.error().code == ERROR_NO_UNICODE_TRANSLATION ||
                       written.error().code == hrCommunicationError,
                   "a list that cannot be written has one of two codes");
        return;
    }
    // Both are walked as a caller walks them: entry by entry to the empty one.
    const auto& out = written.value();
    FUZZ_CHECK(out.size() >= 2 && out.back() == Char{} && out[out.size() - 2] == Char{},
               "ABI-5: a list ends with two NULs");
    std::u16string_view left(list);
    std::size_t at = 0;
    for (; out[at] != Char{};) {
        const std::basic_string<Char> entry(out.c_str() + at);
        at += entry.size() + 1;
        FUZZ_CHECK(at < out.size(), "ABI-5: the list's last NUL follows its last entry");
        const auto given = left.substr(0, left.find(u'\0'));
        FUZZ_CHECK(!given.empty(), "ABI-5: no entry is made up");
        FUZZ_CHECK(Form::prefix_to_utf16(entry.front()) == given.front(), "ABI-4");
        const auto path = Form::to_utf16(std::basic_string_view<Char>(entry).substr(1));
        FUZZ_CHECK(path && path.value() == given.substr(1), "ABI-6: a path is what it was");
        left.remove_prefix(std::min(given.size() + 1, left.size()));
    }
    FUZZ_CHECK(left.empty() || left.front() == u'\0', "ABI-5: no entry is lost");
    FUZZ_CHECK(at + (at == 0 ? 2 : 1) == out.size(), "ABI-5: the size counts the last NUL");
}

} // namespace

void string_lists(Input input) {
    Reader reader(input);
    const bool as_octets = reader.flag(); // most of what matters is ASCII
    const Octets rest = exactly(reader.rest());
    read_strings<api::Ansi>(rest);
    read_strings<api::Wide>(rest);
    std::u16string list = as_utf16(rest);
    if (as_octets) {
        list.clear();
        for (const std::byte octet : rest)
            list += static_cast<char16_t>(std::to_integer<unsigned>(octet));
    }
    write_lists<api::Ansi>(list);
    write_lists<api::Wide>(list);
}

} // namespace ntdsb::fuzz
