// The reader of one file of a backup (backup_reader.h).
#include "service/backup_reader.h"

#include "core/log.h"
#include "core/path.h"
#include "ese/bytes.h"
#include "ese/header_file.h"
#include "ese/page_checksum.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace ntdsb::service {

namespace {

// A page that is being written while it is read is whole a moment later (BREAD-4).
constexpr std::chrono::milliseconds pauses_before_rereads[] = {
    std::chrono::milliseconds(5), std::chrono::milliseconds(20), std::chrono::milliseconds(80)};

bool header_is_sound(std::span<const std::byte> header) {
    return ese::ByteReader(header).u32(0) == ese::header_checksum(header);
}

Error io_error(const Error& error) { return ese::read_error(error, static_cast<Code>(hrDiskIO)); }

} // namespace

BackupReader::BackupReader(BackupFile& file, platform::File handle, bool verify_pages)
    : entry_(&file), handle_(std::move(handle)), verify_pages_(verify_pages) {}

Result<BackupReader> BackupReader::open(BackupFile& file, bool verify_pages) {
    auto handle = platform::File::open_read(file.source);
    if (!handle) return io_error(handle.error());
    auto size = handle.value().size();
    if (!size) return io_error(size.error());
    const bool is_database = file.page_size != 0;
    if (size.value() < file.size || (is_database && size.value() != file.size)) {
        return fail(hrDiskIO, "BOPEN-1: ", wire_path(file.source), " has ", size.value(),
                    " bytes now and had ", file.size,
                    " at DsBackupPrepare; something writes to it: begin a new backup");
    }
    if (file.size == 0) file.delivered = true;
    return BackupReader(file, std::move(handle).value(), verify_pages && is_database);
}

Result<void> BackupReader::read(std::uint32_t size, wire::ReplySink& reply) {
    size = std::min(size, wire::max_read_bytes);
    const auto left = entry_->size - offset_;
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, left));
    wire::ReadReplyWriter writer(reply);
    NTDSB_CHECK(writer.begin(size, count));
    if (count == 0) return writer.finish(ERROR_HANDLE_EOF); // BREAD-2

    const auto start = offset_;
    if (const auto delivered = deliver(writer, count); !delivered) {
        offset_ = start;
        log::error(delivered.error().what);
        // If it was the sink that failed, it refuses the padding too, and that is the result.
        return writer.finish(delivered.error().code);
    }
    if (auto finished = writer.finish(0); !finished) {
        offset_ = start;
        return finished;
    }
    if (offset_ == entry_->size) entry_->delivered = true;
    return ok();
}

Result<void> BackupReader::deliver(wire::ReadReplyWriter& writer, std::size_t count) {
    for (std::size_t done = 0; done < count;) {
        const auto memory = writer.lend(count - done);
        if (memory.empty()) {
            return fail(RPC_X_BAD_STUB_DATA, "the receiver of a read took ", done, " of ", count,
                        " bytes");
        }
        NTDSB_CHECK(fill(memory));
        writer.commit(memory.size());
        done += memory.size();
    }
    return ok();
}

Result<void> BackupReader::fill(std::span<std::byte> into) {
    if (verify_pages_) return fill_verified(into);
    NTDSB_CHECK(read_exactly(offset_, into));
    offset_ += into.size();
    return ok();
}

Result<void> BackupReader::fill_verified(std::span<std::byte> into) {
    while (!into.empty()) {
        const auto block = block_at(offset_);
        std::size_t part = 0;
        if (offset_ == block.offset && into.size() >= block.size) {
            part = into.size() - into.size() % entry_->page_size;
            NTDSB_CHECK(read_exactly(offset_, into.first(part)));
            NTDSB_CHECK(verify_all(into.first(part)));
        } else {
            NTDSB_CHECK(load(block));
            const auto within = static_cast<std::size_t>(offset_ - block.offset);
            part = std::min(into.size(), block.size - within);
            std::copy_n(page_.begin() + static_cast<std::ptrdiff_t>(within), part, into.begin());
        }
        offset_ += part;
        into = into.subspan(part);
    }
    return ok();
}

Result<void> BackupReader::read_exactly(std::uint64_t offset, std::span<std::byte> into) const {
    const auto got = handle_.read_alone(offset, into);
    if (!got) return io_error(got.error());
    if (got.value() == into.size()) return ok();
    return fail(hrDiskIO, "BREAD-4: ", wire_path(handle_.path()), " ends at ", offset + got.value(),
                " and had ", entry_->size,
                " bytes at DsBackupPrepare; something cut it: begin a new backup");
}

BackupReader::Block BackupReader::block_at(std::uint64_t offset) const {
    const std::uint64_t page_size = entry_->page_size;
    if (offset < 2 * page_size) return {0, static_cast<std::size_t>(2 * page_size)};
    return {offset - offset % page_size, static_cast<std::size_t>(page_size)};
}

bool BackupReader::is_sound(const Block& block, std::span<const std::byte> bytes) const {
    const auto page_size = entry_->page_size;
    if (block.offset == 0)
        return header_is_sound(bytes.first(page_size)) || header_is_sound(bytes.subspan(page_size));
    return ese::page_is_sound(bytes, static_cast<std::uint32_t>(block.offset / page_size - 1));
}

// Reads an unsound block again, in place, before it is called damaged.
Result<void> BackupReader::verify(const Block& block, std::span<std::byte> bytes) const {
    if (is_sound(block, bytes)) return ok();
    for (const auto pause : pauses_before_rereads) {
        pause_ ? pause_() : std::this_thread::sleep_for(pause);
        NTDSB_CHECK(read_exactly(block.offset, bytes));
        if (is_sound(block, bytes)) return ok();
    }
    const auto page = block.offset == 0 ? std::string("its header and its shadow header")
                                        : text("page ", block.offset / entry_->page_size - 1);
    return fail(hrReadVerifyFailure, "BREAD-4: ", wire_path(handle_.path()), ": ", page,
                " at offset ", block.offset, " (", block.size,
                " bytes) has a wrong checksum, also when read again; the database is damaged "
                "there: check the disk and restore from an earlier backup, or set verify = \"off\" "
                "to back it up as it is");
}

// `bytes` begin at offset_, the beginning of a block, and are whole blocks.
Result<void> BackupReader::verify_all(std::span<std::byte> bytes) const {
    for (auto at = offset_; !bytes.empty();) {
        const auto block = block_at(at);
        NTDSB_CHECK(verify(block, bytes.first(block.size)));
        at += block.size;
        bytes = bytes.subspan(block.size);
    }
    return ok();
}

Result<void> BackupReader::load(const Block& block) {
    if (!page_.empty() && page_offset_ == block.offset) return ok();
    std::vector<std::byte> bytes = std::move(page_); // empty, should this fail
    page_.clear();
    bytes.resize(block.size);
    NTDSB_CHECK(read_exactly(block.offset, bytes));
    NTDSB_CHECK(verify(block, bytes));
    page_ = std::move(bytes);
    page_offset_ = block.offset;
    return ok();
}

} // namespace ntdsb::service
