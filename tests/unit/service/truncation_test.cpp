// Which logs a truncation removes and which it must not (contract BTRUNC-1, BTRUNC-2): cases,
// refusals, and random sets of logs judged by a model of their own.
#include "service/log_truncation.h"

#include "backup_directory.h"

#include <random>
#include <set>

namespace ntdsb::service {
namespace {

std::set<std::string> names_in(const platform::Path& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        names.insert(entry.path().filename().string());
    return names;
}

class TruncationTest : public testing::Test {
protected:
    // The facts of a finished backup of the directory.
    BackupFiles backup(std::uint32_t checkpoint, std::uint32_t required_min) const {
        BackupFiles files;
        files.checkpoint_generation = checkpoint;
        files.required_min = required_min;
        files.log_signature.bytes = directory.signature;
        files.identities.push_back(
            {{test::make_signature(0xDB)}, 0, 0, 0}); // the builder's default
        return files;
    }
    Result<void> truncate(const BackupFiles& files) const {
        return truncate_logs(*directory.instance(), files);
    }
    void expect_refused(const BackupFiles& files, Code code) const {
        const auto before = names_in(directory.live());
        const auto result = truncate(files);
        EXPECT_EQ(code_of(result), code);
        EXPECT_EQ(names_in(directory.live()), before) << "a refused truncation removed something";
    }
    bool has(std::uint32_t generation) const {
        return std::filesystem::exists(directory.log(generation));
    }

