// What the fuzz targets are made of: the input read as numbers and parts, checks that end the
// process, and the one table of all targets. A target is a function of octets that anybody could
// send or leave on a disk; it decodes them, and checks what must hold whatever they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ntdsb::fuzz {

using Input = std::span<const std::byte>;
using Octets = std::vector<std::byte>;

struct Target {
    std::string_view name;
    void (*run)(Input input);
    // How often ./dev test runs it from its seeds: some seconds for all of them.
    unsigned test_runs;
    // The sources whose lines it is there to reach, as a regular expression for ./dev coverage.
    std::string_view sources;
};

std::span<const Target> targets();
// nullptr: there is none of that name.
const Target* find_target(std::string_view name);

// Small choices first, bulk last: an input that ends early reads as zeros.
class Reader {
public:
    explicit Reader(Input input) : left_(input) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    bool flag() { return (u8() & 1) != 0; }
    // One of `count` choices.
    std::size_t below(std::size_t count) { return u8() % count; }
    // At most `size` octets.
    Input part(std::size_t size) {
        const auto taken = left_.first(size < left_.size() ? size : left_.size());
        left_ = left_.subspan(taken.size());
        return taken;
    }
    Input rest() { return part(left_.size()); }
    bool at_end() const { return left_.empty(); }

private:
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        unsigned shift = 0;
        for (const std::byte octet : part(size)) {
            value |= std::to_integer<std::uint64_t>(octet) << shift;
            shift += 8;
        }
        return value;
    }

    Input left_;
};

// A copy in memory of exactly its size, so that the sanitizer sees a read beyond it.
inline Octets exactly(Input input) { return {input.begin(), input.end()}; }
inline std::string_view as_text(Input input) {
    return {reinterpret_cast<const char*>(input.data()), input.size()};
}
std::u16string as_utf16(Input input);

// Says what was found and aborts, which every fuzzer takes for a crash.
[[noreturn]] void broken(std::string_view rule, std::string_view found, const char* file, int line);

// The targets.
void ndr_request(Input input);
void ndr_reply(Input input);
void rpc_server(Input input);
void rpc_client(Input input);
void rpc_protection(Input input);
void server_sockets(Input input);
void standard_interfaces(Input input);
void metrics_request(Input input);
void expiry_token(Input input);
void registration_record(Input input);
void configuration(Input input);
void ese_database(Input input);
void ese_log(Input input);
void ese_checkpoint(Input input);
void restore_set(Input input);
void string_lists(Input input);
void names_and_paths(Input input);
void plugin_table(Input input);
void manifest(Input input);
void api_calls(Input input);

} // namespace ntdsb::fuzz

// FUZZ_CHECK(a == b, "what is broken, in words")
#define FUZZ_CHECK(condition, rule)                                                      \
    do {                                                                                 \
        if (!(condition)) ::ntdsb::fuzz::broken((rule), #condition, __FILE__, __LINE__); \
    } while (false)
