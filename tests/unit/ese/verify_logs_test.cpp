// VER-2, REG-10, VER-4 and what VER-7 is to place: the logs and the checkpoint of a restore set.
// Made files: no licensed real log is known.
#include "restore_fixture.h"

namespace ntdsb {
namespace {

using test::EseCheckpoint;
using test::EseLog;

class VerifyLogs : public RestoreTest {};

TEST_F(VerifyLogs, LogsMayLieInEitherPath) {
    write(dirty_database());
    range(3, 7);
    chain(3, 5).write(backup());
    chain(6, 7).write(logs());
    expect_sound();
}

TEST_F(VerifyLogs, LogsMayLieInOneFolder) {
    one_log_folder = true;
    write(dirty_database());
    range(3, 7);
    chain(3, 7).current().write(logs());
    EXPECT_EQ(placed_names(), std::set<std::string>{});
}

TEST_F(VerifyLogs, MissingLogIsFound) {
    write(dirty_database());
    range(3, 7);
    for (const std::uint32_t hole : {3u, 5u, 7u}) {
        std::filesystem::remove_all(backup());
        std::filesystem::create_directory(backup());
        chain(3, 7).without(hole).write(backup());
        expect_only(hrMissingRestoreLogFiles, "VER-2");
    }
}

TEST_F(VerifyLogs, HighestLogIsAskedForEvenBelowWhatIsRequired) { // REG-10
    write(dirty_database());
    range(0, 2); // 3..7 are required
    const auto report = verify();
    EXPECT_EQ(codes(report), (std::set<Code>{static_cast<Code>(hrMissingRestoreLogFiles),
                                             static_cast<Code>(hrRestoreLogTooLow)}))
        << sentences(report);
    log(2).write(backup() / "edb00002.log");
    expect_only(hrRestoreLogTooLow, "VER-3");
}

TEST_F(VerifyLogs, EveryMissingRunIsNamed) {
    write(dirty_database());
    range(1, 0xFFFFF);
    chain(3, 7).write(backup());
    const auto report = verify();
    ASSERT_EQ(report.findings.size(), 2u) << sentences(report);
    EXPECT_NE(report.findings[0].what.find("1 (edb00001.log) to 2 (edb00002.log)"),
              std::string::npos)
        << sentences(report);
    EXPECT_NE(report.findings[1].what.find("8 (edb00008.log) to 1048575 (edbFFFFF.log)"),
              std::string::npos)
        << sentences(report);
}

TEST_F(VerifyLogs, AbsentFoldersHoldNoLogs) {
    write(dirty_database());
    range(3, 7);
    std::filesystem::remove(backup());
    std::filesystem::remove(logs());
    expect_only(hrMissingRestoreLogFiles, "VER-2");
}

TEST_F(VerifyLogs, NamesAreReadWithoutCase) {
    write(dirty_database());
    range(3, 10);
    chain(3, 9).write(backup());
    log(10).write(backup() / "EDB0000a.LOG");
    expect_sound();
}

TEST_F(VerifyLogs, CurrentLogIsFoundByItsHeader) {
    write(dirty_database());
    range(3, 7);
    chain(3, 7).current().write(backup());
    expect_sound();
    std::filesystem::rename(backup() / "edb.log", logs() / "edb.log");
    expect_sound();
}

TEST_F(VerifyLogs, ReservesAreNoPartOfTheChain) {
    write_sound_set();
    for (const char* name : {"edbtmp.log", "edbres00001.jrs", "res1.log"}) {
        test::write_reserve_log(backup() / name);
        test::write_reserve_log(logs() / name);
    }
    test::write_reserve_log(backup() / "edb.log");
    expect_sound();
    test::write_reserve_log(backup() / "edb00005.log");
    expect_only(hrMissingRestoreLogFiles, "VER-2");
}

TEST_F(VerifyLogs, CurrentLogOfZerosInTheLogPathIsDamaged) {
    write_sound_set();
    test::write_reserve_log(logs() / "edb.log");
    expect_only(hrLogFileCorrupt, "VER-2");
}

TEST_F(VerifyLogs, DamagedLogIsFound) {
    write_sound_set();
    log(5).damaged_header().write(backup() / "edb00005.log");
    expect_only(hrLogFileCorrupt, "VER-2");
}

TEST_F(VerifyLogs, DamagedCurrentLogIsFoundAndNotMissing) {
    write(dirty_database());
    range(3, 7);
    chain(3, 6).write(backup());
    log(7).damaged_header().write(logs() / "edb.log");
    expect_only(hrLogFileCorrupt, "VER-2");
}

TEST_F(VerifyLogs, DamagedCurrentLogStandsForTheLastOneAlone) {
    write(dirty_database());
    range(3, 7);
    chain(3, 5).write(backup());
    log(7).damaged_header().write(logs() / "edb.log");
    const auto report = verify();
    EXPECT_EQ(codes(report), (std::set<Code>{static_cast<Code>(hrLogFileCorrupt),
                                             static_cast<Code>(hrMissingRestoreLogFiles)}))
        << sentences(report);
    EXPECT_NE(sentences(report).find("6 (edb00006.log) to 7 (edb00007.log)"), std::string::npos)
        << sentences(report);
}

TEST_F(VerifyLogs, GenerationMustBeTheNames) {
    write_sound_set();
    log(6).write(backup() / "edb00005.log");
    expect_only(hrLogFileCorrupt, "VER-2");
}

TEST_F(VerifyLogs, SizeMustBeTheHeaders) {
    write_sound_set();
    for (const std::int32_t extra : {-1, 1, -4096}) {
        log(5).extra_bytes(extra).write(backup() / "edb00005.log");
        expect_only(hrLogFileCorrupt, "VER-2");
    }
}

TEST_F(VerifyLogs, LogOfAnotherStreamIsFound) {
    for (const std::uint32_t generation : {3u, 5u, 7u}) {
        set.identities.clear();
        write_sound_set();
        EseLog(foreign, generation).write(backup() / EseLog::name(generation));
        const auto report = verify();
        ASSERT_EQ(report.findings.size(), 1u) << sentences(report);
        EXPECT_EQ(report.result, static_cast<Code>(hrGivenLogFileHasBadSignature));
        EXPECT_EQ(report.findings[0].file.filename(), EseLog::name(generation))
            << sentences(report);
    }
}

TEST_F(VerifyLogs, BrokenChainIsFound) {
    write_sound_set();
    log(5).created_after(test::make_time(1)).write(backup() / "edb00005.log");
    expect_only(hrGivenLogFileIsNotContiguous, "VER-2");
    log(5).created(test::make_time(1)).write(backup() / "edb00005.log");
    expect_only(hrGivenLogFileIsNotContiguous, "VER-2");
}

TEST_F(VerifyLogs, FirstLogsPredecessorIsNotAsked) {
    write_sound_set();
    log(3).created_after(test::make_time(1)).write(backup() / "edb00003.log");
    expect_sound();
}

TEST_F(VerifyLogs, CopiesInBothPathsMustBeIdentical) {
    write_sound_set();
    chain(3, 6).write(logs());
    expect_sound();
    log(5).content(2).write(logs() / "edb00005.log");
    expect_only(hrExistingLogFileHasBadSignature, "VER-2");
}

TEST_F(VerifyLogs, LastLogsMayDifferWhenTheLogPathsIsCurrent) {
    write_sound_set();
    log(7).content(2).write(logs() / "edb.log");
    expect_sound();
    EXPECT_FALSE(placed_names().contains("edb00007.log"));
}

TEST_F(VerifyLogs, LastLogsMayDifferWhenTheNextOneFollows) {
    write_sound_set();
    log(7).content(2).write(logs() / "edb00007.log");
    expect_only(hrExistingLogFileHasBadSignature, "VER-2"); // nothing follows
    log(8).write(logs() / "edb.log");
    expect_sound();
}

TEST_F(VerifyLogs, LastLogsMayNotDifferInCreationTime) {
    write_sound_set();
    log(7).content(2).created(test::make_time(1)).write(logs() / "edb.log");
    expect_only(hrExistingLogFileHasBadSignature, "VER-2");
}

TEST_F(VerifyLogs, OtherLogsThanTheLastMayNotDiffer) {
    write_sound_set();
    chain(6, 7).content(2).write(logs());
    log(8).write(logs() / "edb.log");
    expect_only(hrExistingLogFileHasBadSignature, "VER-2");
}

TEST_F(VerifyLogs, LogsAboveMustContinueTheChain) {
    write_sound_set();
    chain(8, 9).current().write(logs());
    expect_sound();

    log(8).created_after(test::make_time(1)).write(logs() / "edb00008.log");
    expect_only(hrExistingLogFileIsNotContiguous, "VER-2");
    EseLog(foreign, 8).write(logs() / "edb00008.log");
    expect_only(hrExistingLogFileHasBadSignature, "VER-2");
    log(8).damaged_header().write(logs() / "edb00008.log");
    expect_only(hrLogFileCorrupt, "VER-2");
    std::filesystem::remove(logs() / "edb00008.log");
    expect_only(hrExistingLogFileIsNotContiguous, "VER-2");
}

TEST_F(VerifyLogs, LogsAboveInTheBackupPathAreNotLookedAt) {
    write_sound_set();
    EseLog(foreign, 8).write(backup() / "edb00008.log");
    log(20).damaged_header().write(backup() / "edb00014.log");
    log(30).write(backup() / "edb.log");
    expect_sound();
}

TEST_F(VerifyLogs, LogsBelowAreNotLookedAt) {
    write_sound_set();
    EseLog(foreign, 1).write(backup() / "edb00001.log");
    log(2).damaged_header().write(logs() / "edb00002.log");
    expect_sound();
}

TEST_F(VerifyLogs, NamesOfEightDigitsContinueTheChain) {
    write(dirty_database().required(0xFFFFE, 0xFFFFF));
    range(0xFFFFE, 0xFFFFF);
    chain(0xFFFFE, 0xFFFFF).write(backup());
    chain(0x100000, 0x100001).write(logs());
    expect_sound();
    std::filesystem::remove(logs() / "edb00100000.log");
    expect_only(hrExistingLogFileIsNotContiguous, "VER-2");
}

TEST_F(VerifyLogs, CurrentLogMustBeTheTop) {
    for (const std::uint32_t generation : {1u, 2u, 5u, 6u, 9u}) {
        set.identities.clear();
        write_sound_set();
        log(generation).write(logs() / "edb.log");
        expect_only(hrExistingLogFileIsNotContiguous, "VER-2");
    }
    log(7).write(logs() / "edb.log");
    log(8).write(logs() / "edb00008.log");
    expect_only(hrExistingLogFileIsNotContiguous, "VER-2");
}

TEST_F(VerifyLogs, ForeignCurrentLogInTheLogPathIsFound) {
    write_sound_set();
    for (const std::uint32_t generation : {1u, 8u, 90u}) {
        EseLog(foreign, generation).write(logs() / "edb.log");
        expect_first(hrExistingLogFileHasBadSignature);
    }
    EseLog(foreign, 7).write(logs() / "edb.log");
    expect_first(hrGivenLogFileHasBadSignature);
}

TEST_F(VerifyLogs, ZeroToNStartsAtTheLowestRequired) { // REG-10
    write(dirty_database());
    range(0, 7);
    EseLog(foreign, 1).write(backup() / "edb00001.log"); // below it: not looked at
    chain(3, 7).write(backup());
    expect_sound();
    std::filesystem::remove(backup() / "edb00003.log");
    expect_only(hrMissingRestoreLogFiles, "VER-2");
}

TEST_F(VerifyLogs, ZeroToNStartsForCleanDatabasesAtTheLowestInTheBackupPath) { // REG-10
    write(clean_database());
    range(0, 7);
    expect_only(hrMissingRestoreLogFiles, "VER-2"); // generation 7 at least
    log(2).damaged_header().write(logs() / "edb00002.log");
    chain(4, 7).write(backup());
    expect_sound();
    std::filesystem::remove(backup() / "edb00005.log");
    expect_only(hrMissingRestoreLogFiles, "VER-2");
}

TEST_F(VerifyLogs, ZeroToZeroWantsNoLogs) { // REG-10
    write(clean_database());
    EseLog(foreign, 3).write(backup() / "edb00003.log");
    test::write_file(backup() / "edb.log", test::Bytes(5000, std::byte{1}));
    expect_sound();
    EXPECT_EQ(placed_names(), std::set<std::string>{});
}

TEST_F(VerifyLogs, ZeroToZeroStillLooksAtTheLogPath) {
    write(clean_database());
    chain(20, 22).current().write(logs());
    expect_sound();
    std::filesystem::remove(logs() / EseLog::name(21));
    expect_only(hrExistingLogFileIsNotContiguous, "VER-2");
    std::filesystem::remove(logs() / EseLog::name(20));
    EseLog(foreign, 22).write(logs() / "edb.log");
    expect_only(hrExistingLogFileHasBadSignature, "VER-2");
}

TEST_F(VerifyLogs, GenerationZeroNamesNoFile) { // REG-10
    write_sound_set();
    test::write_file(backup() / "edb00000.log", test::Bytes(4096, std::byte{1}));
    test::write_file(logs() / "edb00000.log", test::Bytes(4096, std::byte{1}));
    expect_sound();
}

TEST_F(VerifyLogs, WhatIsOnlyInTheBackupPathIsPlaced) { // VER-7
    write_sound_set();
    chain(3, 4).write(logs());
    chain(7, 8).current().write(logs());
    EXPECT_EQ(placed_names(), (std::set<std::string>{"edb00005.log", "edb00006.log"}));
}

TEST_F(VerifyLogs, HighestIsPlacedAsCurrentWhereThereIsNone) { // VER-7
    write_sound_set();
    EXPECT_EQ(placed_names(), (std::set<std::string>{"edb00003.log", "edb00004.log", "edb00005.log",
                                                     "edb00006.log", "edb.log"}));
}

TEST_F(VerifyLogs, HighestOfTheLogPathBecomesCurrentWhereThereIsNone) { // VER-7
    write_sound_set();
    chain(3, 8).write(logs());
    EXPECT_EQ(placed_names(), std::set<std::string>{"edb.log"});
    EXPECT_EQ(verify().placements.at(0).from, logs() / "edb00008.log");
}

TEST_F(VerifyLogs, SoundCheckpointPasses) {
    write_sound_set();
    for (const std::uint32_t generation : {1u, 3u}) {
        EseCheckpoint{signature}.generation(generation).write(checkpoint());
        expect_sound();
    }
    EseCheckpoint{signature}.generation(3).damaged_header().write(checkpoint());
    expect_sound();
    set.checkpoint_path = checkpoint(); // the file itself
    expect_sound();
    set.checkpoint_path = root / "none";
    expect_sound();
}

TEST_F(VerifyLogs, DamagedCheckpointIsFound) { // VER-4
    write_sound_set();
    EseCheckpoint{signature}.generation(3).damaged_header().damaged_shadow().write(checkpoint());
    expect_only(hrCheckpointCorrupt, "VER-4");
    set.checkpoint_path = checkpoint();
    expect_only(hrCheckpointCorrupt, "VER-4");
}

TEST_F(VerifyLogs, ForeignCheckpointIsFound) { // VER-4
    write_sound_set();
    EseCheckpoint{foreign}.generation(3).write(checkpoint());
    expect_only(hrBadCheckpointSignature, "VER-4");
}

TEST_F(VerifyLogs, ForeignCheckpointIsFoundWithoutLogs) { // VER-4
    write(clean_database());
    EseCheckpoint{foreign}.write(checkpoint());
    expect_only(hrBadCheckpointSignature, "VER-4");
    EseCheckpoint{signature}.generation(90).write(
        checkpoint()); // clean databases need no generation
    expect_sound();
}

TEST_F(VerifyLogs, CheckpointAboveTheLowestRequiredIsFound) { // VER-4
    write_sound_set();
    EseCheckpoint{signature}.generation(4).write(checkpoint());
    expect_only(hrCheckpointCorrupt, "VER-4");
}

#ifndef _WIN32
TEST_F(VerifyLogs, CheckpointBehindALinkIsChecked) { // VER-4
    write_sound_set();
    std::filesystem::create_directory(root / "elsewhere");
    EseCheckpoint{foreign}.generation(3).write(root / "elsewhere" / "edb.chk");
    set.checkpoint_path = root / "link";
    std::filesystem::create_directory_symlink(root / "elsewhere", set.checkpoint_path);
    expect_only(hrBadCheckpointSignature, "VER-4");
    std::filesystem::remove(set.checkpoint_path);
    std::filesystem::create_symlink(root / "elsewhere" / "edb.chk", set.checkpoint_path);
    expect_only(hrBadCheckpointSignature, "VER-4");
}

TEST_F(VerifyLogs, LogThatLeadsNowhereIsMissing) {
    write_sound_set();
    std::filesystem::remove(backup() / "edb00005.log");
    std::filesystem::create_symlink(root / "none", backup() / "edb00005.log");
    expect_only(hrMissingRestoreLogFiles, "VER-2");
}

TEST_F(VerifyLogs, LogThatCannotBeReadIsFound) {
    write_sound_set();
    std::filesystem::remove(backup() / "edb00005.log");
    std::filesystem::create_symlink(
        "edb00005.log", backup() / "edb00005.log"); // a loop: no one can open it, root neither
    expect_only(hrDiskIO, "VER-2");
}
#endif

} // namespace
} // namespace ntdsb
