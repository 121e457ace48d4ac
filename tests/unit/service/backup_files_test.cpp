// Which files a backup lists, and which sets it refuses (contract BLIST-1, BPREP-3).
#include "service/backup_reader.h"

#include "backup_directory.h"

namespace ntdsb::service {
namespace {

class BackupFilesTest : public testing::Test {
protected:
    Result<BackupFiles> find(BackupSource source = BackupSource::live) const {
        return find_backup_files(*directory.instance(), source);
    }
    std::vector<std::u16string> log_names(const BackupFiles& files) const {
        std::vector<std::u16string> names;
        for (const auto& log : files.logs) names.emplace_back(path_file_name(log.listed_path));
        return names;
    }
    std::vector<std::u16string> names(std::uint32_t low, std::uint32_t high) const {
        std::vector<std::u16string> all;
        for (auto g = low; g <= high; ++g) all.push_back(ese::log_file_name(g));
        return all;
    }
    // A clean database of the directory's log stream, without logs.
    void write_clean() const {
        test::EseDatabase{}.log_signature(directory.signature).write(directory.database());
    }
    void write_checkpoint(std::uint32_t generation) const {
        test::EseCheckpoint{directory.signature}
            .generation(generation)
            .write(directory.live() / "edb.chk");
    }
    void write_logs(std::uint32_t low, std::uint32_t high) const {
        test::LogChain{directory.signature}.from(low).to(high).current().write(directory.live());
    }
    void expect_refused(Code code) const {
        const auto found = find();
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().code, code) << found.error().what;
    }

