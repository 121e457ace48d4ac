// The headers of the three kinds of ESE file that a restore meets, decoded and checked: database,
// transaction log, checkpoint. Knows bytes and files, not what a restore requires of them (that is
// restore_set.h). Every byte read is hostile.
#pragma once

#include "core/result.h"
#include "platform/file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ntdsb::ese {

using LogTime = std::array<std::byte, 8>; // compared as bytes; all zero is "none"

struct Signature {
    std::array<std::byte, 28> bytes{};
    bool is_zero() const noexcept;
    bool operator==(const Signature&) const = default;
};

struct DatabaseHeader {
    std::uint32_t checksum = 0;
    std::uint32_t format_version = 0;
    std::uint64_t dbtime = 0;
    Signature signature;
    std::uint32_t state = 0; // see database_state_*
    Signature log_signature;
    std::uint32_t page_size = 0; // bytes
    // The generations that recovery needs; 0,0 = none named. From the header's own fields, or for a
    // database that is not clean and has 0 there, from BKINFO full current (contract VER-3).
    std::uint32_t required_min = 0;
    std::uint32_t required_max = 0;
    bool from_shadow = false; // the first header was damaged
    std::uint64_t file_size = 0;
};

inline constexpr std::uint32_t database_state_just_created = 1;
inline constexpr std::uint32_t database_state_dirty = 2;
inline constexpr std::uint32_t database_state_clean = 3;

struct LogHeader {
    std::uint32_t checksum = 0;
    std::uint32_t generation = 0;
    LogTime created{};
    LogTime created_after{}; // the predecessor's `created`
    Signature signature;
    std::uint32_t database_page_size = 0;
    std::uint64_t declared_size = 0; // sector size x sectors
    std::uint64_t file_size = 0;
};

struct CheckpointHeader {
    std::uint32_t checksum = 0;
    std::uint32_t generation = 0;
    Signature signature;
    bool from_shadow = false;
};

// A file that could not be read or is not sound: Error codes hrDatabaseNotFound / hrInvalidDatabase
// / hrDatabaseCorrupted, hrMissingRestoreLogFiles / hrLogFileCorrupt, hrCheckpointCorrupt,
// hrFileAccessDenied, hrDiskIO (contract VER-8); the sentence names file, offset, found and
// expected. A checkpoint that is not there is ERROR_FILE_NOT_FOUND, since having none is no fault
// (VER-4).
Result<DatabaseHeader> read_database_header(const platform::Path& path);
Result<LogHeader> read_log_header(const platform::Path& path);
Result<CheckpointHeader> read_checkpoint(const platform::Path& path,
                                         platform::Links links = platform::Links::followed);

// The same decoders on bytes alone, for callers that hold them already and for the fuzzers. `start`
// is the file's beginning, as much as there is of header_window bytes; `name` is how the sentences
// call the file. These do not judge `file_size`; the functions above do.
//
// header_window is a database's: the largest header and its shadow.
inline constexpr std::size_t header_window = std::size_t{2} * 32768;
inline constexpr std::size_t log_header_window = 4096;
Result<DatabaseHeader> decode_database_header(std::span<const std::byte> start,
                                              std::uint64_t file_size, std::string_view name);
Result<LogHeader> decode_log_header(std::span<const std::byte> start, std::uint64_t file_size,
                                    std::string_view name);
Result<CheckpointHeader> decode_checkpoint(std::span<const std::byte> start, std::string_view name);

// The judgement of the size: whole pages, two at least (contract VER-1); sector size x sectors
// (VER-2).
Result<void> check_database_size(const DatabaseHeader& header, std::string_view name);
Result<void> check_log_size(const LogHeader& header, std::string_view name);

// A reserve: a log file of zeros, which is not part of a chain.
bool is_reserve_log(std::span<const std::byte> header) noexcept;

// A file in a log folder whose name is that of a log: edbXXXXX.log, edbXXXXXXXX.log or edb.log
// (without case).
struct LogFile {
    platform::Path path;
    std::optional<std::uint32_t> name_generation; // none: edb.log
};
// By generation, edb.log last. A folder that is not there is an error (ERROR_PATH_NOT_FOUND).
Result<std::vector<LogFile>> list_log_files(const platform::Path& folder,
                                            platform::Links links = platform::Links::followed);

// Whether a file's name is a log's, and the generation in it (none: edb.log, or no log's name).
bool is_log_name(const platform::Path& file);
std::optional<std::uint32_t> generation_of_name(const platform::Path& file);

// "edb0000A.log" for a generation: 5 hex digits, 8 above 0xFFFFF.
std::u16string log_file_name(std::uint32_t generation);

} // namespace ntdsb::ese
