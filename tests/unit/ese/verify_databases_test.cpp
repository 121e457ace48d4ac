// VER-1, VER-3, VER-5, VER-6: the databases of a restore set. Made files.
#include "restore_fixture.h"

#include <vector>

namespace ntdsb {
namespace {

using test::EseDatabase;

class VerifyDatabases : public RestoreTest {};

TEST_F(VerifyDatabases, SoundSetsPass) {
    write_sound_set();
    expect_sound();
}

TEST_F(VerifyDatabases, EveryPageSizeAndChecksumPasses) {
    for (const std::uint32_t page_size : {2048u, 4096u, 8192u, 16384u, 32768u}) {
        for (const auto kind : {test::PageChecksum::ecc, test::PageChecksum::legacy}) {
            set.identities.clear();
            write(
                clean_database().page_size(page_size).page_checksum(kind).unused_page(2).pages(70));
            expect_sound();
        }
    }
}

TEST_F(VerifyDatabases, ShadowHeaderServesForADamagedOne) {
    write(clean_database().damaged_header());
    expect_sound();
}

TEST_F(VerifyDatabases, MissingDatabaseIsFound) { expect_only(hrDatabaseNotFound, "VER-1"); }

TEST_F(VerifyDatabases, ConfiguredDatabaseMustBeAmongTheTargets) {
    write(clean_database());
    clean_database().write(root / "other.dit");
    set.databases = {root / "other.dit"};
    expect_only(hrDatabaseNotFound, "VER-1");
}

TEST_F(VerifyDatabases, ConfiguredDatabaseIsFoundUnderAnotherSpelling) {
    write(clean_database());
    set.databases = {logs() / ".." / "ntds.dit", database()};
    expect_sound();
}

TEST_F(VerifyDatabases, EveryTargetIsChecked) {
    write(clean_database());
    test::write_file(root / "other.dit", test::Bytes(65536));
    set.databases = {database(), root / "other.dit"};
    expect_only(hrInvalidDatabase, "VER-1");
}

TEST_F(VerifyDatabases, WhatIsNoDatabaseIsFound) {
    for (const auto& made :
         {clean_database().header_u32(4, 1), clean_database().header_u32(8, 0x621),
          clean_database().header_u32(236, 4097)}) {
        made.write(database());
        expect_only(hrInvalidDatabase, "VER-1");
    }
    std::filesystem::remove(database());
    std::filesystem::create_directory(database());
    expect_only(hrInvalidDatabase, "VER-1");
}

TEST_F(VerifyDatabases, PartialPageAtTheEndIsFound) {
    write(clean_database().extra_bytes(100));
    expect_only(hrInvalidDatabase, "VER-1");
}

TEST_F(VerifyDatabases, DamagedHeadersAreFound) {
    write(clean_database().damaged_header().damaged_shadow());
    expect_only(hrDatabaseCorrupted, "VER-1");
}

TEST_F(VerifyDatabases, StatesOtherThanDirtyAndCleanAreInconsistent) {
    for (const std::uint32_t state : {0u, 1u, 4u, 5u, 0xFFFFFFFFu}) {
        set.identities.clear();
        write(clean_database().state(state));
        expect_only(hrDatabaseInconsistent, "VER-3");
    }
}

TEST_F(VerifyDatabases, DirtyWithLoggingOffIsInconsistent) {
    write(dirty_database().log_signature({}));
    chain(3, 7).write(backup());
    range(3, 7);
    expect_only(hrDatabaseInconsistent, "VER-3");
}

TEST_F(VerifyDatabases, DirtyWithoutARequiredRangeIsInconsistent) {
    chain(3, 7).write(backup());
    range(3, 7);
    for (const auto& [low, high] : {std::pair(0u, 0u), {0u, 5u}, {5u, 4u}}) {
        set.identities.clear();
        write(dirty_database().required(low, high));
        expect_only(hrDatabaseInconsistent, "VER-3");
    }
}

TEST_F(VerifyDatabases, BackupRangeServesADirtyDatabaseThatNamesNoOther) {
    chain(3, 7).write(backup());
    range(3, 7);
    write(dirty_database().required(0, 0).full_backup(3, 7));
    expect_sound();
    set.identities.clear();
    write(dirty_database().required(0, 0).full_backup(3, 8));
    expect_only(hrRestoreLogTooLow, "VER-3");
}

TEST_F(VerifyDatabases, RequiredRangeMustLieInsideTheGivenOne) {
    chain(2, 8).write(backup());
    write(dirty_database());
    for (const auto& [low, high] : {std::pair(3u, 7u), {2u, 8u}}) {
        range(low, high);
        expect_sound();
    }
    range(4, 7);
    expect_only(hrRestoreLogTooHigh, "VER-3");
    range(3, 6);
    expect_only(hrRestoreLogTooLow, "VER-3");
    range(4, 6);
    expect_first(hrRestoreLogTooHigh);
}

TEST_F(VerifyDatabases, CleanDatabaseNeedsNoLogs) {
    write(clean_database().required(3, 7)); // leftovers count for nothing
    expect_sound();
    chain(20, 21).write(backup());
    range(20, 21);
    expect_sound();
}

TEST_F(VerifyDatabases, WithoutLogsOnlyCleanDatabasesAreSound) { // REG-10
    write(dirty_database());
    expect_only(hrRestoreLogTooLow, "VER-3");
    EXPECT_NE(sentences(verify()).find("is 7 where none is expected, since there are no logs"),
              std::string::npos);
}

TEST_F(VerifyDatabases, AnotherStreamsLogsAreFound) {
    write(dirty_database().log_signature(foreign));
    chain(3, 7).write(backup());
    range(3, 7);
    expect_only(hrBadLogSignature, "VER-3");
}

TEST_F(VerifyDatabases, SecondDatabaseOfAnotherStreamIsFound) {
    write_sound_set();
    const auto second = clean_database().signature(test::make_signature(99)).log_signature(foreign);
    second.write(root / "second.dit");
    tell_token(second);
    set.databases = {root / "second.dit", database()};
    const auto report = verify();
    EXPECT_EQ(codes(report), std::set<Code>{static_cast<Code>(hrBadLogSignature)})
        << sentences(report);
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_EQ(report.findings[0].file, root / "second.dit");
}

TEST_F(VerifyDatabases, DatabaseMadeWithLoggingOffHasNothingToCompare) {
    write(clean_database().log_signature({}));
    chain(3, 7).write(backup());
    range(3, 7);
    expect_sound();
}

TEST_F(VerifyDatabases, DatabaseMustBeTheTokens) { // VER-5
    write(clean_database());
    const auto told = set.identities.at(0);
    set.identities[0].signature = ese::Signature{test::make_signature(500)};
    expect_only(hrBadDbSignature, "VER-5");
    set.identities = {told};
    set.identities[0].size += 8192;
    expect_only(hrBadBackupDatabaseSize, "VER-5");
    set.identities = {told};
    set.identities[0].dbtime += 1;
    expect_only(hrContentsExpired, "VER-5");
    set.identities = {told};
    set.identities[0].header_checksum ^= 1;
    expect_only(hrContentsExpired, "VER-5");
    set.identities.clear();
    expect_only(hrBadDbSignature, "VER-5");
    set.check_identities = false;
    expect_sound();
}

TEST_F(VerifyDatabases, DamagedPageIsFoundByNumber) { // VER-6
    for (const std::uint32_t page_size : {2048u, 4096u, 8192u, 16384u, 32768u}) {
        set.identities.clear();
        set.verify_pages = true;
        // The first page, those on both sides of a read's end, and the last one.
        const std::uint32_t in_one_read = (1u << 20) / page_size;
        const std::vector<std::uint32_t> damaged{1, in_one_read, in_one_read + 1, in_one_read + 9};
        auto made = clean_database().page_size(page_size).pages(in_one_read + 9);
        for (const std::uint32_t page : damaged) made.damaged_page(page);
        write(made);
        const auto report = verify();
        EXPECT_EQ(report.result, static_cast<Code>(hrReadVerifyFailure));
        ASSERT_EQ(report.findings.size(), damaged.size()) << sentences(report);
        for (std::size_t i = 0; i < damaged.size(); ++i) {
            const auto place =
                text("page ", damaged[i], " at offset ", (damaged[i] + 1) * page_size, " ");
            EXPECT_NE(report.findings[i].what.find(place), std::string::npos) << place;
        }
        set.verify_pages = false; // verify = "headers"
        expect_sound();
    }
}

// A disk that fails from a place on.
std::uint64_t failing_from = 0;
Code read_failure = 0;
class FailingReads {
public:
    FailingReads(std::uint64_t from, Code code) {
        failing_from = from;
        read_failure = code;
        platform::set_read_hook([](platform::ReadOperation operation, const platform::Path& path,
                                   std::uint64_t offset) {
            return operation == platform::ReadOperation::read && path.filename() == "ntds.dit" &&
                           offset >= failing_from
                       ? read_failure
                       : Code{0};
        });
    }
    ~FailingReads() { platform::set_read_hook(nullptr); }
    FailingReads(const FailingReads&) = delete;
    FailingReads& operator=(const FailingReads&) = delete;
};

TEST_F(VerifyDatabases, WhatCannotBeReadIsFoundBesideWhatWasFoundBefore) { // VER-8: comes first
    for (const std::uint32_t pages : {300u, 1500u}) {                      // one thread, and two
        set.identities.clear();
        write(clean_database().pages(pages).damaged_page(3));
        for (const auto& [raw, code] : {std::pair<Code, long>{ERROR_IO_DEVICE, hrDiskIO},
                                        {ERROR_LOCK_VIOLATION, hrFileAccessDenied}}) {
            const FailingReads failing(1 << 20, raw);
            const auto report = verify();
            EXPECT_EQ(report.result, static_cast<Code>(code)) << sentences(report);
            EXPECT_EQ(codes(report), (std::set<Code>{static_cast<Code>(code),
                                                     static_cast<Code>(hrReadVerifyFailure)}))
                << sentences(report);
            EXPECT_EQ(report.findings.back().file, database());
            EXPECT_NE(report.findings.back().what.find("ntds.dit"), std::string::npos);
        }
    }
}

TEST_F(VerifyDatabases, HeaderThatCannotBeReadIsFound) {
    write(clean_database());
    for (const auto& [raw, code] : {std::pair<Code, long>{ERROR_IO_DEVICE, hrDiskIO},
                                    {ERROR_ACCESS_DENIED, hrFileAccessDenied},
                                    {ERROR_SHARING_VIOLATION, hrFileAccessDenied}}) {
        const FailingReads failing(0, raw);
        expect_only(code, "VER-1");
    }
}

TEST_F(VerifyDatabases, CountlessDamagedPagesAreSummedUp) {
    EseDatabase made = clean_database().page_size(2048).pages(1300);
    for (std::uint32_t page = 1; page <= 1100; ++page) made.damaged_page(page);
    write(made);
    const auto report = verify();
    ASSERT_EQ(report.findings.size(), 1001u);
    EXPECT_NE(report.findings.back().what.find("100 more pages"), std::string::npos)
        << report.findings.back().what;
}

TEST_F(VerifyDatabases, ProgressEndsAtItsTotal) {
    write_sound_set();
    verify();
    std::uint64_t last = 0, total = 0;
    ese::verify_restore_set(set, cancelled, [&](std::uint64_t done, std::uint64_t all) {
        EXPECT_GE(done, last);
        EXPECT_LE(done, all);
        last = done;
        total = all;
    });
    EXPECT_EQ(last, total);
    EXPECT_EQ(total, 8u * 8192u);
}

TEST_F(VerifyDatabases, CancelledVerificationIsAborted) { // COM-11
    write(clean_database().pages(300));
    verify();
    int steps = 0;
    const auto report = ese::verify_restore_set(set, cancelled, [&](std::uint64_t, std::uint64_t) {
        ++steps;
        cancelled = true;
    });
    EXPECT_EQ(report.result, Code{ERROR_OPERATION_ABORTED});
    EXPECT_EQ(steps, 1);
}

TEST_F(VerifyDatabases, AllFindingsAreCollectedAndTheFirstByOrderIsTheResult) { // VER-8
    write(dirty_database().log_signature(foreign).damaged_page(3));
    set.identities[0].size += 1;
    chain(3, 7).without(5).write(backup());
    range(3, 7);
    const auto report = verify();
    EXPECT_EQ(codes(report), (std::set<Code>{static_cast<Code>(hrBadBackupDatabaseSize),
                                             static_cast<Code>(hrMissingRestoreLogFiles),
                                             static_cast<Code>(hrBadLogSignature),
                                             static_cast<Code>(hrReadVerifyFailure)}))
        << sentences(report);
    EXPECT_EQ(report.result, static_cast<Code>(hrBadBackupDatabaseSize));
}

} // namespace
} // namespace ntdsb