    BackupDirectory directory;
};

TEST_F(TruncationTest, RemovesBelowTheCheckpointAndTheLowestRequired) { // BTRUNC-1
    directory.make_dirty(2, 5, 6, 9);
    ASSERT_TRUE(truncate(backup(5, 6)));
    EXPECT_FALSE(has(2) || has(3) || has(4));
    EXPECT_TRUE(has(5) && has(6) && has(7) && has(8));
    EXPECT_TRUE(std::filesystem::exists(directory.live() / "edb.log"));
}

TEST_F(TruncationTest, EachOfTheFourBoundsHolds) { // BTRUNC-1, BTRUNC-2
    struct Bounds {
        std::uint32_t live_checkpoint, live_required, backup_checkpoint, backup_required;
    };
    for (const auto& b :
         {Bounds{4, 7, 7, 7}, Bounds{7, 4, 7, 7}, Bounds{7, 7, 4, 7}, Bounds{7, 7, 7, 4}}) {
        directory.make_dirty(2, b.live_checkpoint, b.live_required, 9);
        ASSERT_TRUE(truncate(backup(b.backup_checkpoint, b.backup_required)));
        EXPECT_TRUE(!has(2) && !has(3) && has(4) && has(5));
    }
}

TEST_F(TruncationTest, CleanDatabasesAreBoundByTheCheckpointsAlone) {
    directory.make_dirty(2, 6, 6, 9);
    test::EseDatabase{}.log_signature(directory.signature).write(directory.database());
    ASSERT_TRUE(truncate(backup(6, 0)));
    EXPECT_TRUE(!has(5) && has(6));
}

TEST_F(TruncationTest, NeverRemovesTheCurrentLog) {
    directory.make_dirty(2, 9, 9, 9);
    test::EseDatabase{}.log_signature(directory.signature).write(directory.database());
    test::EseCheckpoint{directory.signature}.generation(500).write(directory.live() / "edb.chk");
    ASSERT_TRUE(truncate(backup(500, 0)));
    EXPECT_TRUE(std::filesystem::exists(directory.live() / "edb.log"));
    EXPECT_FALSE(has(8));

    // After a crash between two logs the highest number is the current one.
    std::filesystem::remove(directory.live() / "edb.log");
    test::LogChain{directory.signature}.from(2).to(9).write(directory.live());
    ASSERT_TRUE(truncate(backup(500, 0)));
    EXPECT_TRUE(has(9));
    EXPECT_FALSE(has(8));
}

TEST_F(TruncationTest, LeavesOtherStreamsAndOtherFilesAlone) { // BTRUNC-1: of the same signature
    directory.make_dirty(2, 5, 6, 9);
    test::EseLog{test::make_signature(99), 3}.write(directory.log(3));
    test::write_reserve_log(directory.live() / "edbtmp.log");
    test::write_reserve_log(directory.live() / "edbres00001.jrs");
    test::write_file(directory.live() / "edb00001.log.bak", {});
    ASSERT_TRUE(truncate(backup(5, 6)));
    EXPECT_EQ(names_in(directory.live()),
              (std::set<std::string>{"edb.chk", "edb.log", "edb00001.log.bak", "edb00003.log",
                                     "edb00005.log", "edb00006.log", "edb00007.log", "edb00008.log",
                                     "edbres00001.jrs", "edbtmp.log", "ntds.dit"}));
}

TEST_F(TruncationTest, WithNothingToRemoveItSucceeds) {
    directory.make_dirty(5, 5, 6, 9);
    EXPECT_TRUE(truncate(backup(5, 6)));
    EXPECT_TRUE(has(5));
    std::filesystem::remove(directory.live() /
                            "edb.chk"); // not needed where there is nothing to judge
    EXPECT_TRUE(truncate(backup(5, 5)));
}

TEST_F(TruncationTest, WhatCannotBeReadRemovesNothing) {
    const auto remake = [&] { directory.make_dirty(2, 5, 6, 9); };
    const auto checkpoint = directory.live() / "edb.chk";
    const auto files = backup(5, 6);
    remake();
    test::EseCheckpoint{directory.signature}.generation(5).damaged_header().damaged_shadow().write(
        checkpoint);
    expect_refused(files, static_cast<Code>(hrCheckpointCorrupt));
    remake();
    std::filesystem::remove(checkpoint);
    expect_refused(files, static_cast<Code>(hrFileNotFound));
    remake();
    expect_refused(backup(0, 6), static_cast<Code>(hrFileNotFound));
    test::EseDatabase{}
        .dirty()
        .log_signature(directory.signature)
        .required(6, 9)
        .damaged_header()
        .damaged_shadow()
        .write(directory.database());
    expect_refused(files, static_cast<Code>(hrDatabaseCorrupted));
    test::EseDatabase{}.dirty().log_signature(directory.signature).write(directory.database());
    expect_refused(files, static_cast<Code>(hrDatabaseInconsistent));
    std::filesystem::remove(directory.database());
    expect_refused(files, static_cast<Code>(hrDatabaseNotFound));
    remake();
    test::EseLog{directory.signature, 3}.damaged_header().write(directory.log(3));
    expect_refused(files, static_cast<Code>(hrLogFileCorrupt));
    remake();
    test::EseLog{directory.signature, 8}.write(directory.log(3)); // a needed log under a low name
    expect_refused(files, static_cast<Code>(hrLogFileCorrupt));
    remake();
    test::EseLog{directory.signature, 9}.damaged_header().write(directory.live() / "edb.log");
    expect_refused(files, static_cast<Code>(hrLogFileCorrupt));
}

TEST_F(TruncationTest, AnotherDirectoryThanTheBackedUpOneLosesNothing) { // BTRUNC-2
    const auto other = test::make_signature(99);
    const auto files = backup(5, 6);
    directory.make_dirty(2, 5, 6, 9);
    test::EseCheckpoint{other}.generation(5).write(directory.live() / "edb.chk");
    expect_refused(files, static_cast<Code>(hrBadCheckpointSignature));
    test::EseDatabase{}.dirty().log_signature(other).required(6, 9).write(directory.database());
    expect_refused(files, static_cast<Code>(hrBadLogSignature));
    test::EseDatabase{}
        .signature(other)
        .dirty()
        .log_signature(directory.signature)
        .required(6, 9)
        .write(directory.database());
    expect_refused(files, static_cast<Code>(hrBadDbSignature));
}

int removals_allowed = 0;
Code fail_after_some_removals(platform::DiskOperation operation, const platform::Path&) {
    if (operation != platform::DiskOperation::remove) return 0;
    return removals_allowed-- > 0 ? 0 : static_cast<Code>(ERROR_ACCESS_DENIED);
}

TEST_F(TruncationTest, AnInterruptionLeavesAContiguousChain) {
    const auto instance = directory.instance();
    for (int allowed = 0; allowed < 4; ++allowed) {
        directory.make_dirty(2, 6, 6, 9);
        removals_allowed = allowed;
        platform::set_disk_hook(fail_after_some_removals);
        const auto result = truncate_logs(*instance, backup(6, 6));
        platform::set_disk_hook(nullptr);
        EXPECT_EQ(code_of(result), ERROR_ACCESS_DENIED);
        for (std::uint32_t g = 2; g < 9; ++g)
            EXPECT_EQ(has(g), g >= 2 + static_cast<std::uint32_t>(allowed)) << "generation " << g;
    }
}

// A random directory and a random backup of it, and what must stay by the rule's own words.
struct RandomSet {
    std::uint32_t first, top;
    std::uint32_t live_checkpoint, live_required;     // required 0: clean
    std::uint32_t backup_checkpoint, backup_required; // the same
    std::set<std::uint32_t> foreign;                  // generations of another stream
    bool has_edb_log;

