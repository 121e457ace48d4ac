// Every rule of contract section 5, each broken alone by a made set of files: the code, and the
// sentence, which names the file, the offset, what was found and what is expected.
#include "restore_fixture.h"

namespace ntdsb {
namespace {

using test::EseCheckpoint;
using test::EseLog;

// The protected parts of the fixture, for functions that are no members.
class Breaking : public RestoreTest {
public:
    using RestoreTest::backup, RestoreTest::chain, RestoreTest::checkpoint,
        RestoreTest::clean_database, RestoreTest::database, RestoreTest::dirty_database,
        RestoreTest::foreign, RestoreTest::log, RestoreTest::logs, RestoreTest::range,
        RestoreTest::set, RestoreTest::signature, RestoreTest::write;
    ese::Report verify_set() { return verify(); }
    void TestBody() override {}
    // Other facts than those of the sound set, told to the token as well.
    void rewrite(const test::EseDatabase& made) {
        set.identities.clear();
        write(made);
    }
};

struct RuleCase {
    const char* name;
    const char* rule;
    Code code;
    const char* file;                  // the name of the file that is found at fault
    std::vector<const char*> sentence; // in it, in this order
    void (*breaks)(Breaking& set);     // the sound set of restore_fixture.h
};

void PrintTo(const RuleCase& row, std::ostream* out) { *out << row.name; }

constexpr Code code(long value) { return static_cast<Code>(value); }

const std::vector<RuleCase> rules{
    {"NoDatabase",
     "VER-1",
     code(hrDatabaseNotFound),
     "ntds.dit",
     {"ntds.dit", "no such file"},
     [](Breaking& t) { std::filesystem::remove(t.database()); }},
    {"NotATarget",
     "VER-1",
     code(hrDatabaseNotFound),
     "ntds.dit",
     {"none of the 1 databases"},
     [](Breaking& t) {
         std::filesystem::copy_file(t.database(), t.database().parent_path() / "other.dit");
         t.set.databases = {t.database().parent_path() / "other.dit"};
     }},
    {"Magic",
     "VER-1",
     code(hrInvalidDatabase),
     "ntds.dit",
     {"at offset 4 is 0x1 where", "0x89ABCDEF is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().header_u32(4, 1)); }},
    {"Version",
     "VER-1",
     code(hrInvalidDatabase),
     "ntds.dit",
     {"at offset 8", "is 0x621 where 0x620 is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().header_u32(8, 0x621)); }},
    {"PageSize",
     "VER-1",
     code(hrInvalidDatabase),
     "ntds.dit",
     {"at offset 236", "is 5000 where", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().header_u32(236, 5000)); }},
    {"FileType",
     "VER-1",
     code(hrInvalidDatabase),
     "ntds.dit",
     {"at offset 667", "is 3 where 1 is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().header_u32(667, 3)); }},
    {"HeaderChecksum",
     "VER-1",
     code(hrDatabaseCorrupted),
     "ntds.dit",
     {"at offset 0 is 0x", "where 0x", "is expected", "offset 8192"},
     [](Breaking& t) { t.rewrite(t.dirty_database().damaged_header().damaged_shadow()); }},
    {"WholePages",
     "VER-1",
     code(hrInvalidDatabase),
     "ntds.dit",
     {"has 81921 bytes where a multiple of the page size 8192", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().extra_bytes(1)); }},
    {"MissingLog",
     "VER-2",
     code(hrMissingRestoreLogFiles),
     "backup",
     {"5 (edb00005.log)"},
     [](Breaking& t) { std::filesystem::remove(t.backup() / "edb00005.log"); }},
    {"LogChecksum",
     "VER-2",
     code(hrLogFileCorrupt),
     "edb00005.log",
     {"edb00005.log", "at offset 0 is 0x", "where 0x", "is expected"},
     [](Breaking& t) { t.log(5).damaged_header().write(t.backup() / "edb00005.log"); }},
    {"LogFileType",
     "VER-2",
     code(hrLogFileCorrupt),
     "edb00005.log",
     {"at offset 667", "is 1 where 3 is expected"},
     [](Breaking& t) { t.log(5).header_u32(667, 1).write(t.backup() / "edb00005.log"); }},
    {"LogGeneration",
     "VER-2",
     code(hrLogFileCorrupt),
     "edb00005.log",
     {"at offset 4 is 0x6 where the name says 0x5"},
     [](Breaking& t) { t.log(6).write(t.backup() / "edb00005.log"); }},
    {"LogSize",
     "VER-2",
     code(hrLogFileCorrupt),
     "edb00005.log",
     {"has 8191 bytes where", "offset 8", "offset 12", "8192"},
     [](Breaking& t) { t.log(5).extra_bytes(-1).write(t.backup() / "edb00005.log"); }},
    {"LogSignature",
     "VER-2",
     code(hrGivenLogFileHasBadSignature),
     "edb00005.log",
     {"at offset 44 is ", "where", "is expected"},
     [](Breaking& t) { EseLog(t.foreign, 5).write(t.backup() / "edb00005.log"); }},
    {"LogCreatedAfter",
     "VER-2",
     code(hrGivenLogFileIsNotContiguous),
     "edb00005.log",
     {"at offset 24, is ", "where", "edb00004.log has at offset 16, is expected"},
     [](Breaking& t) {
         t.log(5).created_after(test::make_time(1)).write(t.backup() / "edb00005.log");
     }},
    {"LogCopiesDiffer",
     "VER-2",
     code(hrExistingLogFileHasBadSignature),
     "edb00005.log",
     {"logs", "backup", "5 (edb00005.log), and differ"},
     [](Breaking& t) { t.log(5).content(2).write(t.logs() / "edb00005.log"); }},
    {"LogAboveOfAnotherStream",
     "VER-2",
     code(hrExistingLogFileHasBadSignature),
     "edb.log",
     {"at offset 44 is ", "where", "is expected"},
     [](Breaking& t) {
         EseLog(t.foreign, 8).created_after(EseLog::default_created(7)).write(t.logs() / "edb.log");
     }},
    {"LogAboveWithAGap",
     "VER-2",
     code(hrExistingLogFileIsNotContiguous),
     "edb.log",
     {"is generation 9", "8 (edb00008.log)"},
     [](Breaking& t) { t.log(9).write(t.logs() / "edb.log"); }},
    {"LogSignatureOfTheDatabase",
     "VER-3",
     code(hrBadLogSignature),
     "ntds.dit",
     {"at offset 108 is ", "where", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().log_signature(t.foreign)); }},
    {"RequiredBelow",
     "VER-3",
     code(hrRestoreLogTooHigh),
     "ntds.dit",
     {"offset 296", "is 2 where 3", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().required(2, 7)); }},
    {"RequiredAbove",
     "VER-3",
     code(hrRestoreLogTooLow),
     "ntds.dit",
     {"offset 300", "is 8 where 7", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().required(3, 8)); }},
    {"State",
     "VER-3",
     code(hrDatabaseInconsistent),
     "ntds.dit",
     {"at offset 52 is 1 where", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().state(1)); }},
    {"DirtyWithoutARange",
     "VER-3",
     code(hrDatabaseInconsistent),
     "ntds.dit",
     {"offset 296", "0..0 where", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().required(0, 0)); }},
    {"DirtyWithoutLogs",
     "VER-3",
     code(hrDatabaseInconsistent),
     "ntds.dit",
     {"offset 108 is zero where", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().log_signature({})); }},
    {"CheckpointChecksum",
     "VER-4",
     code(hrCheckpointCorrupt),
     "edb.chk",
     {"at offset 0 is 0x", "where 0x", "is expected", "offset 4096"},
     [](Breaking& t) {
         EseCheckpoint{t.signature}.generation(3).damaged_header().damaged_shadow().write(
             t.checkpoint());
     }},
    {"CheckpointSignature",
     "VER-4",
     code(hrBadCheckpointSignature),
     "edb.chk",
     {"at offset 20 is ", "where", "is expected"},
     [](Breaking& t) { EseCheckpoint{t.foreign}.generation(3).write(t.checkpoint()); }},
    {"CheckpointGeneration",
     "VER-4",
     code(hrCheckpointCorrupt),
     "edb.chk",
     {"at offset 16 is at generation 4", "3"},
     [](Breaking& t) { EseCheckpoint{t.signature}.generation(4).write(t.checkpoint()); }},
    {"TokenSignature",
     "VER-5",
     code(hrBadDbSignature),
     "ntds.dit",
     {"at offset 24 is ", "where", "is expected"},
     [](Breaking& t) { t.set.identities[0].signature.bytes[0] ^= std::byte{1}; }},
    {"TokenSize",
     "VER-5",
     code(hrBadBackupDatabaseSize),
     "ntds.dit",
     {"has 81920 bytes where the expiry token says 81921"},
     [](Breaking& t) { ++t.set.identities[0].size; }},
    {"TokenTime",
     "VER-5",
     code(hrContentsExpired),
     "ntds.dit",
     {"at offset 16 is 1000 where the expiry token says 1001"},
     [](Breaking& t) { ++t.set.identities[0].dbtime; }},
    {"TokenHeader",
     "VER-5",
     code(hrContentsExpired),
     "ntds.dit",
     {"at offset 0 is 0x", "where the expiry token says 0x"},
     [](Breaking& t) { t.set.identities[0].header_checksum ^= 1; }},
    {"Page",
     "VER-6",
     code(hrReadVerifyFailure),
     "ntds.dit",
     {"page 5 at offset 49152", "at offset 0 of it is 0x", "where 0x", "is expected"},
     [](Breaking& t) { t.rewrite(t.dirty_database().damaged_page(5)); }},
    {"LegacyPage",
     "VER-6",
     code(hrReadVerifyFailure),
     "ntds.dit",
     {"page 5 at offset 49152", "at offset 0 of it is 0x", "where 0x", "is expected"},
     [](Breaking& t) {
         t.rewrite(t.dirty_database().page_checksum(test::PageChecksum::legacy).damaged_page(5));
     }},
};

class Rules : public RestoreTest, public testing::WithParamInterface<RuleCase> {};

TEST_P(Rules, BrokenAloneIsFoundAlone) {
    const RuleCase& row = GetParam();
    Breaking broken;
    broken.write(broken.dirty_database());
    broken.chain(3, 7).write(broken.backup());
    broken.range(3, 7);
    row.breaks(broken);
    const auto report = broken.verify_set();
    ASSERT_EQ(report.findings.size(), 1u) << sentences(report);
    const auto& finding = report.findings[0];
    EXPECT_EQ(report.result, row.code) << finding.what;
    EXPECT_EQ(finding.file.filename(), row.file) << finding.what;
    std::size_t at = 0;
    for (const char* part : row.sentence) {
        at = finding.what.find(part, at);
        EXPECT_NE(at, std::string::npos) << part << "\nin: " << finding.what;
    }
    EXPECT_TRUE(finding.what.ends_with(text("(", row.rule, ")"))) << finding.what;
}

INSTANTIATE_TEST_SUITE_P(All, Rules, testing::ValuesIn(rules),
                         [](const auto& row) { return std::string(row.param.name); });

} // namespace
} // namespace ntdsb
