// The registration record's bytes and its file (record.h). Layout, little-endian: magic "NTDSBREG";
// u32 format version; u32 state; u32 outcome; u64 registered at; u64 changed at; u32 process id;
// u32 size and bytes of the holder; u32 size and bytes of the Register request in its wire
// encoding; u32 CRC-32 of all before.
#include "service/record.h"

#include "core/path.h"
#include "ese/bytes.h"
#include "platform/process.h"
#include "service/binary.h"
#include "wire/ndr.h"

#include <algorithm>

namespace ntdsb::service {

namespace {

constexpr std::string_view record_magic = "NTDSBREG";
constexpr std::uint32_t record_version = 1;
constexpr std::size_t holder_offset = 40;
constexpr std::size_t smallest_record = holder_offset + 4 + 4 + 4;
// The request's largest: 1,024 pairs and three paths of 32,767 characters.
constexpr std::size_t largest_record = std::size_t{160} * 1024 * 1024;
constexpr std::string_view record_file = "registration";
// The kept ones have a date behind that.
constexpr std::string_view aside_file = "registration.unreadable";

void append_part(wire::Bytes& to, std::span<const std::byte> part) {
    append_number(to, static_cast<std::uint32_t>(part.size()));
    to.insert(to.end(), part.begin(), part.end());
}

// The sized part at `offset`, which moves behind it.
Result<std::span<const std::byte>> read_part(std::span<const std::byte> bytes,
                                             std::size_t& offset) {
    const ese::ByteReader field(bytes);
    const std::size_t size = field.u32(offset);
    if (offset + 4 > bytes.size() || size > bytes.size() - offset - 4)
        return fail(ERROR_INVALID_DATA, "a part of ", size, " bytes at offset ", offset,
                    " does not fit");
    const auto part = bytes.subspan(offset + 4, size);
    offset += 4 + size;
    return part;
}

Result<RecordState> known_state(std::uint32_t value) {
    switch (const auto state = static_cast<RecordState>(value)) {
    case RecordState::registered:
    case RecordState::failed:
    case RecordState::completed:
    case RecordState::started:
        return state;
    }
    return fail(ERROR_INVALID_DATA, "state ", value, " is none");
}

// Checks magic, version and checksum, and returns what the checksum covers.
Result<std::span<const std::byte>> unseal(std::span<const std::byte> bytes) {
    const auto same = [](char a, std::byte b) { return static_cast<std::byte>(a) == b; };
    if (bytes.size() < smallest_record ||
        !std::equal(record_magic.begin(), record_magic.end(), bytes.begin(), same))
        return fail(ERROR_INVALID_DATA, "it is not a registration record");
    const ese::ByteReader field(bytes);
    if (field.u32(8) != record_version)
        return fail(ERROR_NOT_SUPPORTED, "it has format version ", field.u32(8),
                    ", this version of ntdsbcli knows ", record_version);
    const auto body = bytes.first(bytes.size() - 4);
    if (crc32(body) != field.u32(body.size()))
        return fail(ERROR_INVALID_DATA, "it is damaged (checksum)");
    return body;
}

} // namespace

wire::Bytes encode_record(const RegistrationRecord& record) {
    wire::Bytes bytes;
    for (const char c : record_magic) bytes.push_back(static_cast<std::byte>(c));
    append_number(bytes, record_version);
    append_number(bytes, static_cast<std::uint32_t>(record.state));
    append_number(bytes, static_cast<std::uint32_t>(record.outcome));
    append_number(bytes, record.registered_at);
    append_number(bytes, record.changed_at);
    append_number(bytes, record.process_id);
    append_part(bytes, std::as_bytes(std::span(record.holder)));
    append_part(bytes, wire::encode(record.request));
    append_number(bytes, crc32(bytes));
    return bytes;
}

Result<RegistrationRecord> decode_record(std::span<const std::byte> bytes) {
    NTDSB_TRY(const auto body, unseal(bytes));
    const ese::ByteReader field(body);
    RegistrationRecord record;
    NTDSB_TRY(record.state, known_state(field.u32(12)));
    record.outcome = static_cast<Code>(field.u32(16));
    record.registered_at = field.u64(20);
    record.changed_at = field.u64(28);
    record.process_id = field.u32(36);
    std::size_t at = holder_offset;
    NTDSB_TRY(const auto holder, read_part(body, at));
    record.holder.assign(reinterpret_cast<const char*>(holder.data()), holder.size());
    NTDSB_TRY(const auto request, read_part(body, at));
    if (at != body.size())
        return fail(ERROR_INVALID_DATA, body.size() - at, " bytes are left over");
    NTDSB_TRY(record.request, wire::decode<wire::RestoreRegister::Request>(request));
    return record;
}

Result<std::optional<RegistrationRecord>> load_record(const Instance& instance) {
    const platform::Path path = instance.state_file(record_file);
    NTDSB_TRY(const auto info, platform::file_info(path));
    if (!info) {
        const platform::Path aside = instance.state_file(aside_file);
        NTDSB_TRY(const auto left, platform::file_info(aside));
        if (!left) return std::optional<RegistrationRecord>{};
        return fail(ERROR_INVALID_DATA, "an unreadable registration record was set aside to ",
                    wire_path(aside), ", and none took its place");
    }
    if (info->is_link || info->is_folder)
        return fail(ERROR_INVALID_DATA, "the registration record ", wire_path(path),
                    " is no plain file");
    NTDSB_TRY(const auto bytes, platform::read_whole_file(path, largest_record));
    auto record = decode_record(bytes);
    if (!record)
        return fail(record.error().code, "the registration record ", wire_path(path),
                    " cannot be read: ", record.error().what);
    return std::optional(std::move(record).value());
}

Result<void> save_record(const Instance& instance, const RegistrationRecord& record) {
    auto saved =
        platform::replace_file_durably(instance.state_file(record_file), encode_record(record));
    if (!saved) return state_file_error(std::move(saved).error());
    return saved;
}

Result<void> remove_record(const Instance& instance) {
    NTDSB_CHECK(name_set_aside_record(instance)); // or it would count once the record is gone
    const platform::Path path = instance.state_file(record_file);
    if (auto removed = platform::remove_file(path);
        !removed && removed.error().code != ERROR_FILE_NOT_FOUND)
        return removed;
    return platform::flush_folder(path.parent_path());
}

Result<void> set_record_aside(const Instance& instance) {
    const platform::Path path = instance.state_file(record_file);
    NTDSB_TRY(const auto info, platform::file_info(path));
    if (!info) return ok(); // it lies aside already
    NTDSB_CHECK(name_set_aside_record(instance));
    return platform::rename_new(path, instance.state_file(aside_file));
}

Result<void> name_set_aside_record(const Instance& instance) {
    const platform::Path aside = instance.state_file(aside_file);
    NTDSB_TRY(const auto info, platform::file_info(aside));
    if (!info) return ok();
    // The clock may stand still or have jumped back to a name that is taken.
    for (std::uint64_t time = platform::now_filetime();; ++time) {
        platform::Path kept = aside;
        kept += text('-', time);
        NTDSB_TRY(const auto taken, platform::file_info(kept));
        if (!taken) return platform::rename_new(aside, kept);
    }
}

} // namespace ntdsb::service
