// Encoding and decoding of requests and replies as NDR 2.0 (DCE 1.1 C706 chapter 14;
// little-endian). `encode` and `decode` use each struct's one description, `fields`. Decoding is
// strict: a length that does not fit, a count over its limit, a missing terminator or bytes left
// over are RPC_X_BAD_STUB_DATA. Knows the constructions that the operations use, no operation.
#pragma once

#include "core/result.h"
#include "wire/operations.h"

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace ntdsb::wire {

// Writes the fields it is called with, one after another. Never judges a value: what the limits
// forbid, the decoder refuses.
class NdrEncoder {
public:
    void operator()(std::uint32_t value);
    void operator()(std::int32_t value);
    void operator()(std::uint64_t value);
    // [string] wchar_t* behind a reference pointer: max count, offset 0, actual count, units with
    // NUL.
    void operator()(const std::u16string& value);
    void operator()(const ContextHandle& value);
    // [range(low, high)] unsigned long
    void ranged(std::uint32_t value, std::uint32_t low, std::uint32_t high);
    // A count and a unique pointer to a conformant array of that many bytes: the same octets for
    // [in] unsigned long, [in, unique, size_is(n)] byte* as for [out] unsigned long*,
    // [out, size_is(, *n)] byte**, since the outer reference pointers of the latter leave no trace.
    void counted_token(const std::optional<Bytes>& value);
    // As counted_token, of wchar_t.
    void counted_list(const std::optional<std::u16string>& value);
    // A count and a conformant array of structures of two unique string pointers.
    void counted_map(const std::vector<RestoreMapPair>& value);

    template <class Struct>
    void structure(const Struct& value) {
        // `fields` is not const, since it also decodes; nothing here writes to the value.
        const_cast<Struct&>(value).fields(*this);
    }

    // Makes room, so that as many bytes can be encoded when memory is short.
    void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
    Bytes take() { return std::move(bytes_); }

private:
    void align(std::size_t alignment);
    void put(std::uint64_t value, std::size_t size);
    void units(std::u16string_view value);
    void referent();

    Bytes bytes_;
    std::uint32_t referents_ = 0;
};

// Reads the fields it is called with, one after another. The first thing that is wrong is kept; all
// later fields then stay as they are, and `finish` tells.
class NdrDecoder {
public:
    explicit NdrDecoder(std::span<const std::byte> stub) : stub_(stub) {}

    void operator()(std::uint32_t& value);
    void operator()(std::int32_t& value);
    void operator()(std::uint64_t& value);
    void operator()(std::u16string& value);
    void operator()(ContextHandle& value);
    void ranged(std::uint32_t& value, std::uint32_t low, std::uint32_t high);
    void counted_token(std::optional<Bytes>& value);
    void counted_list(std::optional<std::u16string>& value);
    void counted_map(std::vector<RestoreMapPair>& value);

    // RPC_X_BAD_STUB_DATA, naming offset and expectation, if anything was wrong or bytes are left,
    // but for those that fill the stub up to a multiple of four: the padding before a verification
    // trailer (MS-RPCE 2.2.2.13) is cut off with it only here.
    Result<void> finish();

private:
    bool failed() const { return error_.has_value(); }
    void refuse(std::size_t offset, std::string_view expected, std::string_view found);
    // The next `size` bytes at the next multiple of `alignment`; empty after a failure.
    std::span<const std::byte> take(std::size_t size, std::size_t alignment, std::string_view what);
    std::uint64_t number(std::size_t size, std::string_view what);
    // A u32 between `low` and `high`; 0 after a failure.
    std::uint32_t count(std::uint32_t low, std::uint32_t high, std::string_view what);
    // The unique pointer that follows a count, and the conformance of what it points to, which must
    // repeat the count. False: a null pointer (the count must be 0 then), or a failure.
    bool counted_pointer(std::uint32_t elements, std::string_view what);
    void units(std::u16string& value, std::size_t count, std::string_view what);

    std::span<const std::byte> stub_;
    std::size_t at_ = 0;
    std::optional<Error> error_;
};

template <class Struct>
Bytes encode(const Struct& value) {
    NdrEncoder encoder;
    encoder.structure(value);
    return encoder.take();
}

template <class Struct>
Result<Struct> decode(std::span<const std::byte> stub) {
    Struct value;
    NdrDecoder decoder(stub);
    value.fields(decoder);
    NTDSB_CHECK(decoder.finish());
    return value;
}

} // namespace ntdsb::wire
