// Decodes the three headers. The offsets are those of the format facts; whether a field's value
// suits a restore is judged elsewhere.
#include "ese/headers.h"

#include "ese/bytes.h"
#include "ese/header_file.h"
#include "ese/page_checksum.h"

#include <algorithm>

namespace ntdsb::ese {
namespace {

constexpr std::uint32_t database_magic = 0x89ABCDEF;
constexpr std::uint32_t supported_format = 0x620;
constexpr std::array<std::uint32_t, 5> page_sizes{2048, 4096, 8192, 16384, 32768};
constexpr std::size_t log_header_size = log_header_window; // of a checkpoint too
constexpr std::size_t checkpoint_window = 2 * log_header_size;

constexpr std::size_t file_type_offset = 667;
constexpr std::uint32_t type_unset = 0; // older files
constexpr std::uint32_t type_database = 1;
constexpr std::uint32_t type_log = 3;
constexpr std::uint32_t type_checkpoint = 4;

namespace database_at {
constexpr std::size_t checksum = 0, magic = 4, version = 8, dbtime = 16, signature = 24, state = 52;
constexpr std::size_t log_signature = 108, backup_low = 200, backup_high = 204, page_size = 236;
constexpr std::size_t required_min = 296, required_max = 300;
} // namespace database_at

namespace log_at {
constexpr std::size_t checksum = 0, generation = 4, sector_size = 8, sectors = 12, page_size = 14;
constexpr std::size_t created = 16, created_after = 24, signature = 44;
} // namespace log_at

namespace checkpoint_at {
constexpr std::size_t checksum = 0, generation = 16, signature = 20;
} // namespace checkpoint_at

bool is_page_size(std::uint32_t size) {
    return std::find(page_sizes.begin(), page_sizes.end(), size) != page_sizes.end();
}

bool checksum_holds(std::span<const std::byte> header) {
    return !header.empty() && ByteReader(header).u32(0) == header_checksum(header);
}

Signature signature_at(const ByteReader& reader, std::size_t offset) {
    return Signature{reader.array<28>(offset)};
}

Result<void> check_file_type(const ByteReader& header, std::uint32_t expected, Code code,
                             std::string_view name) {
    const std::uint32_t type = header.u32(file_type_offset);
    if (type == expected || type == type_unset) return ok();
    return fail(code, name, ": at offset ", file_type_offset, " the file type is ", type, " where ",
                expected, " is expected");
}

// A database header at `offset` that is whole: magic, a page size of which `offset` is none or one
// page, checksum over that page.
std::span<const std::byte> sound_database_header(std::span<const std::byte> start,
                                                 std::size_t offset) {
    const ByteReader header(start.subspan(std::min(offset, start.size())));
    if (header.u32(database_at::magic) != database_magic) return {};
    const std::uint32_t page_size = header.u32(database_at::page_size);
    if (!is_page_size(page_size) || (offset != 0 && offset != page_size)) return {};
    const auto page = header.part(0, page_size);
    return checksum_holds(page) ? page : std::span<const std::byte>{};
}

std::span<const std::byte> sound_shadow_header(std::span<const std::byte> start) {
    for (const std::uint32_t page_size : page_sizes) {
        if (const auto header = sound_database_header(start, page_size); !header.empty())
            return header;
    }
    return {};
}

// Why there is no sound header at all: no database (VER-8 hrInvalidDatabase), or one whose headers
// are damaged (hrDatabaseCorrupted).
Error explain_no_header(std::span<const std::byte> start, std::uint64_t file_size,
                        std::string_view name) {
    const ByteReader reader(start);
    const auto has_magic = [&](std::size_t offset) {
        return reader.u32(offset + database_at::magic) == database_magic;
    };
    const std::uint32_t page_size = reader.u32(database_at::page_size);
    if (!has_magic(0) && std::none_of(page_sizes.begin(), page_sizes.end(), has_magic)) {
        return fail(hrInvalidDatabase, name, " is not a database: at offset ", database_at::magic,
                    " is ", hex(std::uint64_t{reader.u32(database_at::magic)}), " where the mark ",
                    hex(std::uint64_t{database_magic}),
                    " is expected, and no shadow header has it (file of ", file_size, " bytes)");
    }
    if (!is_page_size(page_size)) {
        const bool intact =
            std::any_of(page_sizes.begin(), page_sizes.end(),
                        [&](std::uint32_t size) { return checksum_holds(reader.part(0, size)); });
        return fail(intact ? hrInvalidDatabase : hrDatabaseCorrupted, name, ": at offset ",
                    database_at::page_size, " the page size is ", page_size,
                    " where 2048, 4096, 8192, 16384 or 32768 is expected, and the shadow header "
                    "does not help");
    }
    const auto header = reader.part(0, page_size);
    if (header.empty())
        return fail(hrDatabaseCorrupted, name, ": the file ends at ", file_size,
                    " inside its header of ", page_size, " bytes");
    return fail(hrDatabaseCorrupted, name, ": the header's checksum at offset ",
                database_at::checksum, " is ",
                hex(std::uint64_t{reader.u32(database_at::checksum)}), " where ",
                hex(std::uint64_t{header_checksum(header)}),
                " is expected, and the shadow header at offset ", page_size, " is damaged too");
}

} // namespace

bool Signature::is_zero() const noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

bool is_reserve_log(std::span<const std::byte> header) noexcept {
    return std::all_of(header.begin(), header.end(), [](std::byte b) { return b == std::byte{0}; });
}

Result<DatabaseHeader> decode_database_header(std::span<const std::byte> start,
                                              std::uint64_t file_size, std::string_view name) {
    auto page = sound_database_header(start, 0);
    const bool from_shadow = page.empty();
    if (from_shadow) page = sound_shadow_header(start);
    if (page.empty()) return explain_no_header(start, file_size, name);

    const ByteReader reader(page);
    DatabaseHeader header;
    header.checksum = reader.u32(database_at::checksum);
    header.format_version = reader.u32(database_at::version);
    header.dbtime = reader.u64(database_at::dbtime);
    header.signature = signature_at(reader, database_at::signature);
    header.state = reader.u32(database_at::state);
    header.log_signature = signature_at(reader, database_at::log_signature);
    header.page_size = reader.u32(database_at::page_size);
    header.required_min = reader.u32(database_at::required_min);
    header.required_max = reader.u32(database_at::required_max);
    header.from_shadow = from_shadow;
    header.file_size = file_size;
    if (header.state != database_state_clean && header.required_min == 0 &&
        header.required_max == 0) { // VER-3
        header.required_min = reader.u32(database_at::backup_low);
        header.required_max = reader.u32(database_at::backup_high);
    }
    if (header.format_version != supported_format) {
        return fail(hrInvalidDatabase, name, ": at offset ", database_at::version,
                    " the format version is ", hex(std::uint64_t{header.format_version}), " where ",
                    hex(std::uint64_t{supported_format}), " is expected");
    }
    NTDSB_CHECK(check_file_type(reader, type_database, static_cast<Code>(hrInvalidDatabase), name));
    return header;
}

Result<LogHeader> decode_log_header(std::span<const std::byte> start, std::uint64_t file_size,
                                    std::string_view name) {
    const ByteReader reader(start);
    const auto page = reader.part(0, log_header_size);
    if (page.empty())
        return fail(hrLogFileCorrupt, name, ": the file of ", file_size,
                    " bytes ends inside the log header of ", log_header_size, " bytes");
    if (is_reserve_log(page))
        return fail(hrLogFileCorrupt, name,
                    ": the log header is all zeros, as that of a reserve log");
    if (!checksum_holds(page)) {
        return fail(hrLogFileCorrupt, name, ": the log header's checksum at offset ",
                    log_at::checksum, " is ", hex(std::uint64_t{reader.u32(log_at::checksum)}),
                    " where ", hex(std::uint64_t{header_checksum(page)}), " is expected");
    }
    NTDSB_CHECK(check_file_type(reader, type_log, static_cast<Code>(hrLogFileCorrupt), name));
    LogHeader header;
    header.checksum = reader.u32(log_at::checksum);
    header.generation = reader.u32(log_at::generation);
    header.created = reader.array<8>(log_at::created);
    header.created_after = reader.array<8>(log_at::created_after);
    header.signature = signature_at(reader, log_at::signature);
    header.database_page_size =
        reader.u16(log_at::page_size) == 0 ? 4096 : reader.u16(log_at::page_size);
    header.declared_size =
        std::uint64_t{reader.u16(log_at::sector_size)} * reader.u16(log_at::sectors);
    header.file_size = file_size;
    if (header.generation == 0 || header.generation > 0x7FFFFFFF) { // REG-10
        return fail(hrLogFileCorrupt, name, ": at offset ", log_at::generation,
                    " the generation is ", hex(std::uint64_t{header.generation}),
                    " where a number from 1 on is expected");
    }
    return header;
}

Result<CheckpointHeader> decode_checkpoint(std::span<const std::byte> start,
                                           std::string_view name) {
    const ByteReader reader(start);
    auto page = reader.part(0, log_header_size);
    const bool from_shadow = !checksum_holds(page);
    if (from_shadow) page = reader.part(log_header_size, log_header_size);
    if (from_shadow && !checksum_holds(page)) {
        return fail(hrCheckpointCorrupt, name, ": the checkpoint's checksum at offset ",
                    checkpoint_at::checksum, " is ",
                    hex(std::uint64_t{reader.u32(checkpoint_at::checksum)}), " where ",
                    hex(std::uint64_t{header_checksum(reader.part(0, log_header_size))}),
                    " is expected, and its shadow at offset ", log_header_size,
                    " is damaged or absent");
    }
    const ByteReader header(page);
    NTDSB_CHECK(
        check_file_type(header, type_checkpoint, static_cast<Code>(hrCheckpointCorrupt), name));
    return CheckpointHeader{header.u32(checkpoint_at::checksum),
                            header.u32(checkpoint_at::generation),
                            signature_at(header, checkpoint_at::signature), from_shadow};
}

Result<void> check_database_size(const DatabaseHeader& header, std::string_view name) {
    if (header.file_size % header.page_size == 0 && header.file_size / header.page_size >= 2)
        return ok();
    return fail(hrInvalidDatabase, name, ": the file has ", header.file_size,
                " bytes where a multiple of the page size ", header.page_size,
                ", two pages at least, is expected");
}

Result<void> check_log_size(const LogHeader& header, std::string_view name) {
    if (header.file_size == header.declared_size) return ok();
    return fail(hrLogFileCorrupt, name, ": the file has ", header.file_size,
                " bytes where its header (sector size at offset ", log_at::sector_size,
                " x sectors at offset ", log_at::sectors, ") says ", header.declared_size);
}

Result<DatabaseHeader> read_database_header(const platform::Path& path) {
    NTDSB_TRY(const auto start, read_start(path, platform::Links::followed, header_window,
                                           static_cast<Code>(hrDatabaseNotFound),
                                           static_cast<Code>(hrInvalidDatabase)));
    NTDSB_TRY(const auto header, decode_database_header(start.bytes, start.size, shown(path)));
    NTDSB_CHECK(check_database_size(header, shown(path)));
    return header;
}

Result<LogHeader> read_log_header(const platform::Path& path) {
    NTDSB_TRY(const auto start, read_start(path, platform::Links::followed, log_header_window,
                                           static_cast<Code>(hrMissingRestoreLogFiles),
                                           static_cast<Code>(hrLogFileCorrupt)));
    NTDSB_TRY(const auto header, decode_log_header(start.bytes, start.size, shown(path)));
    NTDSB_CHECK(check_log_size(header, shown(path)));
    return header;
}

Result<CheckpointHeader> read_checkpoint(const platform::Path& path, platform::Links links) {
    NTDSB_TRY(const auto start, read_start(path, links, checkpoint_window, ERROR_FILE_NOT_FOUND,
                                           static_cast<Code>(hrCheckpointCorrupt)));
    return decode_checkpoint(start.bytes, shown(path));
}

} // namespace ntdsb::ese