    BackupDirectory directory;
};

TEST_F(BackupFilesTest, ListsFromTheCheckpointWhereItIsTheLower) { // BLIST-1
    directory.make_dirty(3, 5, 6, 9);
    const auto files = find();
    ASSERT_TRUE(files) << files.error().what;
    EXPECT_EQ(log_names(files.value()), names(5, 9));
    EXPECT_EQ(files.value().checkpoint_generation, 5u);
    EXPECT_EQ(files.value().required_min, 6u);
}

TEST_F(BackupFilesTest, ListsFromTheLowestRequiredWhereItIsTheLower) { // BLIST-1
    directory.make_dirty(3, 8, 6, 9);
    ASSERT_TRUE(find());
    EXPECT_EQ(log_names(find().value()), names(6, 9));
}

TEST_F(BackupFilesTest, ListsTheCurrentLogByItsHeadersGeneration) { // BLIST-1
    directory.make_dirty(5, 5, 6, 9);
    const auto files = find();
    ASSERT_TRUE(files);
    const auto& current = files.value().logs.back();
    EXPECT_EQ(current.listed_path, wire_path(directory.log(9)));
    EXPECT_EQ(current.source, directory.live() / "edb.log");
    EXPECT_EQ(current.bft, 0x21);
}

TEST_F(BackupFilesTest, WithoutEdbLogTheHighestNumberIsTheCurrentLog) {
    directory.make_dirty(5, 5, 6, 9);
    std::filesystem::rename(directory.live() / "edb.log", directory.log(9));
    ASSERT_TRUE(find());
    EXPECT_EQ(log_names(find().value()), names(5, 9));
}

TEST_F(BackupFilesTest, ListsTheDatabaseWithItsIdentity) { // PREP-6
    directory.make_dirty();
    const auto files = find();
    ASSERT_TRUE(files);
    ASSERT_EQ(files.value().databases.size(), 1u);
    const auto& database = files.value().databases[0];
    EXPECT_EQ(database.listed_path, directory.config.directory.database);
    EXPECT_EQ(database.bft, 0x44);
    EXPECT_EQ(database.page_size, 8192u);
    const auto facts =
        test::EseDatabase{}.dirty().log_signature(directory.signature).required(6, 9).facts();
    const auto& identity = files.value().identities.at(0);
    EXPECT_EQ(identity.signature.bytes, facts.signature);
    EXPECT_EQ(identity.size, facts.size);
    EXPECT_EQ(identity.dbtime, facts.dbtime);
    EXPECT_EQ(identity.header_checksum, facts.header_checksum);
    EXPECT_EQ(database.size, facts.size);
}

TEST_F(BackupFilesTest, CleanDatabaseWithoutLogsListsNone) { // BLIST-1
    write_clean();
    ASSERT_TRUE(find());
    EXPECT_TRUE(find().value().logs.empty());
    write_checkpoint(4);
    ASSERT_TRUE(find());
    EXPECT_TRUE(find().value().logs.empty());
}

TEST_F(BackupFilesTest, CleanDatabaseListsFromTheCheckpoint) { // BLIST-1
    write_clean();
    write_checkpoint(5);
    write_logs(3, 7);
    ASSERT_TRUE(find());
    EXPECT_EQ(log_names(find().value()), names(5, 7));
}

TEST_F(BackupFilesTest, CleanDatabaseWithoutCheckpointListsTheCurrentLogAlone) { // our choice
    write_clean();
    write_logs(3, 7);
    ASSERT_TRUE(find());
    EXPECT_EQ(log_names(find().value()), names(7, 7));
}

TEST_F(BackupFilesTest, DirtyDatabaseWithoutCheckpointListsTheRequiredOnes) {
    directory.make_dirty(3, 5, 6, 9);
    std::filesystem::remove(directory.live() / "edb.chk");
    ASSERT_TRUE(find());
    EXPECT_EQ(log_names(find().value()), names(6, 9));
    EXPECT_EQ(find().value().checkpoint_generation, 0u);
}

TEST_F(BackupFilesTest, ReservesAndForeignFilesAreNotListed) {
    directory.make_dirty(5, 5, 6, 9);
    test::write_reserve_log(directory.live() / "edbtmp.log");
    test::write_reserve_log(directory.live() / "edbres00001.jrs");
    test::write_file(directory.live() / "edb0000.log", {});
    test::EseLog{test::make_signature(99), 2}.write(directory.log(2)); // below the range
    ASSERT_TRUE(find());
    EXPECT_EQ(log_names(find().value()), names(5, 9));
}

TEST_F(BackupFilesTest, GenerationsAboveFiveDigitsHaveEight) {
    directory.make_dirty(0xFFFFE, 0xFFFFF, 0xFFFFF, 0x100001);
    ASSERT_TRUE(find());
    EXPECT_EQ(
        log_names(find().value()),
        (std::vector<std::u16string>{u"edbFFFFF.log", u"edb00100000.log", u"edb00100001.log"}));
}

TEST_F(BackupFilesTest, ALogAboveTheCurrentOneIsLeftOut) {
    directory.make_dirty(5, 5, 6, 9);
    test::EseLog{directory.signature, 12}.write(directory.log(12));
    ASSERT_TRUE(find());
    EXPECT_EQ(log_names(find().value()), names(5, 9));
}

TEST_F(BackupFilesTest, AHoleIsLogFileNotFound) {
    directory.make_dirty(3, 5, 6, 9);
    for (const std::uint32_t generation : {5u, 7u, 8u}) {
        const auto saved = test::read_file(directory.log(generation));
        std::filesystem::remove(directory.log(generation));
        expect_refused(static_cast<Code>(hrLogFileNotFound));
        test::write_file(directory.log(generation), saved);
    }
    std::filesystem::remove(directory.log(4)); // below what is needed
    EXPECT_TRUE(find());
}

TEST_F(BackupFilesTest, RequiredOrCheckpointedAboveTheCurrentLogIsLogFileNotFound) {
    directory.make_dirty(3, 5, 6, 9);
    std::filesystem::remove(directory.live() / "edb.log");
    expect_refused(static_cast<Code>(hrLogFileNotFound)); // 9 is required, 8 the highest
    write_clean();
    write_checkpoint(10);
    expect_refused(static_cast<Code>(hrLogFileNotFound));
}

TEST_F(BackupFilesTest, DirtyDatabaseWithoutAnyLogIsLogFileNotFound) {
    test::EseDatabase{}
        .dirty()
        .log_signature(directory.signature)
        .required(6, 9)
        .write(directory.database());
    expect_refused(static_cast<Code>(hrLogFileNotFound));
}

TEST_F(BackupFilesTest, ADamagedLogIsLogFileCorrupt) {
    directory.make_dirty(3, 5, 6, 9);
    test::EseLog{directory.signature, 7}.damaged_header().write(directory.log(7));
    expect_refused(static_cast<Code>(hrLogFileCorrupt));
    test::EseLog{directory.signature, 7}.extra_bytes(-512).write(directory.log(7));
    expect_refused(static_cast<Code>(hrLogFileCorrupt));
    test::EseLog{directory.signature, 4}.write(directory.log(7)); // another generation's
    expect_refused(static_cast<Code>(hrLogFileCorrupt));
    test::EseLog{directory.signature, 7}.write(directory.log(7));
    EXPECT_TRUE(find());
    test::EseLog{directory.signature, 9}.damaged_header().write(directory.live() / "edb.log");
    expect_refused(static_cast<Code>(hrLogFileCorrupt));
}

TEST_F(BackupFilesTest, ALogOfAnotherStreamIsBadSignature) {
    directory.make_dirty(3, 5, 6, 9);
    test::EseLog{test::make_signature(99), 7}.write(directory.log(7));
    expect_refused(static_cast<Code>(hrGivenLogFileHasBadSignature));
    test::EseLog{directory.signature, 7}.write(directory.log(7));
    test::EseLog{test::make_signature(99), 9}.write(directory.live() / "edb.log");
    expect_refused(static_cast<Code>(hrGivenLogFileHasBadSignature));
}

TEST_F(BackupFilesTest, ALogMadeAfterAnotherPredecessorIsNotContiguous) {
    directory.make_dirty(3, 5, 6, 9);
    test::EseLog{directory.signature, 7}.created_after(test::make_time(1)).write(directory.log(7));
    expect_refused(static_cast<Code>(hrGivenLogFileIsNotContiguous));
}

TEST_F(BackupFilesTest, ADamagedOrForeignCheckpointIsRefused) {
    directory.make_dirty(3, 5, 6, 9);
    const auto checkpoint = directory.live() / "edb.chk";
    test::EseCheckpoint{directory.signature}.generation(5).damaged_header().write(checkpoint);
    EXPECT_TRUE(find()) << "the shadow is sound";
    test::EseCheckpoint{directory.signature}.damaged_header().damaged_shadow().write(checkpoint);
    expect_refused(static_cast<Code>(hrCheckpointCorrupt));
    test::EseCheckpoint{test::make_signature(99)}.write(checkpoint);
    expect_refused(static_cast<Code>(hrBadCheckpointSignature));
}

TEST_F(BackupFilesTest, DatabasesThatNoRestoreAcceptsAreRefused) { // VER-1, VER-3
    const auto path = directory.database();
    expect_refused(static_cast<Code>(hrDatabaseNotFound));
    test::write_file(path, test::Bytes(65536));
    expect_refused(static_cast<Code>(hrInvalidDatabase));
    test::EseDatabase{}.damaged_header().damaged_shadow().write(path);
    expect_refused(static_cast<Code>(hrDatabaseCorrupted));
    test::EseDatabase{}.state(test::EseDatabase::just_created_state).write(path);
    expect_refused(static_cast<Code>(hrDatabaseInconsistent));
    test::EseDatabase{}.dirty().log_signature(directory.signature).write(path);
    expect_refused(static_cast<Code>(hrDatabaseInconsistent));
    test::EseDatabase{}.dirty().required(1, 2).write(path);
    expect_refused(static_cast<Code>(hrDatabaseInconsistent));
    test::EseDatabase{}.extra_bytes(100).write(path);
    expect_refused(static_cast<Code>(hrInvalidDatabase));
}

TEST_F(BackupFilesTest, SnapshotGivesTheBytesAndTheLiveDirectoryTheNames) { // BPREP-3
    directory.use_snapshot();
    directory.make_dirty(directory.snapshot(), 3, 5, 6, 9);
    directory.make_dirty(directory.live(), 10, 12, 12, 14); // the engine went on
    const auto files = find(BackupSource::snapshot);
    ASSERT_TRUE(files) << files.error().what;
    const auto& database = files.value().databases.at(0);
    EXPECT_EQ(database.listed_path, wire_path(directory.database()));
    EXPECT_EQ(database.source, directory.snapshot() / "ntds.dit");
    EXPECT_EQ(log_names(files.value()), names(5, 9));
    for (const auto& log : files.value().logs) {
        EXPECT_EQ(path_parent(log.listed_path), directory.config.directory.log_path);
        EXPECT_EQ(log.source.parent_path(), directory.snapshot());
    }
}

TEST_F(BackupFilesTest, ASnapshotThatIsNotThereIsDatabaseNotFound) { // BPREP-3
    directory.use_snapshot();
    directory.make_dirty();
    EXPECT_EQ(code_of(find(BackupSource::snapshot)), static_cast<Code>(hrDatabaseNotFound));
}

TEST_F(BackupFilesTest, LogsAndCheckpointMayHaveTheirOwnFolders) {
    directory.make_dirty(5, 5, 6, 9);
    const auto logs = directory.snapshot() / "logs";
    const auto checkpoint = directory.snapshot() / "work";
    std::filesystem::create_directories(logs);
    std::filesystem::create_directories(checkpoint);
    for (const auto name :
         {"edb00005.log", "edb00006.log", "edb00007.log", "edb00008.log", "edb.log"})
        std::filesystem::rename(directory.live() / name, logs / name);
    std::filesystem::rename(directory.live() / "edb.chk", checkpoint / "edb.chk");
    directory.config.directory.log_path = wire_path(logs);
    directory.config.directory.checkpoint_path = wire_path(checkpoint);
    ASSERT_TRUE(find());
    EXPECT_EQ(log_names(find().value()), names(5, 9));
    EXPECT_EQ(find().value().logs[0].listed_path, wire_path(logs / "edb00005.log"));
}

#ifdef _WIN32
// 'D' is a database's prefix and a drive.
TEST(BackupFilesByName, OnDriveDAreFoundWithAndWithoutPrefix_BOPEN1) {
    BackupFiles files;
    BackupFile database;
    database.bft = 0x44;
    database.name_key = path_key(u"D:\\NTDS\\ntds.dit");
    files.databases.push_back(database);
    for (const auto* name : {u"D:\\NTDS\\ntds.dit", u"DD:\\NTDS\\ntds.dit", u"d:/ntds/ntds.dit"})
        EXPECT_EQ(files.find(name), files.databases.data()) << text(std::u16string_view(name));
    for (const auto* name : {u"", u"D", u":\\NTDS\\ntds.dit", u"dD:\\NTDS\\ntds.dit",
                             u"DDD:\\NTDS\\ntds.dit", u"!D:\\NTDS\\ntds.dit"})
        EXPECT_EQ(files.find(name), nullptr) << text(std::u16string_view(name));
}
#endif

} // namespace
} // namespace ntdsb::service
