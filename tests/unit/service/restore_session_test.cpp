// Restore sessions through an association, with encoded requests: the table state x call cell by
// cell, Prepare's and Complete's answers (contract PREP-1..CMPL-5, END-1..3).
#include "restore_directory.h"
#include "service/locations.h"
#include "support/links.h"

#include <array>

namespace ntdsb::service {
namespace {

constexpr auto missing_token = static_cast<Code>(hrMissingExpiryToken);

// --- the table

enum class RestoreState { restricted, prepared, registered, completed, failed };
enum class RestoreCall { locations, register_whole, complete_ok, complete_failure, end };

struct Cell {
    RestoreState state;
    RestoreCall call;
    Code result;
    std::optional<RecordState> record; // afterwards
    bool session_alive;                // whether the restore lock is held afterwards
};

constexpr std::array state_names{"Restricted", "Prepared", "Registered", "Completed", "Failed"};
constexpr std::array call_names{"GetDatabaseLocations", "Register", "CompleteOk", "CompleteFailure",
                                "End"};

std::string name_of(const Cell& cell) {
    return std::string(state_names[static_cast<std::size_t>(cell.state)]) +
           call_names[static_cast<std::size_t>(cell.call)];
}
void PrintTo(const Cell& cell, std::ostream* out) { *out << name_of(cell); }

constexpr auto none = std::nullopt;
constexpr Cell cells[] = {
    {RestoreState::restricted, RestoreCall::locations, S_OK, none, false}, // PREP-2, LOC-1
    {RestoreState::restricted, RestoreCall::register_whole, missing_token, none, false}, // REG-1
    {RestoreState::restricted, RestoreCall::complete_ok, missing_token, none, false},    // CMPL-1
    {RestoreState::restricted, RestoreCall::complete_failure, missing_token, none, false},
    {RestoreState::restricted, RestoreCall::end, S_OK, none, false}, // END-1

    {RestoreState::prepared, RestoreCall::locations, S_OK, none, false},
    {RestoreState::prepared, RestoreCall::register_whole, S_OK, RecordState::registered,
     true},                                                                   // REG-0
    {RestoreState::prepared, RestoreCall::complete_ok, invalid, none, false}, // CMPL-1
    {RestoreState::prepared, RestoreCall::complete_failure, invalid, none, false},
    {RestoreState::prepared, RestoreCall::end, S_OK, none, false},

    {RestoreState::registered, RestoreCall::locations, S_OK, RecordState::registered, true},
    {RestoreState::registered, RestoreCall::register_whole, restore_in_progress,
     RecordState::registered, true}, // REG-8
    {RestoreState::registered, RestoreCall::complete_ok, S_OK, RecordState::completed,
     false}, // CMPL-3
    {RestoreState::registered, RestoreCall::complete_failure, S_OK, RecordState::failed,
     false},                                                                            // CMPL-2
    {RestoreState::registered, RestoreCall::end, S_OK, RecordState::registered, false}, // END-2

    {RestoreState::completed, RestoreCall::locations, S_OK, RecordState::completed, false},
    {RestoreState::completed, RestoreCall::register_whole, S_OK, RecordState::registered,
     true}, // CMPL-5
    {RestoreState::completed, RestoreCall::complete_ok, invalid, RecordState::completed, false},
    {RestoreState::completed, RestoreCall::complete_failure, invalid, RecordState::completed,
     false},
    {RestoreState::completed, RestoreCall::end, S_OK, RecordState::completed, false},

    {RestoreState::failed, RestoreCall::locations, S_OK, RecordState::failed, false},
    {RestoreState::failed, RestoreCall::register_whole, S_OK, RecordState::registered,
     true}, // REC-6
    {RestoreState::failed, RestoreCall::complete_ok, invalid, RecordState::failed, false},
    {RestoreState::failed, RestoreCall::complete_failure, invalid, RecordState::failed, false},
    {RestoreState::failed, RestoreCall::end, S_OK, RecordState::failed, false},
};

wire::ContextHandle session_in(RestoreState state, Client& client) {
    if (state == RestoreState::restricted) return client.restricted();
    const auto session = client.prepared();
    if (state != RestoreState::prepared) {
        EXPECT_EQ(client.register_whole(session), S_OK);
    }
    if (state == RestoreState::completed) {
        EXPECT_EQ(client.complete(session, S_OK), S_OK);
    }
    if (state == RestoreState::failed) {
        EXPECT_EQ(client.complete(session, failed_restore), S_OK);
    }
    return session;
}

Code make(RestoreCall call, Client& client, const wire::ContextHandle& session) {
    switch (call) {
    case RestoreCall::locations:
        return client.locations(session).status;
    case RestoreCall::register_whole:
        return client.register_whole(session);
    case RestoreCall::complete_ok:
        return client.complete(session, S_OK);
    case RestoreCall::complete_failure:
        return client.complete(session, failed_restore);
    case RestoreCall::end:
        return client.end(session);
    }
    return -1;
}

class RestoreStateTable : public testing::TestWithParam<Cell> {};

TEST_P(RestoreStateTable, Answers) {
    const Cell& cell = GetParam();
    const RestoreDirectory directory;
    Client client(directory);
    const auto session = session_in(cell.state, client);
    EXPECT_EQ(make(cell.call, client, session), cell.result);
    EXPECT_EQ(directory.recorded(), cell.record);
    EXPECT_EQ(directory.session_alive(), cell.session_alive);
    const bool ended = cell.call == RestoreCall::end;
    EXPECT_EQ(client.locations(session).status, ended ? invalid : S_OK)
        << "the handle is of further use unless it was ended";
}

INSTANTIATE_TEST_SUITE_P(Cells, RestoreStateTable, testing::ValuesIn(cells),
                         [](const auto& cell) { return name_of(cell.param); });

// --- Prepare

class RestoreSessionTest : public testing::Test {
protected:
    // A registered session on `client`.
    wire::ContextHandle registered(Client& client) {
        const auto session = client.prepared();
        EXPECT_EQ(client.register_whole(session), S_OK);
        return session;
    }
    RestoreDirectory directory;
};

TEST_F(RestoreSessionTest, PrepareTakesFlagsZeroAndCatchup) { // PREP-1
    Client client(directory);
    for (const std::uint32_t flags : {0u, 4u})
        EXPECT_EQ(client.prepare(directory.token(), flags).status, S_OK);
    for (const std::uint32_t flags : {1u, 2u, 5u, 8u, ~0u}) {
        const auto reply = client.prepare(directory.token(), flags);
        EXPECT_EQ(reply.status, invalid) << flags;
        EXPECT_EQ(reply.session, wire::ContextHandle{});
    }
}

TEST_F(RestoreSessionTest, PrepareJudgesTheToken) { // PREP-3..5
    Client client(directory);
    EXPECT_EQ(client.prepare(wire::Bytes{}).status, invalid);
    auto damaged = directory.token();
    damaged.back() ^= std::byte{1};
    EXPECT_EQ(client.prepare(damaged).status, hrUnknownExpiryTokenFormat);
    auto old = decode_token(directory.token()).value();
    old.backup_time -= std::uint64_t{181} * 24 * 60 * 60 * 10'000'000;
    EXPECT_EQ(client.prepare(encode_token(old)).status, hrContentsExpired);
}

TEST_F(RestoreSessionTest, PrepareNeedsADirectory) { // COM-5
    Client client(directory);
    EXPECT_EQ(client.call<wire::RestorePrepare>({u"unknown", 0, directory.token()}).status,
              hrCouldNotConnect);
}

TEST_F(RestoreSessionTest, EverySessionHasAHandleOfItsOwn) {
    Client client(directory);
    EXPECT_NE(client.prepared(), client.prepared());
}

TEST_F(RestoreSessionTest, LocationsAreDatabaseLogsAndCheckpoint) { // LOC-2
    Client client(directory);
    const auto reply = client.locations(client.restricted());
    std::u16string expected;
    append_entry(expected, bft_database, wire_path(directory.database()));
    append_entry(expected, bft_log_dir, wire_path(directory.ntds()));
    append_entry(expected, bft_checkpoint_dir, wire_path(directory.ntds()));
    close_list(expected);
    EXPECT_EQ(reply.list, expected);
}

// --- Register

TEST_F(RestoreSessionTest, RefusedArgumentsLeaveNoTrace) { // REG-2
    Client client(directory);
    auto request = directory.request();
    request.session = client.prepared();
    request.log_path = u"/elsewhere";
    EXPECT_EQ(client.call<wire::RestoreRegister>(request).status, invalid);
    EXPECT_EQ(directory.recorded(), std::nullopt);
    EXPECT_FALSE(directory.session_alive());
}

TEST_F(RestoreSessionTest, ArgumentsAreJudgedBeforeTheInterlock) { // REG-2..5 before REG-6..8
    Client client(directory);
    const auto engine = start_directory(*directory.instance());
    auto request = directory.request();
    request.session = client.prepared();
    request.gen_high = 0x100000;
    EXPECT_EQ(client.call<wire::RestoreRegister>(request).status, invalid);
    EXPECT_EQ(client.register_whole(request.session), hrDatabaseInUse);
}

TEST_F(RestoreSessionTest, OtherSessionsAreLockedOutUntilItCompletes) { // REG-8, CMPL-1
    Client client(directory);
    Client other_client(directory);
    const auto session = registered(client);
    for (Client* const which : {&client, &other_client}) {
        const auto other = which->prepared();
        EXPECT_EQ(which->register_whole(other), restore_in_progress);
        EXPECT_EQ(which->complete(other, S_OK), invalid);
        EXPECT_EQ(which->complete(other, failed_restore), invalid);
    }
    EXPECT_EQ(client.complete(session, S_OK), S_OK);
    EXPECT_EQ(other_client.register_whole(other_client.prepared()), S_OK);
}

TEST_F(RestoreSessionTest, RecordHoldsTheResolvedRequest) { // REC-1
    Client client(directory);
    auto request = directory.request();
    request.session = client.prepared();
    request.log_path += u"/.";
    ASSERT_EQ(client.call<wire::RestoreRegister>(request).status, S_OK);
    const auto record = load_record(*directory.instance()).value().value();
    EXPECT_EQ(record.request.session, wire::ContextHandle{});
    EXPECT_EQ(record.request.log_path, wire_path(directory.ntds()));
}

TEST_F(RestoreSessionTest, DeadAssociationsSessionLeavesTheDirectoryBlocked) { // END-3: rundown
    {
        Client client(directory);
        registered(client);
    }
    EXPECT_FALSE(directory.session_alive());
    EXPECT_EQ(directory.start_blocked(), restore_in_progress);
    Client client(directory);
    EXPECT_EQ(client.complete(registered(client), S_OK), S_OK);
    EXPECT_EQ(directory.start_blocked(), S_OK);
}

// --- Complete

TEST_F(RestoreSessionTest, CompleteVerifiesAndPutsTheLogsInPlace) { // CMPL-3, VER-7
    directory.use_logs();
    Client client(directory);
    const auto session = registered(client);
    EXPECT_EQ(client.complete(session, S_OK), S_OK);
    EXPECT_EQ(test::read_file(directory.ntds() / test::EseLog::name(3)),
              test::read_file(directory.backup() / test::EseLog::name(3)));
    EXPECT_TRUE(std::filesystem::exists(directory.ntds() / "edb.log"));
    EXPECT_EQ(directory.recorded(), RecordState::completed);
}

TEST_F(RestoreSessionTest, UnsoundSetStaysRegisteredAndMayBeMended) { // CMPL-4
    directory.use_logs();
    const auto log = directory.backup() / test::EseLog::name(4);
    const auto content = test::read_file(log);
    std::filesystem::remove(log);
    Client client(directory);
    const auto session = registered(client);
    EXPECT_EQ(client.complete(session, S_OK), hrMissingRestoreLogFiles);
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    EXPECT_TRUE(directory.session_alive());
    EXPECT_FALSE(std::filesystem::exists(directory.ntds() / test::EseLog::name(3)))
        << "nothing is placed before all is sound";
    test::write_file(log, content);
    EXPECT_EQ(client.complete(session, S_OK), S_OK);
}

TEST_F(RestoreSessionTest, LogsThatCannotBePlacedAreCompletesResult) { // VER-7: a failed copy
    directory.use_logs();
    Client client(directory);
    const auto session = registered(client);
    platform::set_disk_hook([](platform::DiskOperation, const platform::Path& path) {
        return path.filename().string().starts_with("ntdsb-restore-") ? Code{ERROR_DISK_FULL}
                                                                      : Code{0};
    });
    EXPECT_EQ(client.complete(session, S_OK), ERROR_DISK_FULL);
    platform::set_disk_hook(nullptr);
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    EXPECT_TRUE(directory.session_alive());
    EXPECT_EQ(client.complete(session, S_OK), S_OK);
}

TEST_F(RestoreSessionTest, DatabaseMustBeTheTokens) { // VER-5
    Client client(directory);
    const auto session = registered(client);
    directory.made().signature(test::make_signature(99)).write(directory.database());
    EXPECT_EQ(client.complete(session, S_OK), hrBadDbSignature);
}

TEST_F(RestoreSessionTest, ConfiguredDatabaseMustBeATarget) { // VER-1
    Client client(directory);
    auto request = directory.request();
    request.session = client.prepared();
    request.map[0].target = wire_path(directory.ntds() / "other.dit");
    directory.made().write(directory.ntds() / "other.dit");
    ASSERT_EQ(client.call<wire::RestoreRegister>(request).status, S_OK);
    EXPECT_EQ(client.complete(request.session, S_OK), hrDatabaseNotFound);
}

TEST_F(RestoreSessionTest, CheckpointPairIsNoDatabase) { // REG-9, VER-1
    Client client(directory);
    for (const std::u16string& target :
         {wire_path(directory.ntds()), wire_path(directory.ntds() / "edb.chk")}) {
        auto request = directory.request();
        request.session = client.prepared();
        request.map.push_back({target, target});
        ASSERT_EQ(client.call<wire::RestoreRegister>(request).status, S_OK);
        EXPECT_EQ(client.complete(request.session, S_OK), S_OK);
    }
}

TEST_F(RestoreSessionTest, PagesAreVerifiedIfConfigured) { // VER-6
    auto damaged = directory.made();
    damaged.damaged_page(3).write(directory.database());
    {
        Client client(directory);
        const auto session = registered(client);
        EXPECT_EQ(client.complete(session, S_OK), hrReadVerifyFailure);
    }
    directory.config.directory.verify = VerifyLevel::headers;
    Client client(directory);
    EXPECT_EQ(client.complete(registered(client), S_OK), S_OK);
}

// What Complete did to the disk, in order.
std::vector<std::pair<platform::DiskOperation, std::string>> disk_log;
std::ptrdiff_t place_of(platform::DiskOperation operation, const std::string& name) {
    const auto found = std::find(disk_log.begin(), disk_log.end(), std::pair(operation, name));
    return found == disk_log.end() ? -1 : found - disk_log.begin();
}

// A Complete, whose changes to the disk disk_log has.
void complete_and_log(Client& client, const wire::ContextHandle& session) {
    disk_log.clear();
    platform::set_disk_hook([](platform::DiskOperation operation, const platform::Path& path) {
        disk_log.emplace_back(operation, path.filename().string());
        return Code{0};
    });
    EXPECT_EQ(client.complete(session, S_OK), S_OK);
    platform::set_disk_hook(nullptr);
}

TEST_F(RestoreSessionTest, WhatRecoveryReadsIsFlushedBeforeTheRecordChanges) { // VER-9
    using platform::DiskOperation;
    directory.use_logs();
    std::filesystem::copy_file(directory.backup() / "edb00003.log",
                               directory.ntds() / "edb00003.log"); // the tool's own copy
    test::EseCheckpoint{directory.signature}.generation(3).write(directory.ntds() / "edb.chk");
    Client client(directory);
    const auto session = registered(client);
    complete_and_log(client, session);
    const auto recorded = place_of(DiskOperation::rename, "registration");
    ASSERT_GT(recorded, 0);
    for (const char* file : {"ntds.dit", "edb00003.log", "edb.chk"}) {
        const auto flushed = place_of(DiskOperation::flush, file);
        EXPECT_TRUE(flushed >= 0 && flushed < recorded) << file;
        const auto folder = place_of(DiskOperation::flush_folder, "ntds");
        EXPECT_TRUE(folder >= 0 && folder < recorded);
    }
}

// Else a power failure could bring back what the tool removed there.
TEST_F(RestoreSessionTest, FoldersThatTheToolEmptiedAreFlushed) { // VER-9
    using platform::DiskOperation;
    const auto logs = directory.root() / "logs", checkpoint = directory.root() / "checkpoint";
    for (const auto& folder : {logs, checkpoint}) std::filesystem::create_directory(folder);
    const auto linked = directory.root() / "linked";
    const test::Link link(logs, linked);
    const auto log_path = link ? linked : logs;
    directory.config.directory.log_path = wire_path(log_path);
    directory.config.directory.checkpoint_path = wire_path(checkpoint);
    auto request = directory.request();
    request.log_path = wire_path(log_path);
    request.checkpoint_path = wire_path(checkpoint);
    Client client(directory);
    const auto session = client.prepared();
    request.session = session;
    ASSERT_EQ(client.call<wire::RestoreRegister>(request).status, S_OK);
    complete_and_log(client, session);
    const auto recorded = place_of(DiskOperation::rename, "registration");
    for (const char* folder : {"ntds", "logs", "checkpoint"}) {
        const auto flushed = place_of(DiskOperation::flush_folder, folder);
        EXPECT_TRUE(flushed >= 0 && flushed < recorded) << folder;
    }
}

TEST_F(RestoreSessionTest, RecordThatCannotBeOpenedForNowIsNotSetAside) { // REC-8
    Client client(directory);
    const auto first = registered(client);
    ASSERT_EQ(client.complete(first, S_OK), S_OK);
    const auto second = client.prepared();
    platform::set_read_hook(
        [](platform::ReadOperation operation, const platform::Path& path, std::uint64_t) {
            const bool fails =
                operation == platform::ReadOperation::open && path.filename() == "registration";
            return fails ? Code{ERROR_TOO_MANY_OPEN_FILES} : Code{0};
        });
    EXPECT_EQ(client.register_whole(second), ERROR_TOO_MANY_OPEN_FILES);
    platform::set_read_hook(nullptr);
    EXPECT_EQ(directory.recorded(), RecordState::completed);
    EXPECT_EQ(directory.start_blocked(), S_OK);
}

TEST_F(RestoreSessionTest, FlushThatFailsIsCompletesResult) { // VER-9
    Client client(directory);
    const auto session = registered(client);
    platform::set_disk_hook([](platform::DiskOperation operation, const platform::Path& path) {
        const bool fails =
            operation == platform::DiskOperation::flush && path.filename() == "ntds.dit";
        return fails ? Code{ERROR_IO_DEVICE} : Code{0};
    });
    EXPECT_EQ(client.complete(session, S_OK), ERROR_IO_DEVICE);
    platform::set_disk_hook(nullptr);
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    EXPECT_EQ(client.complete(session, S_OK), S_OK);
}

// The history alone cannot be written: at its creation, a write, a flush.
TEST_F(RestoreSessionTest, HistoryThatCannotBeWrittenFailsNothing_REC11) {
    using platform::DiskOperation;
    static DiskOperation failing;
    static int refusals;
    static_cast<void>(directory.instance()); // makes the state folder
    for (const auto operation :
         {DiskOperation::create, DiskOperation::write, DiskOperation::flush}) {
        failing = operation;
        refusals = 0;
        platform::set_disk_hook([](DiskOperation one, const platform::Path& path) {
            const bool fails = one == failing && path.filename() == "history.log";
            refusals += fails ? 1 : 0;
            return fails ? Code{ERROR_DISK_FULL} : Code{0};
        });
        Client client(directory);
        const auto session = registered(client);
        EXPECT_EQ(client.complete(session, S_OK), S_OK);
        platform::set_disk_hook(nullptr);
        EXPECT_GE(refusals, 1) << name_of(operation);
        EXPECT_EQ(directory.recorded(), RecordState::completed);
        EXPECT_EQ(directory.start_blocked(), S_OK);
    }
}

TEST_F(RestoreSessionTest, CancelledVerificationUnblocksNothing) { // COM-11
    Client client(directory);
    const auto session = registered(client);
    client.association().cancel();
    EXPECT_EQ(client.complete(session, S_OK), ERROR_OPERATION_ABORTED);
    EXPECT_EQ(directory.recorded(), RecordState::registered);
    EXPECT_EQ(directory.start_blocked(), restore_in_progress);
    EXPECT_EQ(client.complete(session, failed_restore), S_OK) << "a failure can still be reported";
}

TEST_F(RestoreSessionTest, AnyOtherStateThanOkIsAFailure) { // CMPL-2
    Client client(directory);
    for (const Code state : {Code{1}, Code{ERROR_DISK_FULL}, static_cast<Code>(hrLogFileCorrupt)}) {
        EXPECT_EQ(client.complete(registered(client), state), S_OK);
        EXPECT_EQ(load_record(*directory.instance()).value().value().outcome, state);
        EXPECT_EQ(directory.start_blocked(), restore_in_progress);
    }
}

TEST_F(RestoreSessionTest, FailureNeedsNoFiles) { // CMPL-2
    Client client(directory);
    const auto session = registered(client);
    std::filesystem::remove_all(directory.ntds());
    EXPECT_EQ(client.complete(session, failed_restore), S_OK);
}

} // namespace
} // namespace ntdsb::service
