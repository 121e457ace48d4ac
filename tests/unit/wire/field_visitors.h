// Two more codecs for a struct's `fields`, independent of NDR: one writes down what a value means,
// one fills it at random within the limits.
#pragma once

#include "core/text.h"
#include "wire/operations.h"

#include <random>
#include <string>

namespace ntdsb::wire::test {

class Describer {
public:
    void operator()(std::uint32_t value) { add("u32 ", value); }
    void operator()(std::int32_t value) { add("i32 ", value); }
    void operator()(std::uint64_t value) { add("u64 ", value); }
    void operator()(const std::u16string& value) { add("string", numbers(value)); }
    void operator()(const ContextHandle& value) {
        add("context ", value.attributes, numbers(value.uuid));
    }
    void ranged(std::uint32_t value, std::uint32_t, std::uint32_t) { add("u32 ", value); }
    void counted_token(const std::optional<Bytes>& value) {
        add("token", value ? numbers(*value) : std::string(" none"));
    }
    void counted_list(const std::optional<std::u16string>& value) {
        add("list", value ? numbers(*value) : std::string(" none"));
    }
    void counted_map(const std::vector<RestoreMapPair>& value) {
        add("pairs ", value.size());
        for (const auto& pair : value) (*this)(pair.source), (*this)(pair.target);
    }
    const std::string& result() const { return result_; }

private:
    template <class... Parts>
    void add(const Parts&... parts) {
        result_ += text(parts..., "\n");
    }
    template <class Elements>
    static std::string numbers(const Elements& elements) {
        std::string result = text(" (", elements.size(), ")");
        for (const auto element : elements) {
            append_text(result, ' ');
            append_text(result, static_cast<unsigned>(element));
        }
        return result;
    }
    std::string result_;
};

class Filler {
public:
    explicit Filler(unsigned seed) : random_(seed) {}

    void operator()(std::uint32_t& value) { value = static_cast<std::uint32_t>(random_()); }
    void operator()(std::int32_t& value) { value = static_cast<std::int32_t>(random_()); }
    void operator()(std::uint64_t& value) { value = random_(); }
    void operator()(std::u16string& value) { value = units(below(40), 1); }
    void operator()(ContextHandle& value) {
        (*this)(value.attributes);
        for (auto& octet : value.uuid) octet = static_cast<std::uint8_t>(below(256));
    }
    void ranged(std::uint32_t& value, std::uint32_t low, std::uint32_t high) {
        value = low + static_cast<std::uint32_t>(below(std::size_t{high} - low + 1));
    }
    void counted_token(std::optional<Bytes>& value) {
        if (below(4) == 0) return value.reset();
        value.emplace(below(70));
        for (auto& octet : *value) octet = static_cast<std::byte>(below(256));
    }
    void counted_list(std::optional<std::u16string>& value) {
        if (below(4) == 0) return value.reset();
        value = units(below(200), 0);
    }
    void counted_map(std::vector<RestoreMapPair>& value) {
        value.resize(1 + below(5));
        for (auto& pair : value) (*this)(pair.source), (*this)(pair.target);
    }

private:
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
    // Any units, lone surrogates included (ABI-7), not below `lowest`.
    std::u16string units(std::size_t count, std::size_t lowest) {
        std::u16string result(count, u'\0');
        for (auto& unit : result) unit = static_cast<char16_t>(lowest + below(0x10000 - lowest));
        return result;
    }
    std::mt19937_64 random_;
};

} // namespace ntdsb::wire::test
