// The codec behind ndr.h. Section numbers are those of C706, "DCE 1.1: Remote Procedure Call".
#include "wire/ndr.h"

#include "core/text.h"

namespace ntdsb::wire {

namespace {

constexpr std::size_t long_size = 4;
constexpr std::size_t hyper_size = 8;
constexpr std::size_t unit_size = 2;
constexpr std::uint32_t pointers_per_pair = 2;
constexpr std::size_t context_handle_size = 20;

// 14.3.10: a referent is any number but 0, and no two of one message are equal. These are the
// numbers that the common stubs give out.
constexpr std::uint32_t first_referent = 0x00020000;
constexpr std::uint32_t referent_step = 4;

constexpr std::size_t padding(std::size_t offset, std::size_t alignment) {
    return (alignment - offset % alignment) % alignment;
}

} // namespace

void NdrEncoder::align(std::size_t alignment) {
    bytes_.resize(bytes_.size() + padding(bytes_.size(), alignment));
}

// 14.2.2: every primitive is aligned to its own size, from the start of the stub data.
void NdrEncoder::put(std::uint64_t value, std::size_t size) {
    align(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
    }
}

void NdrEncoder::operator()(std::uint32_t value) { put(value, long_size); }

void NdrEncoder::operator()(std::int32_t value) {
    put(static_cast<std::uint32_t>(value), long_size);
}

void NdrEncoder::operator()(std::uint64_t value) { put(value, hyper_size); }

void NdrEncoder::units(std::u16string_view value) {
    const auto start = bytes_.size();
    bytes_.resize(start + value.size() * unit_size);
    for (std::size_t i = 0; i < value.size(); ++i) {
        bytes_[start + unit_size * i] = static_cast<std::byte>(value[i] & 0xff);
        bytes_[start + unit_size * i + 1] = static_cast<std::byte>(value[i] >> 8);
    }
}

// 14.3.4.2: a conformant varying string; both counts include the terminator.
void NdrEncoder::operator()(const std::u16string& value) {
    const auto count = static_cast<std::uint32_t>(value.size() + 1);
    put(count, long_size);
    put(0, long_size);
    put(count, long_size);
    units(value);
    put(0, unit_size);
}

void NdrEncoder::operator()(const ContextHandle& value) {
    put(value.attributes, long_size);
    for (const auto octet : value.uuid) bytes_.push_back(static_cast<std::byte>(octet));
}

void NdrEncoder::ranged(std::uint32_t value, std::uint32_t, std::uint32_t) {
    put(value, long_size);
}

void NdrEncoder::referent() { put(first_referent + referent_step * referents_++, long_size); }

void NdrEncoder::counted_token(const std::optional<Bytes>& value) {
    const auto count = value ? value->size() : 0;
    put(count, long_size);
    if (!value) return put(0, long_size);
    referent();
    put(count, long_size);
    bytes_.insert(bytes_.end(), value->begin(), value->end());
}

void NdrEncoder::counted_list(const std::optional<std::u16string>& value) {
    const auto count = value ? value->size() : 0;
    put(count, long_size);
    if (!value) return put(0, long_size);
    referent();
    put(count, long_size);
    units(*value);
}

// 14.3.12.3: what the pointers embedded in an array point to follows after the whole array, in the
// order of the pointers.
void NdrEncoder::counted_map(const std::vector<RestoreMapPair>& value) {
    put(value.size(), long_size);
    put(value.size(), long_size);
    for (std::size_t i = 0; i < value.size() * pointers_per_pair; ++i) referent();
    for (const auto& pair : value) structure(pair);
}

void NdrDecoder::refuse(std::size_t offset, std::string_view expected, std::string_view found) {
    if (failed()) return;
    error_ = fail(RPC_X_BAD_STUB_DATA, "malformed stub data at offset ", offset, " of ",
                  stub_.size(), ": expected ", expected, ", found ", found);
}

std::span<const std::byte> NdrDecoder::take(std::size_t size, std::size_t alignment,
                                            std::string_view what) {
    if (failed()) return {};
    const auto start = at_ + padding(at_, alignment);
    const auto left = start < stub_.size() ? stub_.size() - start : 0;
    if (size > left) {
        refuse(start, text(size, " bytes of ", what), text(left));
        return {};
    }
    // Padding may hold anything (14.2.2), so it is skipped unseen.
    at_ = start + size;
    return stub_.subspan(start, size);
}

std::uint64_t NdrDecoder::number(std::size_t size, std::string_view what) {
    std::uint64_t value = 0;
    std::size_t i = 0;
    for (const auto octet : take(size, size, what)) {
        value |= std::to_integer<std::uint64_t>(octet) << (8 * i++);
    }
    return value;
}

std::uint32_t NdrDecoder::count(std::uint32_t low, std::uint32_t high, std::string_view what) {
    const auto value = static_cast<std::uint32_t>(number(long_size, what));
    if (failed()) return 0;
    if (value < low || value > high) {
        refuse(at_ - long_size, text(what, " between ", low, " and ", high), text(value));
        return 0;
    }
    return value;
}

void NdrDecoder::units(std::u16string& value, std::size_t count, std::string_view what) {
    const auto bytes = take(count * unit_size, unit_size, what);
    if (failed()) return;
    value.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto low = std::to_integer<unsigned>(bytes[unit_size * i]);
        const auto high = std::to_integer<unsigned>(bytes[unit_size * i + 1]);
        value[i] = static_cast<char16_t>(low | high << 8);
    }
}

