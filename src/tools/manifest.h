// manifest.json of a folder that `ntdsbctl backup` made: which files belong to the backup, their
// sizes and SHA-256 sums. Written last, so that a folder without it is no finished backup. Read
// back it is hostile: names are plain file names, numbers are limited, nothing in it chooses where
// anything is written.
#pragma once

#include "platform/file.h"
#include "tools/progress.h"

#include <atomic>

namespace ntdsb::tools {

inline constexpr std::string_view manifest_name = "manifest.json";
inline constexpr std::string_view token_name = "token.bin";

// What a token is read up to, in bytes: far above any that a backup gave.
inline constexpr std::size_t largest_token = std::size_t{1} << 20;
// By how much files are read and copied, in bytes.
inline constexpr std::size_t buffer_size = std::size_t{1} << 20;

enum class FileKind { database, log, token };

struct ManifestFile {
    std::string name; // in the backup's folder
    FileKind kind = FileKind::database;
    std::string live_path; // where it was at backup; empty for the token
    std::uint64_t size = 0;
    std::string sha256; // 64 hex digits
};

struct Manifest {
    std::string taken_at; // "2026-11-23T05:55:45Z"
    std::string server;
    std::uint32_t gen_low = 0; // 0..0: no logs
    std::uint32_t gen_high = 0;
    std::vector<ManifestFile> files; // one database, the logs gen_low..gen_high, one token

    const ManifestFile& database() const;
    const ManifestFile& token() const;
};

// Whether it can be the name of a file in any folder, on every platform.
bool is_plain_name(std::string_view name);

// The file of that (UTF-8) name.
platform::Path file_in(const platform::Path& folder, std::string_view name);

std::string encode_manifest(const Manifest& manifest);
// ERROR_INVALID_DATA that says what is wrong; ERROR_NOT_SUPPORTED for a later version's format.
Result<Manifest> decode_manifest(std::string_view json);

// ERROR_FILE_NOT_FOUND: the folder has none, and what that means.
Result<Manifest> load_manifest(const platform::Path& folder);

// One thing wrong with a backup's files.
struct BackupFault {
    platform::Path file;
    Error error;
};
// Compares each file with its size first and then its sum. ERROR_OPERATION_ABORTED as the only
// fault if `cancelled`.
std::vector<BackupFault> check_backup_files(const platform::Path& folder, const Manifest& manifest,
                                            Progress& progress, const std::atomic<bool>& cancelled);

} // namespace ntdsb::tools
