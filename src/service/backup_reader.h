// What a backup reads: the files of one consistent moment (live and stopped, or a snapshot), and the reader of one open file. Knows files, not sessions.
#pragma once

#include "ese/restore_set.h"
#include "service/instance.h"
#include "wire/read_reply.h"

namespace ntdsb::service {

enum class BackupSource;

struct BackupFile {
    std::u16string listed_path; // as listed, without its BFT prefix
    char16_t bft = 0;
    platform::Path source;      // where its bytes are
    std::uint64_t size = 0;
    std::uint32_t page_size = 0; // 0: not a database
    bool delivered = false;      // to its last byte (contract BTRUNC-1)
};

struct BackupFiles {
    BackupSource source{};
    std::vector<BackupFile> databases;
    std::vector<BackupFile> logs;
    std::vector<ese::DatabaseIdentity> identities; // of `databases`, for the token
    std::uint32_t checkpoint_generation = 0;       // 0: no checkpoint
    std::uint32_t required_min = 0;                // 0: none (clean)
    ese::Signature log_signature;
};

// Looks at the headers and makes the lists (contract BLIST-1).
Result<BackupFiles> find_backup_files(const Instance& instance, BackupSource source);

// Reads one file in sequence, verifying the pages of a database (BREAD-4).
class BackupReader {
public:
    static Result<BackupReader> open(BackupFile& file, bool verify_pages);
    // One BackupRead reply; ERROR_HANDLE_EOF as status at the end.
    Result<void> read(std::uint32_t size, wire::ReplySink& reply);

private:
    BackupReader(BackupFile& file, platform::File handle, bool verify_pages);
    BackupFile* entry_;
    platform::File handle_;
    std::uint64_t offset_ = 0;
    bool verify_pages_;
    std::vector<std::byte> page_; // one page at a time, where the caller's buffer holds only a part of it
};

} // namespace ntdsb::service
