// What a backup reads: the files of one consistent moment (live and stopped, or a snapshot), and
// the reader of one open file. Knows files, not sessions.
#pragma once

#include "ese/restore_set.h"
#include "service/instance.h"
#include "wire/read_reply.h"

#include <functional>

namespace ntdsb::service {

enum class BackupSource;

struct BackupFile {
    std::u16string listed_path; // as listed, without its BFT prefix
    char16_t bft = 0;
    platform::Path source; // where its bytes are
    std::uint64_t size = 0;
    std::uint32_t page_size = 0; // 0: not a database
    bool delivered = false;      // to its last byte (contract BTRUNC-1)
    std::u16string name_key;     // of listed_path, as `find` compares names
};

struct BackupFiles {
    BackupSource source{};
    std::vector<BackupFile> databases;
    std::vector<BackupFile> logs;
    std::vector<ese::DatabaseIdentity> identities; // of `databases`, for the token
    std::uint32_t checkpoint_generation = 0;       // 0: no checkpoint
    std::uint32_t required_min = 0;                // 0: none (clean)
    ese::Signature log_signature;                  // zero: logging was off and there are no logs

    // BOPEN-1: the listed file of that name, with or without its BFT prefix; nullptr if none is.
    BackupFile* find(std::u16string_view name);
    // Whether every listed file, databases and logs alike, was delivered to its last byte.
    bool all_delivered() const noexcept;
};

// Looks at the headers and makes the lists (contract BLIST-1). Live: the configured paths.
// Snapshot: the database under its own file name, the logs and edb.chk, all directly in
// snapshot_path. In both cases the *listed* paths are those of the live directory, in the form of
// GetDatabaseLocations: where a restore puts the files back to, so that a tool can map them; only
// the bytes come from the snapshot.
//
// Where the set is not one that can be restored (our choice, all of section 5's kind): a generation
// missing between the first needed and the current one is hrLogFileNotFound, a damaged log
// hrLogFileCorrupt, a log of another signature hrGivenLogFileHasBadSignature, one that does not
// follow its predecessor hrGivenLogFileIsNotContiguous, a checkpoint of another signature
// hrBadCheckpointSignature; a database neither clean nor dirty, or dirty without a range of logs to
// recover from, hrDatabaseInconsistent. A clean database needs no logs: without any in the folder
// the list is empty, and without a checkpoint it holds the current log alone.
Result<BackupFiles> find_backup_files(const Instance& instance, BackupSource source);

// The checkpoint at `place`, a file or the folder of edb.chk; std::nullopt if there is none.
// Damaged: hrCheckpointCorrupt.
Result<std::optional<ese::CheckpointHeader>> find_checkpoint(const platform::Path& place);

// VER-3, of a backup and of the live directory: hrDatabaseInconsistent for a state other than clean
// and dirty shutdown, and for a dirty one that names no logs to recover from.
Result<void> check_database_state(const ese::DatabaseHeader& header, const platform::Path& path);

// Reads one file in sequence, verifying the pages of a database (BREAD-4). Bytes go from the file
// straight into the sink's memory; only a page that the caller's buffer holds a part of passes
// through a buffer of its own, and is verified once. The two header pages are one block, which is
// sound when either has its checksum.
class BackupReader {
public:
    // hrDiskIO if the file became shorter than listed, or if a database's size changed at all; a
    // log that grew is read up to the listed size.
    static Result<BackupReader> open(BackupFile& file, bool verify_pages);
    // One BackupRead reply; ERROR_HANDLE_EOF as status at the end. A read that fails leaves the
    // position where it was.
    Result<void> read(std::uint32_t size, wire::ReplySink& reply);

    // Test seam: called instead of the pause before each re-read of an unsound page.
    void set_pause(std::function<void()> pause) { pause_ = std::move(pause); }

private:
    // A unit of verification: a page, or the two header pages.
    struct Block {
        std::uint64_t offset;
        std::size_t size;
    };

    BackupReader(BackupFile& file, platform::File handle, bool verify_pages);
    Result<void> deliver(wire::ReadReplyWriter& writer, std::size_t count);
    Result<void> fill(std::span<std::byte> into);
    Result<void> fill_verified(std::span<std::byte> into);
    Result<void> read_exactly(std::uint64_t offset, std::span<std::byte> into) const;
    Block block_at(std::uint64_t offset) const;
    bool is_sound(const Block& block, std::span<const std::byte> bytes) const;
    Result<void> verify(const Block& block, std::span<std::byte> bytes) const;
    Result<void> verify_all(std::span<std::byte> bytes) const;
    Result<void> load(const Block& block);

    BackupFile* entry_;
    platform::File handle_;
    std::uint64_t offset_ = 0;
    bool verify_pages_;
    // One block at a time, where the caller's buffer holds only a part of it; empty: none.
    std::vector<std::byte> page_;
    std::uint64_t page_offset_ = 0;
    std::function<void()> pause_;
};

} // namespace ntdsb::service
