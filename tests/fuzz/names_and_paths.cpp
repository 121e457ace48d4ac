// Names that callers give: servers, addresses, paths in both grammars, text in UTF-16 and UTF-8.
#include "fuzz/fuzz.h"

#include "core/host_name.h"
#include "core/path.h"
#include "core/utf16.h"
#include "platform/socket.h"
#include "transport/server_name.h"

#include <algorithm>

namespace ntdsb::fuzz {

namespace {

void judge_text(const std::u16string& text16) {
    FUZZ_CHECK(wtf8_to_utf16(utf16_to_wtf8(text16)) == text16,
               "ABI-7: UTF-16 is carried untouched, lone surrogates included");
    if (const auto utf8 = utf16_to_utf8(text16)) {
        const auto back = utf8_to_utf16(utf8.value());
        FUZZ_CHECK(back && back.value() == text16, "ABI-6: what converts comes back");
    } else {
        FUZZ_CHECK(utf8.error().code == static_cast<Code>(ERROR_NO_UNICODE_TRANSLATION), "ABI-6");
    }
    const auto shown = text(std::u16string_view(text16));
    FUZZ_CHECK(
        std::ranges::none_of(shown, [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
        "no name forges a log line");
    FUZZ_CHECK(bool(utf8_to_utf16(shown)), "what is shown is UTF-8");
}

void judge_utf8(std::string_view octets) {
    const auto strict = utf8_to_utf16(octets);
    if (!strict) return;
    const auto back = utf16_to_utf8(strict.value());
    FUZZ_CHECK(back && back.value() == octets, "ABI-6: what converts comes back");
    FUZZ_CHECK(wtf8_to_utf16(octets) == strict.value(), "WTF-8 reads UTF-8 as it is");
}

void judge_server_name(const std::u16string& name) {
    const auto checked = transport::check_server_name(name);
    if (!checked) {
        FUZZ_CHECK(checked.error().code == hrCouldNotConnect, "COM-5");
        return;
    }
    const auto& host = checked.value();
    FUZZ_CHECK(!host.empty() && host.find_first_of("_\\/ ") == std::string::npos, "COM-3, COM-5");
    FUZZ_CHECK(std::ranges::none_of(host, [](char c) { return c >= 'A' && c <= 'Z'; }),
               "server names are compared in lower case");
    const auto as16 = utf8_to_utf16(host);
    FUZZ_CHECK(bool(as16), "a server's name is UTF-8");
    const auto again = transport::check_server_name(as16.value());
    FUZZ_CHECK(again && again.value() == host, "a checked name passes as itself");
    (void)is_this_computer(as16.value(), {});
}

void judge_address(std::string_view address) {
    const auto split = platform::split_address(address);
    if (!split) return;
    const auto& [host, port] = split.value();
    FUZZ_CHECK(!host.empty() && !port.empty() && port.find(':') == std::string::npos,
               "an address has a host and a port");
    FUZZ_CHECK(address == "[" + host + "]:" + port || address == host + ":" + port,
               "an address is taken apart without a loss");
}

void judge_path(const std::u16string& path, PathStyle style) {
    if (!check_path_grammar(path, "it", style)) {
        (void)normalize_path(path, style);
        (void)path_parent(path, style);
        (void)path_file_name(path, style);
        return;
    }
    const auto normal = normalize_path(path, style);
    FUZZ_CHECK(bool(check_path_grammar(normal, "it", style)), "a normalized path is a path");
    FUZZ_CHECK(normalize_path(normal, style) == normal, "a path has one normal spelling");
    FUZZ_CHECK(same_path(path, normal, style), "normalizing names the same file");
    FUZZ_CHECK(path_key(path, style) == path_key(normal, style), "equal paths have one key");
    FUZZ_CHECK(path_is_within(path, path, style), "a path is within itself");
    const auto parent = path_parent(path, style);
    if (parent.empty()) return;
    FUZZ_CHECK(path_is_within(path, parent, style), "a path is within its parent");
    FUZZ_CHECK(!same_path(path, parent, style), "a path is not its parent");
    if (normal.starts_with(u"\\\\?\\")) return; // such a name is itself behind that prefix only
    FUZZ_CHECK(same_path(join_path(parent, path_file_name(normal, style), style), path, style),
               "parent and name make the path");
}

void judge_pair(const std::u16string& a, const std::u16string& b, PathStyle style) {
    if (!check_path_grammar(a, "a", style) || !check_path_grammar(b, "b", style)) return;
    const bool same = same_path(a, b, style);
    FUZZ_CHECK(same == same_path(b, a, style), "being the same goes both ways");
    FUZZ_CHECK(same == (path_key(a, style) == path_key(b, style)),
               "keys are equal for equal paths");
    const bool within = path_is_within(a, b, style);
    const bool around = path_is_within(b, a, style);
    FUZZ_CHECK(same == (within && around), "two paths within one another are the same");
    FUZZ_CHECK(paths_overlap(a, b, style) == (within || around), "overlap is being within");
}

} // namespace

void names_and_paths(Input input) {
    Reader reader(input);
    const std::size_t first_size = reader.u8();
    const Octets first = exactly(reader.part(first_size));
    const Octets second = exactly(reader.rest());
    // As UTF-16, and each octet as a character: most of what matters is ASCII.
    const auto widened = [](const Octets& octets) {
        std::u16string out;
        for (const std::byte octet : octets)
            out += static_cast<char16_t>(std::to_integer<unsigned>(octet));
        return out;
    };
    for (const auto& [a, b] : {std::pair(as_utf16(first), as_utf16(second)),
                               std::pair(widened(first), widened(second))}) {
        judge_text(b);
        judge_server_name(b);
        for (const auto style : {PathStyle::windows, PathStyle::posix}) {
            judge_path(b, style);
            judge_pair(a, b, style);
        }
        if (b.find(u'\0') == b.npos)
            FUZZ_CHECK(wire_path(native_path(b)) == b, "ABI-7: a path is carried untouched");
    }
    judge_utf8(as_text(second));
    judge_address(as_text(second));
}

} // namespace ntdsb::fuzz
