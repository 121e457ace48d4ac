// ESE files by themselves: headers and pages of a database, a log's and a checkpoint's header. An
// input is the file itself, or a sound one with some fields changed and, if it says so, sealed with
// the right checksum again, so that the fields behind the checksum are judged, too.
#include "fuzz/fuzz.h"

#include "core/path.h"
#include "ese/headers.h"
#include "ese/page_checksum.h"
#include "ese/page_kernels.h"
#include "support/ese_builder.h"

#include <algorithm>
#include <cstring>

namespace ntdsb::fuzz {

namespace {

void put_u32(Octets& file, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i)
        file[at + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

// Offset and value, again and again: the next ones of the input.
void change(Octets& file, Reader& reader, std::size_t changes) {
    for (std::size_t i = 0; i < changes && !reader.at_end(); ++i) {
        const std::size_t at = reader.u16();
        const std::uint32_t value = reader.u32();
        if (at + 4 <= file.size()) put_u32(file, at, value);
    }
}

void seal_header(Octets& file, std::size_t at, std::size_t size) {
    if (at + size <= file.size())
        put_u32(file, at, test::builder_header_checksum(file.data() + at, size));
}

// --- databases

constexpr std::uint32_t page_sizes[] = {2048, 4096, 8192, 16384, 32768};

Octets database_of(Reader& reader) {
    const auto how = reader.u8();
    if ((how & 1) == 0) return exactly(reader.rest());
    const auto page_size = page_sizes[reader.below(std::size(page_sizes))];
    test::EseDatabase database;
    database.page_size(page_size).pages(1).page_checksum((how & 2) != 0 ? test::PageChecksum::legacy
                                                                        : test::PageChecksum::ecc);
    if ((how & 4) != 0) database.dirty().log_signature(test::make_signature(1)).required(3, 5);
    if ((how & 8) != 0) database.damaged_header();
    if ((how & 16) != 0) database.damaged_shadow();
    Octets file = database.bytes();
    change(file, reader, reader.below(16));
    if ((how & 32) != 0) seal_header(file, 0, page_size);
    if ((how & 64) != 0) seal_header(file, page_size, page_size);
    return file;
}

void judge_database(const ese::DatabaseHeader& header, const Octets& file) {
    FUZZ_CHECK(std::ranges::find(page_sizes, header.page_size) != std::end(page_sizes),
               "VER-1: the page size is one of five");
    const std::size_t at = header.from_shadow ? header.page_size : 0;
    FUZZ_CHECK(file.size() >= at + header.page_size, "a header is read whole");
    FUZZ_CHECK(test::builder_header_checksum(file.data() + at, header.page_size) == header.checksum,
               "VER-1: the header that is believed has the right checksum");
    const bool sound = bool(ese::check_database_size(header, "made.dit"));
    FUZZ_CHECK(sound ==
                   (file.size() % header.page_size == 0 && file.size() / header.page_size >= 2),
               "VER-1: a whole number of pages, two at least");
}

void judge_page(std::span<const std::byte> page, std::uint32_t number) {
    const bool sound = ese::page_is_sound(page, number);
    const auto fault = ese::find_checksum_fault(page, number);
    const bool is_zero =
        std::ranges::all_of(page, [](std::byte octet) { return octet == std::byte{}; });
    FUZZ_CHECK(sound || fault.found != fault.expected, "VER-6: a damaged page has a fault");
    FUZZ_CHECK(!sound || is_zero || fault.found == fault.expected, "VER-6: a sound one has none");
    // The builder's own checksums, which share no code: sealed, the page is sound.
    Octets copy(page.begin(), page.end());
    for (const auto kind : {test::PageChecksum::ecc, test::PageChecksum::legacy}) {
        test::seal_page(copy.data(), copy.size(), number, kind);
        FUZZ_CHECK(ese::page_is_sound(copy, number), "VER-6: two implementations agree");
        copy[100] ^= std::byte{1};
        FUZZ_CHECK(!ese::page_is_sound(copy, number), "VER-6: one wrong bit is seen");
        copy[100] ^= std::byte{1};
    }
    const auto block = page.first(std::min<std::size_t>(page.size(), 8192));
    FUZZ_CHECK(ese::best_block_kernel()(block) == ese::block_sums_scalar(block),
               "VER-6: all forms of the sum agree");
}

} // namespace

void ese_database(Input input) {
    Reader reader(input);
    const Octets file = database_of(reader);
    const auto window = Input(file).first(std::min(file.size(), ese::header_window));
    const auto header = ese::decode_database_header(window, file.size(), "made.dit");
    if (!header) {
        FUZZ_CHECK(header.error().code == hrInvalidDatabase ||
                       header.error().code == hrDatabaseCorrupted,
                   "VER-8: what is no sound database has one of two codes");
        FUZZ_CHECK(header.error().what.find("made.dit") != std::string::npos,
                   "VER-8: the sentence names the file");
        return;
    }
    judge_database(header.value(), file);
    const std::size_t size = header.value().page_size;
    if (file.size() >= 3 * size) judge_page(Input(file).subspan(2 * size, size), 1);
}

void ese_log(Input input) {
    Reader reader(input);
    const auto how = reader.u8();
    Octets file;
    if ((how & 1) == 0) {
        file = exactly(reader.rest());
    } else {
        test::EseLog log(test::make_signature(1), reader.u32());
        log.sectors(512, 8).extra_bytes(static_cast<std::int8_t>(reader.u8()));
        file = log.bytes();
        change(file, reader, reader.below(16));
        if ((how & 2) != 0) seal_header(file, 0, ese::log_header_window);
    }
    const auto window = Input(file).first(std::min(file.size(), ese::log_header_window));
    const bool is_reserve = ese::is_reserve_log(window);
    const auto header = ese::decode_log_header(window, file.size(), "edb00001.log");
    FUZZ_CHECK(!is_reserve || !header, "VER-2: a reserve is no log");
    if (!header) {
        FUZZ_CHECK(header.error().code == hrLogFileCorrupt, "VER-8: an unsound log has one code");
        FUZZ_CHECK(header.error().what.find("edb00001.log") != std::string::npos,
                   "VER-8: the sentence names the file");
        return;
    }
    FUZZ_CHECK(test::builder_header_checksum(file.data(), ese::log_header_window) ==
                   header.value().checksum,
               "VER-2: a log that is believed has the right checksum");
    FUZZ_CHECK(bool(ese::check_log_size(header.value(), "it")) ==
                   (header.value().declared_size == file.size()),
               "VER-2: a log is as long as it says");
    const auto generation = header.value().generation;
    const auto name = ese::log_file_name(generation);
    const auto path = native_path(name);
    FUZZ_CHECK(ese::is_log_name(path) && ese::generation_of_name(path) == generation,
               "a log's name tells its generation");
}

void ese_checkpoint(Input input) {
    Reader reader(input);
    const auto how = reader.u8();
    Octets file;
    constexpr std::size_t copy_size = 4096;
    if ((how & 1) == 0) {
        file = exactly(reader.rest());
    } else {
        test::EseCheckpoint checkpoint(test::make_signature(1));
        checkpoint.generation(reader.u32());
        if ((how & 2) != 0) checkpoint.damaged_header();
        if ((how & 4) != 0) checkpoint.damaged_shadow();
        file = checkpoint.bytes();
        change(file, reader, reader.below(16));
        if ((how & 8) != 0) seal_header(file, 0, copy_size);
        if ((how & 16) != 0) seal_header(file, copy_size, copy_size);
    }
    const auto checkpoint = ese::decode_checkpoint(file, "edb.chk");
    if (!checkpoint) {
        FUZZ_CHECK(checkpoint.error().code == hrCheckpointCorrupt,
                   "VER-8: an unsound checkpoint has one code");
        FUZZ_CHECK(checkpoint.error().what.find("edb.chk") != std::string::npos,
                   "VER-8: the sentence names the file");
        return;
    }
    const std::size_t at = checkpoint.value().from_shadow ? copy_size : 0;
    FUZZ_CHECK(file.size() >= at + copy_size, "a checkpoint is read whole");
    FUZZ_CHECK(test::builder_header_checksum(file.data() + at, copy_size) ==
                   checkpoint.value().checksum,
               "VER-4: the checkpoint that is believed has the right checksum");
}

} // namespace ntdsb::fuzz