    explicit RandomSet(std::mt19937& random) {
        const auto between = [&](std::uint32_t low, std::uint32_t high) {
            return low + static_cast<std::uint32_t>(random() % (high - low + 1));
        };
        first = between(1, 6);
        top = first + between(0, 12);
        live_checkpoint = between(first, top);
        live_required = random() % 3 == 0 ? 0 : between(first, top);
        backup_checkpoint = between(first, top);
        backup_required = random() % 3 == 0 ? 0 : between(first, top);
        has_edb_log = random() % 4 != 0;
        for (auto g = first; g < top; ++g) {
            if (random() % 6 == 0) foreign.insert(g);
        }
    }
    // Recovery begins at the checkpoint or at the lowest required log, whichever is lower, of the
    // live database and of the restored backup.
    bool recovery_needs(std::uint32_t generation) const {
        const auto needs = [generation](std::uint32_t checkpoint, std::uint32_t required) {
            return generation >= checkpoint || (required != 0 && generation >= required);
        };
        return generation == top || needs(live_checkpoint, live_required) ||
               needs(backup_checkpoint, backup_required);
    }
};

TEST_F(TruncationTest, RandomSetsLoseExactlyWhatNoRecoveryNeeds) { // BTRUNC-1, BTRUNC-2: property
    std::mt19937 random(20261123);
    const auto other = test::make_signature(99);
    int removed = 0, kept = 0;
    for (int round = 0; round < 400; ++round) {
        const RandomSet set(random);
        std::filesystem::remove_all(directory.live());
        std::filesystem::create_directories(directory.live());
        auto database =
            test::EseDatabase{}.page_size(2048).pages(1).log_signature(directory.signature);
        if (set.live_required != 0) database.dirty().required(set.live_required, set.top);
        database.write(directory.database());
        test::EseCheckpoint{directory.signature}
            .generation(set.live_checkpoint)
            .write(directory.live() / "edb.chk");
        for (auto g = set.first; g <= set.top; ++g) {
            const bool is_current = g == set.top && set.has_edb_log;
            test::EseLog{set.foreign.contains(g) ? other : directory.signature, g}.write(
                is_current ? directory.live() / "edb.log" : directory.log(g));
        }

        const auto result = truncate(backup(set.backup_checkpoint, set.backup_required));
        ASSERT_TRUE(result) << "round " << round << ": " << result.error().what;
        for (auto g = set.first; g <= set.top; ++g) {
            const bool is_current = g == set.top && set.has_edb_log;
            const bool exists =
                is_current ? std::filesystem::exists(directory.live() / "edb.log") : has(g);
            const bool must_stay = set.recovery_needs(g) || set.foreign.contains(g);
            ASSERT_EQ(exists, must_stay) << "round " << round << ", generation " << g;
            exists ? ++kept : ++removed;
        }
    }
    EXPECT_GT(removed, 100) << "the random sets try too little";
    EXPECT_GT(kept, 100) << "the random sets try too little";
}

} // namespace
} // namespace ntdsb::service
