// The decoders of the three headers, and the log files of a folder.
#include "restore_fixture.h"
#include "support/codes.h"

#include <random>

namespace ntdsb {
namespace {

using ese::decode_checkpoint;
using ese::decode_database_header;
using ese::decode_log_header;

class Headers : public RestoreTest {};

TEST_F(Headers, DatabaseFieldsAreDecodedForEveryPageSize) {
    for (const std::uint32_t page_size : {2048u, 4096u, 8192u, 16384u, 32768u}) {
        const auto made =
            dirty_database().page_size(page_size).dbtime(0x123456789AB).header_u32(104, 3);
        made.write(database());
        const auto read = ese::read_database_header(database());
        ASSERT_TRUE(read) << read.error().what;
        const auto& header = read.value();
        EXPECT_EQ(header.checksum, made.facts().header_checksum);
        EXPECT_EQ(header.format_version, 0x620u);
        EXPECT_EQ(header.dbtime, 0x123456789ABu);
        EXPECT_EQ(header.signature.bytes, made.facts().signature);
        EXPECT_EQ(header.state, ese::database_state_dirty);
        EXPECT_EQ(header.log_signature.bytes, signature);
        EXPECT_EQ(header.page_size, page_size);
        EXPECT_EQ(header.required_min, 3u);
        EXPECT_EQ(header.required_max, 7u);
        EXPECT_EQ(header.file_size, made.facts().size);
        EXPECT_FALSE(header.from_shadow);
    }
}

TEST_F(Headers, ShadowIsThePageAfterTheFirstAndNoOther) {
    const auto made = clean_database().page_size(8192).bytes();
    test::Bytes moved(4096); // before a sound header of 8 KiB, half a page too early
    moved[700] = std::byte{1};
    moved.insert(moved.end(), made.begin(), made.begin() + 8192);
    moved.resize(81920);
    EXPECT_EQ(code_of(decode_database_header(moved, moved.size(), "x")),
              as_code(hrDatabaseCorrupted));
}

TEST_F(Headers, ShadowServesWhenTheFirstHeaderIsDamaged) {
    for (const std::uint32_t page_size : {2048u, 4096u, 8192u, 16384u, 32768u}) {
        dirty_database().page_size(page_size).damaged_header().write(database());
        const auto header = ese::read_database_header(database());
        ASSERT_TRUE(header) << header.error().what;
        EXPECT_TRUE(header.value().from_shadow);
        EXPECT_EQ(header.value().page_size, page_size);
    }
}

TEST_F(Headers, ShadowServesWhenTheFirstHeadersFieldsAreGone) {
    auto bytes = dirty_database().bytes();
    std::fill_n(bytes.begin(), 4096, std::byte{0xFF});
    const auto header = decode_database_header(bytes, bytes.size(), "x");
    ASSERT_TRUE(header) << header.error().what;
    EXPECT_TRUE(header.value().from_shadow);
}

TEST_F(Headers, DamagedShadowAloneIsNoFault) {
    dirty_database().damaged_shadow().write(database());
    EXPECT_TRUE(ese::read_database_header(database()));
}

TEST_F(Headers, BackupRangeCountsWhenNoRequiredOneIsNamedAndNotClean) {
    const auto ranged = [](const test::EseDatabase& made) {
        const auto bytes = made.bytes();
        const auto header = decode_database_header(bytes, bytes.size(), "x").value();
        return std::pair(header.required_min, header.required_max);
    };
    EXPECT_EQ(ranged(dirty_database().required(0, 0).full_backup(4, 6)), std::pair(4u, 6u));
    EXPECT_EQ(ranged(dirty_database().full_backup(4, 6)), std::pair(3u, 7u));
    EXPECT_EQ(ranged(clean_database().full_backup(4, 6)), std::pair(0u, 0u));
}

TEST_F(Headers, WhatIsNoDatabaseIsToldFromADamagedOne) {
    const auto decode = [](const test::Bytes& bytes) {
        return code_of(decode_database_header(bytes, bytes.size(), "x"));
    };
    EXPECT_EQ(decode({}), as_code(hrInvalidDatabase));
    EXPECT_EQ(decode(test::Bytes(3)), as_code(hrInvalidDatabase));
    EXPECT_EQ(decode(test::Bytes(65536)), as_code(hrInvalidDatabase));
    EXPECT_EQ(decode(log(3).bytes()), as_code(hrInvalidDatabase));
    EXPECT_EQ(decode(clean_database().damaged_header().damaged_shadow().bytes()),
              as_code(hrDatabaseCorrupted));
    EXPECT_EQ(decode(clean_database().header_u32(4, 0x12345678).bytes()),
              as_code(hrInvalidDatabase));
    EXPECT_EQ(decode(clean_database().header_u32(8, 0x623).bytes()), as_code(hrInvalidDatabase));
    EXPECT_EQ(decode(clean_database().header_u32(236, 1234).bytes()), as_code(hrInvalidDatabase));
    EXPECT_EQ(decode(clean_database().header_u32(667, 3).bytes()), as_code(hrInvalidDatabase));
    EXPECT_EQ(decode(clean_database().header_u32(667, 0).bytes()), as_code(S_OK)); // an older file
    auto cut = clean_database().bytes();
    cut.resize(5000); // inside the first header
    EXPECT_EQ(decode(cut), as_code(hrDatabaseCorrupted));
}

TEST_F(Headers, DatabaseSizeMustBeWholePages) {
    clean_database().extra_bytes(1).write(database());
    EXPECT_EQ(code_of(ese::read_database_header(database())), as_code(hrInvalidDatabase));
    auto one_page = clean_database().bytes();
    one_page.resize(8192);
    test::write_file(database(), one_page);
    EXPECT_EQ(code_of(ese::read_database_header(database())), as_code(hrInvalidDatabase));
}

TEST_F(Headers, AbsentFilesAndFoldersHaveTheirCodes) {
    EXPECT_EQ(code_of(ese::read_database_header(root / "none")), as_code(hrDatabaseNotFound));
    EXPECT_EQ(code_of(ese::read_database_header(root)), as_code(hrInvalidDatabase));
    EXPECT_EQ(code_of(ese::read_log_header(root / "none")), as_code(hrMissingRestoreLogFiles));
    EXPECT_EQ(code_of(ese::read_checkpoint(root / "none")), as_code(ERROR_FILE_NOT_FOUND));
}

TEST_F(Headers, SentencesNameFileOffsetFoundAndExpected) {
    const auto made = clean_database().damaged_header().damaged_shadow();
    made.write(database());
    const auto header = ese::read_database_header(database());
    ASSERT_FALSE(header);
    const auto& what = header.error().what;
    EXPECT_NE(what.find(text(wire_path(database()))), std::string::npos) << what;
    EXPECT_NE(what.find("offset 0"), std::string::npos) << what;
    EXPECT_NE(what.find(text(hex(std::uint64_t{made.facts().header_checksum}))), std::string::npos)
        << what;
    EXPECT_NE(what.find("expected"), std::string::npos) << what;
}

TEST_F(Headers, LogFieldsAreDecodedForBothSectorSizes) {
    for (const auto& [sector, count] :
         {std::pair<std::uint16_t, std::uint16_t>{512, 16}, {4096, 256}}) {
        log(12).sectors(sector, count).write(logs() / "edb.log");
        const auto read = ese::read_log_header(logs() / "edb.log");
        ASSERT_TRUE(read) << read.error().what;
        const auto& header = read.value();
        EXPECT_EQ(header.generation, 12u);
        EXPECT_EQ(header.created, test::EseLog::default_created(12));
        EXPECT_EQ(header.created_after, test::EseLog::default_created(11));
        EXPECT_EQ(header.signature.bytes, signature);
        EXPECT_EQ(header.database_page_size, 8192u);
        EXPECT_EQ(header.declared_size, std::uint64_t{sector} * count);
        EXPECT_EQ(header.file_size, header.declared_size);
    }
}

TEST_F(Headers, LogPageSizeZeroIsFourKiB) {
    const auto bytes = log(1).header_u32(12, 16).bytes(); // the upper half is the page size
    EXPECT_EQ(decode_log_header(bytes, bytes.size(), "x").value().database_page_size, 4096u);
}

TEST_F(Headers, DamagedLogsAreRefused) {
    const auto decode = [](const test::Bytes& bytes) {
        return code_of(decode_log_header(bytes, bytes.size(), "x"));
    };
    EXPECT_EQ(decode(log(3).bytes()), as_code(S_OK));
    EXPECT_EQ(decode(log(3).header_u32(667, 0).bytes()), as_code(S_OK)); // an older log
    EXPECT_EQ(decode(log(3).damaged_header().bytes()), as_code(hrLogFileCorrupt));
    EXPECT_EQ(decode(log(3).header_u32(667, 1).bytes()), as_code(hrLogFileCorrupt));
    EXPECT_EQ(decode(log(3).header_u32(4, 0).bytes()), as_code(hrLogFileCorrupt));
    EXPECT_EQ(decode(log(3).header_u32(4, 0x80000003).bytes()), as_code(hrLogFileCorrupt));
    EXPECT_EQ(decode(test::Bytes(4096)), as_code(hrLogFileCorrupt));
    EXPECT_EQ(decode(test::Bytes(4095, std::byte{1})), as_code(hrLogFileCorrupt));
    EXPECT_EQ(decode({}), as_code(hrLogFileCorrupt));
    log(3).extra_bytes(-512).write(logs() / "edb.log");
    EXPECT_EQ(code_of(ese::read_log_header(logs() / "edb.log")), as_code(hrLogFileCorrupt));
}

TEST_F(Headers, CheckpointIsDecodedFromItsShadowToo) {
    for (const bool damaged : {false, true}) {
        auto made = test::EseCheckpoint{signature}.generation(5);
        if (damaged) made.damaged_header();
        const auto bytes = made.bytes();
        const auto header = decode_checkpoint(bytes, "x");
        ASSERT_TRUE(header) << header.error().what;
        EXPECT_EQ(header.value().generation, 5u);
        EXPECT_EQ(header.value().signature.bytes, signature);
        EXPECT_EQ(header.value().from_shadow, damaged);
    }
}

TEST_F(Headers, DamagedCheckpointsAreRefused) {
    const auto decode = [](const test::Bytes& bytes) {
        return code_of(decode_checkpoint(bytes, "x"));
    };
    EXPECT_EQ(decode(test::EseCheckpoint{signature}.damaged_header().damaged_shadow().bytes()),
              as_code(hrCheckpointCorrupt));
    EXPECT_EQ(decode(test::EseCheckpoint{signature}.header_u32(667, 3).bytes()),
              as_code(hrCheckpointCorrupt));
    EXPECT_EQ(decode(test::Bytes(8192)), as_code(hrCheckpointCorrupt));
    EXPECT_EQ(decode({}), as_code(hrCheckpointCorrupt));
    auto single = test::EseCheckpoint{signature}.bytes();
    single.resize(4096);
    EXPECT_EQ(decode(single), as_code(S_OK));
}

TEST_F(Headers, HostileBytesOfEveryLengthAreRefusedWithoutHarm) {
    std::mt19937 random(1);
    for (std::size_t size = 0; size < 9000; size += 7) {
        test::Bytes bytes(size);
        for (auto& byte : bytes) byte = static_cast<std::byte>(random() & 0xFF);
        EXPECT_FALSE(decode_database_header(bytes, size, "x"));
        EXPECT_FALSE(decode_log_header(bytes, size, "x"));
        EXPECT_FALSE(decode_checkpoint(bytes, "x"));
    }
}

TEST_F(Headers, LogFileNamesHaveFiveOrEightDigits) {
    EXPECT_EQ(ese::log_file_name(0xA), u"edb0000A.log");
    EXPECT_EQ(ese::log_file_name(0xFFFFF), u"edbFFFFF.log");
    EXPECT_EQ(ese::log_file_name(0x100000), u"edb00100000.log");
    EXPECT_EQ(ese::log_file_name(0x7FFFFFFF), u"edb7FFFFFFF.log");
    for (const std::uint32_t generation : {1u, 0x1234u, 0xABCDEu, 0x1ABCDEu}) {
        const auto name = ese::log_file_name(generation);
        EXPECT_EQ(std::string(name.begin(), name.end()), test::EseLog::name(generation));
    }
}

TEST_F(Headers, LogFilesAreListedByGenerationAndOthersLeftOut) {
    for (const char* name :
         {"edb.log", "edb00002.log", "EDB0000a.LOG", "edb00100000.log", "edbtmp.log",
          "edbres00001.jrs", "res1.log", "edb.chk", "edb000001.log", "edb0000G.log", "edb0001.log",
          "xedb00001.log", "edb00001.log.bak", "edb00003.logx"}) {
        test::write_file(logs() / name, test::Bytes(1));
    }
    std::filesystem::create_directory(logs() / "edb00004.log");
    const auto files = ese::list_log_files(logs());
    ASSERT_TRUE(files) << files.error().what;
    std::vector<std::string> names;
    for (const auto& file : files.value()) names.push_back(file.path.filename().string());
    EXPECT_EQ(names, (std::vector<std::string>{"edb00002.log", "EDB0000a.LOG", "edb00100000.log",
                                               "edb.log"}));
    EXPECT_EQ(files.value()[1].name_generation, 0xAu);
    EXPECT_EQ(files.value()[2].name_generation, 0x100000u);
    EXPECT_FALSE(files.value()[3].name_generation);
    EXPECT_EQ(code_of(ese::list_log_files(root / "none")), as_code(ERROR_PATH_NOT_FOUND));
}

} // namespace
} // namespace ntdsb