void NdrDecoder::operator()(std::uint32_t& value) {
    const auto found = number(long_size, "an unsigned long");
    if (!failed()) value = static_cast<std::uint32_t>(found);
}

void NdrDecoder::operator()(std::int32_t& value) {
    const auto found = number(long_size, "a long");
    if (!failed()) value = static_cast<std::int32_t>(static_cast<std::uint32_t>(found));
}

void NdrDecoder::operator()(std::uint64_t& value) {
    const auto found = number(hyper_size, "a hyper");
    if (!failed()) value = found;
}

// The maximum may exceed what is there (14.3.3.4); nothing is allocated by it.
void NdrDecoder::operator()(std::u16string& value) {
    const auto max = count(1, max_string_characters, "a string's maximum count");
    count(0, 0, "a string's offset");
    const auto actual = count(1, max, "a string's actual count");
    const auto start = at_;
    std::u16string found;
    units(found, actual, "a string");
    if (failed()) return;
    const auto length = found.find(u'\0');
    if (length != found.size() - 1) {
        const auto where =
            length == std::u16string::npos ? text("none") : text("one after ", length);
        return refuse(start,
                      text("a string whose only NUL follows ", found.size() - 1, " characters"),
                      where);
    }
    found.pop_back();
    value = std::move(found);
}

void NdrDecoder::operator()(ContextHandle& value) {
    // NOLINTNEXTLINE(readability-suspicious-call-argument): it is aligned as its first member, a long
    const auto bytes = take(context_handle_size, long_size, "a context handle");
    if (failed()) return;
    std::uint32_t attributes = 0;
    for (std::size_t i = 0; i < long_size; ++i) {
        attributes |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * i);
    }
    value.attributes = attributes;
    for (std::size_t i = 0; i < value.uuid.size(); ++i) {
        value.uuid[i] = std::to_integer<std::uint8_t>(bytes[long_size + i]);
    }
}

void NdrDecoder::ranged(std::uint32_t& value, std::uint32_t low, std::uint32_t high) {
    const auto found = count(low, high, "a number");
    if (!failed()) value = found;
}

bool NdrDecoder::counted_pointer(std::uint32_t elements, std::string_view what) {
    const auto referent = number(long_size, "a pointer");
    if (failed()) return false;
    if (referent == 0) {
        if (elements != 0) {
            refuse(at_ - long_size, text("a pointer to ", elements, " elements"), "a null one");
        }
        return false;
    }
    count(elements, elements, what);
    return !failed();
}

void NdrDecoder::counted_token(std::optional<Bytes>& value) {
    const auto size = count(0, max_token_bytes, "a token's size");
    if (!counted_pointer(size, "a token's conformance")) return;
    const auto bytes = take(size, 1, "a token");
    if (!failed()) value.emplace(bytes.begin(), bytes.end());
}

void NdrDecoder::counted_list(std::optional<std::u16string>& value) {
    const auto size = count(0, max_list_characters, "a list's count");
    if (!counted_pointer(size, "a list's conformance")) return;
    std::u16string found;
    units(found, size, "a list");
    if (!failed()) value = std::move(found);
}

void NdrDecoder::counted_map(std::vector<RestoreMapPair>& value) {
    const auto pairs = count(1, max_restore_map_pairs, "a count of pairs");
    count(pairs, pairs, "the array of pairs' conformance");
    for (std::uint32_t i = 0; i < pairs * pointers_per_pair && !failed(); ++i) {
        if (number(long_size, "a pointer in a pair") == 0) {
            refuse(at_ - long_size, "a pointer to a string", "a null one"); // contract REG-3
        }
    }
    for (std::uint32_t i = 0; i < pairs && !failed(); ++i) value.emplace_back().fields(*this);
}

Result<void> NdrDecoder::finish() {
    const std::size_t padded = (at_ + 3) / 4 * 4;
    if (!failed() && at_ != stub_.size() && padded != stub_.size()) {
        refuse(at_, "the end", text(stub_.size() - at_, " more bytes"));
    }
    if (failed()) return *error_;
    return ok();
}

} // namespace ntdsb::wire
