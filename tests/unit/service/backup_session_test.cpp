// The backup session: Prepare's answers, whole backups, and the table state x call (contract
// section 4).
#include "service/sessions.h"

#include "backup_directory.h"
#include "support/real_data.h"

#include <map>

namespace ntdsb::service {
namespace {

constexpr auto not_allowed_sequence = static_cast<Code>(hrInvalidBackupSequence);

// Everything a tool reads in a backup, by listed path.
std::map<std::u16string, test::Bytes> back_up(BackupSession& session,
                                              const std::vector<std::uint32_t>& sizes) {
    std::map<std::u16string, test::Bytes> files;
    for (const auto& list : {session.database_names().value(), session.backup_logs().value()}) {
        for (const auto& entry : entries_of(list)) {
            const auto size = session.open_file(entry.bft + entry.path);
            if (!size) throw std::runtime_error(size.error().what);
            auto all = read_all(session, sizes);
            EXPECT_EQ(all.status, ERROR_HANDLE_EOF);
            EXPECT_EQ(all.bytes.size(), size.value());
            EXPECT_TRUE(session.close_file());
            files[entry.path] = std::move(all.bytes);
        }
    }
    return files;
}

class BackupSessionTest : public testing::Test {
protected:
    std::u16string database_name() const { return directory.config.directory.database; }
    BackupDirectory directory;
};

TEST_F(BackupSessionTest, PrepareTakesGrbitZeroAndFullOnly) { // BPREP-1
    directory.make_dirty();
    for (const auto& [grbit, type] :
         {std::pair{1u, 1u}, std::pair{0u, 0u}, std::pair{0u, 2u}, std::pair{0u, 3u},
          std::pair{0u, 0x80000001u}, std::pair{~0u, ~0u}})
        EXPECT_EQ(code_of(directory.prepare(grbit, type)), ERROR_INVALID_PARAMETER);
    EXPECT_TRUE(directory.prepare(0, 1));
}

TEST_F(BackupSessionTest, TokenCarriesTimeLifetimeAndTheDatabase) { // BPREP-2, PREP-6
    directory.make_dirty();
    directory.config.directory.tombstone_lifetime_days = 77;
    const auto before = platform::now_filetime();
    const auto prepared = directory.prepare();
    const auto after = platform::now_filetime();
    ASSERT_TRUE(prepared);
    const auto& token = prepared.value().token;
    EXPECT_GE(token.backup_time, before);
    EXPECT_LE(token.backup_time, after);
    EXPECT_EQ(token.tombstone_lifetime_days, 77u);
    ASSERT_EQ(token.databases.size(), 1u);
    EXPECT_EQ(token.databases[0].signature.bytes, test::make_signature(0xDB));
    EXPECT_TRUE(check_token_age(token, 180, after));
}

TEST_F(BackupSessionTest, ASecondBackupAtOnceIsBackupInProgress) { // BPREP-5
    directory.make_dirty();
    auto first = directory.prepare();
    ASSERT_TRUE(first);
    EXPECT_EQ(code_of(directory.prepare()), static_cast<Code>(hrBackupInProgress));
    first.value().session.reset(); // BEND-1
    EXPECT_TRUE(directory.prepare());
}

TEST_F(BackupSessionTest, AFailedPrepareHoldsNothing) {
    directory.make_dirty();
    std::filesystem::remove(directory.log(7));
    EXPECT_EQ(code_of(directory.prepare()), static_cast<Code>(hrLogFileNotFound));
    directory.make_dirty();
    EXPECT_TRUE(directory.prepare());
}

TEST_F(BackupSessionTest, ListsAreThePrefixedLivePaths) { // BLIST-1, ABI-5
    directory.make_dirty(3, 5, 6, 9);
    const auto session = directory.session();
    EXPECT_EQ(entries_of(session->database_names().value()),
              (std::vector<ListEntry>{{0x44, database_name()}}));
    std::vector<ListEntry> logs;
    for (const std::uint32_t g : {5u, 6u, 7u, 8u, 9u})
        logs.push_back({0x21, wire_path(directory.log(g))});
    EXPECT_EQ(entries_of(session->backup_logs().value()), logs);
}

TEST_F(BackupSessionTest, ListOfNoLogsIsTwoNuls) { // ABI-5, BLIST-1
    test::EseDatabase{}.write(directory.database());
    EXPECT_EQ(directory.session()->backup_logs().value(), std::u16string(2, u'\0'));
}

TEST_F(BackupSessionTest, OpensAListedNameWithOrWithoutItsPrefix) { // BOPEN-1
    directory.make_dirty();
    const auto session = directory.session();
    const auto name = database_name();
    for (const auto& spelling :
         {name, u'\x44' + name, join_path(path_parent(name), u"./ntds.dit")}) {
        const auto size = session->open_file(spelling);
        ASSERT_TRUE(size) << text(spelling);
        EXPECT_EQ(size.value(), 10u * 8192);
        EXPECT_TRUE(session->close_file());
    }
    EXPECT_TRUE(session->open_file(u'\x21' + wire_path(directory.log(9))));
}

TEST_F(BackupSessionTest, AnyOtherNameIsFileNotFound) { // BOPEN-2
    directory.make_dirty(3, 5, 6, 9);
    const auto session = directory.session();
    const auto name = database_name();
    const std::u16string others[] = {
        u"ntds.dit",    // not the full path
        u'\x21' + name, // a log's prefix before a database
        u"\x44\x44" + name,
        name + u"x",
        wire_path(directory.log(4)),             // there, but not listed
        wire_path(directory.live() / "edb.log"), // listed as edb00009.log
        wire_path(directory.live() / "edb.chk"),
        wire_path(directory.live()),
        u"\x44",
        u"/etc/passwd",
        u"\xD800",
        std::u16string(40000, u'a'),
    };
    for (const auto& other : others)
        EXPECT_EQ(code_of(session->open_file(other)), ERROR_FILE_NOT_FOUND)
            << text(other.substr(0, 80));
    EXPECT_EQ(code_of(session->open_file(u"")), ERROR_INVALID_PARAMETER);
}

TEST_F(BackupSessionTest, AnEmbeddedNulEndsNoName) { // BOPEN-2
    directory.make_dirty();
    const auto session = directory.session();
    EXPECT_EQ(code_of(session->open_file(database_name() + std::u16string(1, u'\0') + u"x")),
              ERROR_FILE_NOT_FOUND);
}

TEST_F(BackupSessionTest, AReadOfZeroBytesIsInvalid) { // BREAD-1
    directory.make_dirty();
    const auto session = directory.session();
    ASSERT_TRUE(session->open_file(database_name()));
    EXPECT_EQ(read_once(*session, 0).status, ERROR_INVALID_PARAMETER);
    EXPECT_EQ(read_once(*session, 1).status, 0);
}

TEST_F(BackupSessionTest, AFileOpenedAgainIsReadFromItsBeginning) {
    directory.make_dirty();
    const auto session = directory.session();
    ASSERT_TRUE(session->open_file(database_name()));
    read_once(*session, 10000);
    ASSERT_TRUE(session->close_file());
    ASSERT_TRUE(session->open_file(database_name()));
    EXPECT_TRUE(read_all(*session, {1 << 16}).bytes == test::read_file(directory.database()));
}

TEST_F(BackupSessionTest, VerificationFollowsTheConfiguration) { // BREAD-4, VER-6
    test::EseDatabase{}.damaged_page(4).write(directory.database());
    for (const auto& [level, status] :
         {std::pair{VerifyLevel::full, static_cast<Code>(hrReadVerifyFailure)},
          std::pair{VerifyLevel::headers, static_cast<Code>(hrReadVerifyFailure)},
          std::pair{VerifyLevel::off, static_cast<Code>(ERROR_HANDLE_EOF)}}) {
        directory.config.directory.verify = level;
        const auto session = directory.session();
        ASSERT_TRUE(session->open_file(database_name()));
        EXPECT_EQ(read_all(*session, {1 << 20}).status, status);
    }
}

TEST_F(BackupSessionTest, WholeBackupIsByteIdentical) {
    for (const std::uint32_t page_size : {2048u, 4096u, 8192u, 16384u, 32768u}) {
        for (const auto kind : {test::PageChecksum::ecc, test::PageChecksum::legacy}) {
            directory.make_dirty(3, 5, 6, 9);
            test::EseDatabase{}
                .page_size(page_size)
                .pages(40)
                .page_checksum(kind)
                .dirty()
                .log_signature(directory.signature)
                .required(6, 9)
                .write(directory.database());
            for (const std::vector<std::uint32_t>& sizes :
                 std::vector<std::vector<std::uint32_t>>{{1 << 20}, {65536}, {4096}, {5000, 7}}) {
                auto files = back_up(*directory.session(), sizes);
                ASSERT_EQ(files.size(), 6u);
                EXPECT_TRUE(files[database_name()] == test::read_file(directory.database()));
                for (const std::uint32_t g : {5u, 6u, 7u, 8u})
                    EXPECT_TRUE(files[wire_path(directory.log(g))] ==
                                test::read_file(directory.log(g)));
                EXPECT_TRUE(files[wire_path(directory.log(9))] ==
                            test::read_file(directory.live() / "edb.log"));
            }
        }
    }
}

TEST_F(BackupSessionTest, WholeBackupOfASnapshotIsTheSnapshotsBytes) { // BPREP-3
    directory.use_snapshot();
    directory.make_dirty(directory.snapshot(), 3, 5, 6, 9);
    directory.make_dirty(directory.live(), 3, 7, 8, 12);
    auto files = back_up(*directory.session(), {1 << 20});
    EXPECT_EQ(files.size(), 6u);
    EXPECT_TRUE(files[database_name()] == test::read_file(directory.snapshot() / "ntds.dit"));
    EXPECT_TRUE(files[wire_path(directory.log(9))] ==
                test::read_file(directory.snapshot() / "edb.log"));
}

// Real databases (PROVENANCE.md beside them); logs are made where one needs them.
class RealBackup : public BackupSessionTest, public testing::WithParamInterface<const char*> {};

TEST_P(RealBackup, IsByteIdentical) {
    NTDSB_REAL_DATABASE(real, GetParam());
    std::filesystem::copy_file(real, directory.database());
    std::filesystem::permissions(directory.database(), std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    const auto header = ese::read_database_header(real);
    ASSERT_TRUE(header) << header.error().what;
    if (header.value().state == ese::database_state_dirty) {
        test::LogChain{header.value().log_signature.bytes}
            .from(header.value().required_min)
            .to(header.value().required_max)
            .write(directory.live());
    }
    for (const std::vector<std::uint32_t>& sizes :
         std::vector<std::vector<std::uint32_t>>{{1 << 20}, {12345}}) {
        auto files = back_up(*directory.session(), sizes);
        EXPECT_TRUE(files[database_name()] == test::read_file(real));
    }
}

INSTANTIATE_TEST_SUITE_P(EveryPublishedFile, RealBackup,
                         testing::Values("clean-basic", "clean-default", "clean-multi", "page8k",
                                         "page32k", "dirty-gen14"),
                         [](const auto& file) {
                             std::string name = file.param;
                             std::erase(name, '-');
                             return name;
                         });

TEST_F(BackupSessionTest, RealDamagedPagesAreReadVerifyFailure) { // BREAD-4
    NTDSB_REAL_DATABASE(real, "damaged-pages");
    std::filesystem::copy_file(real, directory.database());
    {
        const auto session = directory.session();
        ASSERT_TRUE(session->open_file(database_name()));
        EXPECT_EQ(read_all(*session, {1 << 20}).status, static_cast<Code>(hrReadVerifyFailure));
    }
    directory.config.directory.verify = VerifyLevel::off;
    auto files = back_up(*directory.session(), {1 << 20});
    EXPECT_TRUE(files[database_name()] == test::read_file(real));
}

TEST_F(BackupSessionTest, TruncationNeedsEveryListedFileToItsLastByte) { // BTRUNC-1
    directory.make_dirty(3, 5, 6, 9);
    const auto session = directory.session();
    const auto names = [&] {
        auto all = entries_of(session->database_names().value());
        for (const auto& log : entries_of(session->backup_logs().value())) all.push_back(log);
        return all;
    }();
    for (const auto& entry : names) {
        const auto size = session->open_file(entry.path);
        ASSERT_TRUE(size);
        EXPECT_EQ(read_once(*session, static_cast<std::uint32_t>(size.value()) - 1).status, 0);
        EXPECT_EQ(code_of(session->truncate_logs()), not_allowed_sequence) << text(entry.path);
        EXPECT_EQ(read_once(*session, 100).bytes.size(), 1u); // the last byte; no end-of-file seen
        if (entry != names.back()) {
            EXPECT_EQ(code_of(session->truncate_logs()), not_allowed_sequence);
            EXPECT_TRUE(session->close_file());
        }
    }
    EXPECT_TRUE(std::filesystem::exists(directory.log(4)));
    EXPECT_TRUE(session->truncate_logs()); // the last file is still open
    EXPECT_FALSE(std::filesystem::exists(directory.log(3)));
    EXPECT_FALSE(std::filesystem::exists(directory.log(4)));
    EXPECT_TRUE(std::filesystem::exists(directory.log(5)));
}

TEST_F(BackupSessionTest, TruncationAfterASnapshotBackupWorksOnTheLiveLogs) { // BTRUNC-2
    directory.use_snapshot();
    directory.make_dirty(directory.snapshot(), 3, 5, 6, 9);
    directory.make_dirty(directory.live(), 3, 7, 8, 12);
    const auto session = directory.session();
    back_up(*session, {1 << 20});
    ASSERT_TRUE(session->truncate_logs());
    EXPECT_FALSE(std::filesystem::exists(directory.log(4)));
    EXPECT_TRUE(std::filesystem::exists(directory.log(5))); // the backup's checkpoint
    EXPECT_TRUE(std::filesystem::exists(directory.snapshot() / "edb00003.log"));
}

TEST_F(BackupSessionTest, TruncationDuringARestoreIsRestoreInProgress) { // BTRUNC-2
    directory.use_snapshot();
    directory.make_dirty(directory.snapshot(), 3, 5, 6, 9);
    directory.make_dirty(directory.live(), 3, 7, 8, 12);
    const auto instance = directory.instance();
    const auto session = directory.session();
    back_up(*session, {1 << 20});
    const auto record_says = [&](RecordState state) {
        RegistrationRecord record;
        record.state = state;
        record.request.map.push_back({database_name(), database_name()});
        ASSERT_TRUE(save_record(*instance, record));
        const auto loaded = load_record(*instance);
        ASSERT_TRUE(loaded) << loaded.error().what;
    };
    for (const auto state :
         {RecordState::registered, RecordState::failed, RecordState::completed}) {
        record_says(state);
        EXPECT_EQ(code_of(session->truncate_logs()), static_cast<Code>(hrRestoreInProgress));
        EXPECT_TRUE(std::filesystem::exists(directory.log(3)));
    }
    record_says(RecordState::started);
    const auto truncated = session->truncate_logs();
    EXPECT_TRUE(truncated) << truncated.error().what;
    EXPECT_FALSE(std::filesystem::exists(directory.log(3)));
}

// The table state x call. Each cell gets a session of its own, brought to the state.
enum class State { no_file_open, open, at_end, all_delivered, after_truncate };
constexpr std::array states{State::no_file_open, State::open, State::at_end, State::all_delivered,
                            State::after_truncate};

using Call = std::function<Code(BackupSession&, const BackupDirectory&)>;

struct Row {
    const char* call;
    Call run;
    std::array<Code, 5> expected; // in the order of `states`
};

void bring_to(State state, BackupSession& session, const BackupDirectory& directory) {
    const auto& name = directory.config.directory.database;
    switch (state) {
    case State::no_file_open:
        return;
    case State::open:
        ASSERT_TRUE(session.open_file(name));
        return;
    case State::at_end:
        ASSERT_TRUE(session.open_file(name));
        ASSERT_EQ(read_all(session, {1 << 20}).status, ERROR_HANDLE_EOF);
        return;
    case State::all_delivered:
        back_up(session, {1 << 20});
        return;
    case State::after_truncate:
        back_up(session, {1 << 20});
        ASSERT_TRUE(session.truncate_logs());
        return;
    }
}

TEST(BackupStateTable, EveryCallInEveryState) {
    constexpr auto no_file = static_cast<Code>(hrInvalidHandle);
    constexpr auto is_open = static_cast<Code>(hrAlreadyOpen);
    constexpr auto sequence = static_cast<Code>(hrInvalidBackupSequence);
    const Row rows[] = {
        {"GetDatabaseNames",
         [](BackupSession& s, const BackupDirectory&) { return code_of(s.database_names()); },
         {0, 0, 0, 0, 0}},
        {"GetBackupLogs",
         [](BackupSession& s, const BackupDirectory&) { return code_of(s.backup_logs()); },
         {0, 0, 0, 0, 0}},
        {"OpenFile",
         [](BackupSession& s, const BackupDirectory& d) {
             return code_of(s.open_file(d.config.directory.database));
         },
         {0, is_open, is_open, 0, 0}},
        {"Read",
         [](BackupSession& s, const BackupDirectory&) { return read_once(s, 4096).status; },
         {no_file, 0, ERROR_HANDLE_EOF, no_file, no_file}},
        {"Close",
         [](BackupSession& s, const BackupDirectory&) { return code_of(s.close_file()); },
         {no_file, 0, 0, no_file, no_file}},
        {"TruncateLogs",
         [](BackupSession& s, const BackupDirectory&) { return code_of(s.truncate_logs()); },
         {sequence, sequence, sequence, 0, 0}},
        {"GetDatabaseLocations",
         [](BackupSession& s, const BackupDirectory&) {
             return static_cast<Code>(entries_of(s.locations()).size() == 3 ? 0 : -1);
         },
         {0, 0, 0, 0, 0}},
    };
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < states.size(); ++i) {
            SCOPED_TRACE(text(row.call, " in state ", i));
            const BackupDirectory directory;
            directory.make_dirty(3, 5, 6, 9);
            const auto session = directory.session();
            bring_to(states[i], *session, directory);
            const auto lists = session->database_names().value() + session->backup_logs().value();
            EXPECT_EQ(row.run(*session, directory), row.expected[i]);
            EXPECT_EQ(session->database_names().value() + session->backup_logs().value(), lists);
        }
    }
}

TEST(BackupStateTable, EndInEveryStateFreesTheBackup) { // BEND-1
    for (std::size_t i = 0; i < states.size(); ++i) {
        SCOPED_TRACE(text("state ", i));
        const BackupDirectory directory;
        directory.make_dirty(3, 5, 6, 9);
        auto session = directory.session();
        bring_to(states[i], *session, directory);
        session.reset();
        EXPECT_TRUE(directory.prepare());
        std::filesystem::remove(directory.database()); // Windows: fails while it is open
        EXPECT_FALSE(std::filesystem::exists(directory.database()));
    }
}

} // namespace
} // namespace ntdsb::service
