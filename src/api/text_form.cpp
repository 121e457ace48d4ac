#include "api/text_form.h"

#include "platform/ansi.h"
#include "platform/memory.h"
#include "platform/secret.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace ntdsb::api {

Result<std::u16string> Ansi::to_utf16(std::string_view text) {
    return platform::ansi_to_utf16(text);
}
Result<std::string> Ansi::from_utf16(std::u16string_view text) {
    return platform::utf16_to_ansi(text);
}

namespace {

constexpr char16_t highest_prefix = 0xFF; // a BFT is an octet

// The string's units up to its NUL or the limit; read unit by unit, since old tools pass packed
// structures, and never beyond what can be read. In one piece of memory, which may hold a password
// and is wiped when it goes.
template <class Char>
class BoundedCopy {
public:
    explicit BoundedCopy(const Char* string) {
        const auto* const bytes = reinterpret_cast<const char*>(string);
        const auto unit_at = [&](std::size_t i) {
            Char unit;
            std::memcpy(&unit, bytes + i * sizeof(Char), sizeof(Char));
            return unit;
        };
        std::size_t size = 0;
        std::size_t readable = 0; // bytes
        for (; size <= longest_string_units; ++size) {
            while (readable < (size + 1) * sizeof(Char)) {
                const std::size_t more = platform::readable_bytes(bytes + readable);
                if (more == 0) {
                    has_end_ = false;
                    return;
                }
                readable += more;
            }
            if (unit_at(size) == 0) break;
        }
        units_.resize(size);
        for (std::size_t i = 0; i < size; ++i) units_[i] = unit_at(i);
    }
    ~BoundedCopy() { platform::wipe(units_.data(), units_.size() * sizeof(Char)); }
    BoundedCopy(const BoundedCopy&) = delete;
    BoundedCopy& operator=(const BoundedCopy&) = delete;

    std::basic_string_view<Char> view() const { return {units_.data(), units_.size()}; }
    // False: it runs into memory that cannot be read, and the copy is empty.
    bool has_end() const { return has_end_; }

private:
    bool has_end_ = true;
    std::vector<Char> units_;
};

Error unreadable(std::string_view argument) {
    return fail(ERROR_INVALID_PARAMETER, "ABI-11: ", argument,
                " leads to memory that cannot be read before its end");
}

Error too_long(Code code, std::string_view argument) {
    return fail(code, "PATH-1: ", argument, " has over ", max_path_characters, " characters");
}

template <class Form>
Result<std::u16string> read_bounded(const typename Form::Char* string, std::string_view argument,
                                    Code too_long_code) {
    if (string == nullptr) return fail(ERROR_INVALID_PARAMETER, argument, " is NULL");
    const BoundedCopy copy(string);
    if (!copy.has_end()) return unreadable(argument);
    if (copy.view().size() > longest_string_units) return too_long(too_long_code, argument);
    auto text = Form::to_utf16(copy.view());
    if (!text) return fail(text.error().code, "ABI-6: ", argument, ": ", text.error().what);
    if (text.value().size() > max_path_characters) return too_long(too_long_code, argument);
    return text;
}

} // namespace

template <class Form>
Result<std::u16string> read_string(const typename Form::Char* string, std::string_view argument) {
    return read_bounded<Form>(string, argument, static_cast<Code>(ERROR_INVALID_PARAMETER));
}

template <class Form>
Result<std::u16string> read_server(const typename Form::Char* string) {
    return read_bounded<Form>(string, "the server name", hrCouldNotConnect);
}

template <class Form>
Result<std::u16string> read_listed_name(const typename Form::Char* string) {
    constexpr std::string_view argument = "szAttachmentName";
    if (string == nullptr) return fail(ERROR_INVALID_PARAMETER, argument, " is NULL");
    if (!platform::is_readable(string, sizeof *string)) return unreadable(argument);
    typename Form::Char first;
    std::memcpy(&first, string, sizeof first);
    const char16_t prefix = Form::prefix_to_utf16(first);
    // Prefixes below 0x80 are ASCII, which every form maps by number anyway; a path never starts
    // with one of these two.
    if (prefix != 0x82 && prefix != 0x83) return read_string<Form>(string, argument);
    NTDSB_TRY(const auto path, read_string<Form>(string + 1, argument));
    if (path.size() == max_path_characters)
        return too_long(static_cast<Code>(ERROR_INVALID_PARAMETER), argument);
    return prefix + path;
}

template <class Form>
Result<std::basic_string<typename Form::Char>> write_list(std::u16string_view list) {
    std::basic_string<typename Form::Char> out;
    while (!list.empty() && list.front() != 0) {
        const auto entry = list.substr(0, list.find(u'\0'));
        if (entry.front() > highest_prefix)
            return fail(hrCommunicationError, "ABI-4: the service lists an entry of the type ",
                        hex(std::uint64_t{entry.front()}), ", which is none: ", entry);
        NTDSB_TRY(const auto path, Form::from_utf16(entry.substr(1)));
        out += Form::prefix_from_utf16(entry.front());
        out += path;
        out += typename Form::Char{};
        list.remove_prefix(std::min(entry.size() + 1, list.size()));
    }
    out.append(out.empty() ? 2 : 1, typename Form::Char{});
    return out;
}

template Result<std::u16string> read_string<Ansi>(const char*, std::string_view);
template Result<std::u16string> read_string<Wide>(const WCHAR*, std::string_view);
template Result<std::u16string> read_server<Ansi>(const char*);
template Result<std::u16string> read_server<Wide>(const WCHAR*);
template Result<std::u16string> read_listed_name<Ansi>(const char*);
template Result<std::u16string> read_listed_name<Wide>(const WCHAR*);
template Result<std::string> write_list<Ansi>(std::u16string_view);
template Result<std::basic_string<WCHAR>> write_list<Wide>(std::u16string_view);

} // namespace ntdsb::api
