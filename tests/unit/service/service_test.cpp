// The dispatcher: what it answers to requests that name no operation, no session or nothing at all,
// and to several threads (contract COM-1, COM-10, COM-11).
#include "restore_directory.h"

#include "core/log.h"

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

namespace ntdsb::service {
namespace {

class ServiceTest : public testing::Test {
protected:
    // The RPC-level outcome of a call.
    Code raw(wire::Interface interface_of, std::uint16_t opnum, const wire::Bytes& stub) {
        wire::BufferSink sink(1 << 20);
        const auto called = client.association().call(interface_of, opnum, stub, sink);
        if (!called) {
            EXPECT_TRUE(sink.bytes().empty());
        }
        return code_of(called);
    }
    RestoreDirectory directory;
    Client client{directory};
};

TEST_F(ServiceTest, UnknownOperationIsOutOfRange) {
    for (const std::uint16_t opnum : {std::uint16_t{8}, std::uint16_t{0xFFFF}})
        EXPECT_EQ(raw(wire::Interface::restore, opnum, {}), RPC_S_PROCNUM_OUT_OF_RANGE);
    EXPECT_EQ(raw(wire::Interface::backup, 10, {}), RPC_S_PROCNUM_OUT_OF_RANGE);
}

TEST_F(ServiceTest,
       EveryOperationOfTheInterfacesIsServed) { // def/ntdsb.idl: restore 0..7, backup 0..9
    const wire::Bytes stub(3);
    for (std::uint16_t opnum = 0; opnum < 8; ++opnum)
        EXPECT_EQ(raw(wire::Interface::restore, opnum, stub), RPC_X_BAD_STUB_DATA) << opnum;
    for (std::uint16_t opnum = 0; opnum < 10; ++opnum)
        EXPECT_EQ(raw(wire::Interface::backup, opnum, stub), RPC_X_BAD_STUB_DATA) << opnum;
}

// A caller over the network, with these rights: which operations it may call at all. Bad stub data
// is what those get that are not refused.
TEST_F(ServiceTest, CallersOverTheNetworkMayWhatTheirListsSay_ACC5) {
    const auto outcomes = [&](bool may_backup, bool may_restore) {
        Association association(directory.shared_config(),
                                {false, "EXAMPLE\\alice", "alice", may_backup, may_restore});
        std::string all;
        const wire::Bytes stub(3);
        for (const auto& [interface_of, count] :
             {std::pair{wire::Interface::restore, 8}, std::pair{wire::Interface::backup, 10}}) {
            for (int opnum = 0; opnum < count; ++opnum) {
                wire::BufferSink sink(1 << 20);
                const auto called =
                    association.call(interface_of, static_cast<std::uint16_t>(opnum), stub, sink);
                all += code_of(called) == ERROR_ACCESS_DENIED ? '-' : 'x';
                EXPECT_TRUE(sink.bytes().empty());
            }
            all += ' ';
        }
        return all;
    };
    EXPECT_EQ(outcomes(true, true), "xxxxxxxx xxxxxxxxxx ");
    EXPECT_EQ(outcomes(true, false), "x----xxx xxxxxxxxxx ");
    EXPECT_EQ(outcomes(false, true), "xxxxxx-x -x------x- ");
    EXPECT_EQ(outcomes(false, false), "-------- ---------- ");
}

// An account's second connection may have other rights than its first: they count.
TEST_F(ServiceTest, EachCallIsItsOwnCallers_ACC5) {
    const Caller first{false, "alice at one", "alice", true, true};
    const Caller second{false, "alice at two", "alice", true, false};
    Association association(directory.shared_config(), first);
    const std::atomic<bool> cancelled = false;
    const auto code = [&](const Caller& caller, wire::Interface interface_of) {
        wire::BufferSink sink(1 << 20);
        return code_of(association.call(caller, interface_of, 1, wire::Bytes(3), sink, cancelled));
    };
    EXPECT_EQ(code(first, wire::Interface::restore), RPC_X_BAD_STUB_DATA);
    EXPECT_EQ(code(second, wire::Interface::restore), ERROR_ACCESS_DENIED);
    EXPECT_EQ(code(second, wire::Interface::backup), RPC_X_BAD_STUB_DATA);
    EXPECT_EQ(code(Caller{}, wire::Interface::backup), ERROR_ACCESS_DENIED);
    EXPECT_EQ(code(Caller::local(), wire::Interface::restore), RPC_X_BAD_STUB_DATA);
}

TEST_F(ServiceTest, BytesLeftOverAreBadStubData) {
    auto stub = wire::encode(wire::SessionRequest{client.restricted()});
    stub.push_back(std::byte{});
    EXPECT_EQ(raw(wire::Interface::restore, wire::RestoreEnd::opnum, stub), RPC_X_BAD_STUB_DATA);
}

TEST_F(ServiceTest, PingAnswers) { EXPECT_EQ(client.call<wire::BackupPing>({}).status, S_OK); }

// Each operation that takes a handle, with this one.
void expect_no_session(Client& client, const wire::ContextHandle& handle,
                       wire::Interface interface_of) {
    if (interface_of == wire::Interface::restore) {
        EXPECT_EQ(client.register_whole(handle), invalid);
        EXPECT_EQ(client.complete(handle, S_OK), invalid);
        EXPECT_EQ(client.locations(handle).status, invalid);
        EXPECT_EQ(client.locations(handle).list, std::nullopt);
        EXPECT_EQ(client.end(handle), invalid);
        return;
    }
    EXPECT_EQ(client.call<wire::BackupGetDatabaseNames>({handle}).status, invalid);
    EXPECT_EQ(client.call<wire::BackupGetBackupLogs>({handle}).status, invalid);
    EXPECT_EQ(client.call<wire::BackupOpenFile>({handle, u"/x", 0}).status, invalid);
    EXPECT_EQ(client.call<wire::BackupClose>({handle}).status, invalid);
    EXPECT_EQ(client.call<wire::BackupTruncateLogs>({handle}).status, invalid);
    EXPECT_EQ(client.call<wire::BackupGetDatabaseLocations>({handle}).status, invalid);
    EXPECT_EQ(client.call<wire::BackupEnd>({handle}).status, invalid);
    wire::ReadReplySink sink({});
    ASSERT_TRUE(client.association().call(wire::Interface::backup, wire::BackupRead::opnum,
                                          wire::encode(wire::BackupRead::Request{handle, 1}),
                                          sink));
    EXPECT_EQ(sink.outcome().value().status, invalid);
}

TEST_F(ServiceTest, HandlesThatWereNeverIssuedNameNoSession) { // COM-1
    auto forged = client.restricted();
    forged.uuid[0] ^= 1;
    auto attributed = client.restricted();
    attributed.attributes = 1;
    for (const auto& handle : {wire::ContextHandle{}, forged, attributed}) {
        expect_no_session(client, handle, wire::Interface::restore);
        expect_no_session(client, handle, wire::Interface::backup);
    }
}

TEST_F(ServiceTest,
       HandlesOfTheWrongKindNameNoSession) { // COM-1; LOC-1 is each interface's own operation
    const auto restore = client.prepared();
    const auto backup = client.call<wire::BackupPrepare>({u"", 0, 1});
    ASSERT_EQ(backup.status, S_OK);
    expect_no_session(client, restore, wire::Interface::backup);
    expect_no_session(client, backup.session, wire::Interface::restore);
    EXPECT_EQ(client.end(restore), S_OK) << "it was left alone";
    EXPECT_EQ(client.call<wire::BackupEnd>({backup.session}).status, S_OK);
}

TEST_F(ServiceTest, EndedHandlesNameNoSession) { // COM-1, END-1
    const auto restore = client.prepared();
    EXPECT_EQ(client.end(restore), S_OK);
    expect_no_session(client, restore, wire::Interface::restore);
    const auto backup = client.call<wire::BackupPrepare>({u"", 0, 1}).session;
    EXPECT_EQ(client.call<wire::BackupEnd>({backup}).status, S_OK);
    expect_no_session(client, backup, wire::Interface::backup);
}

TEST_F(ServiceTest, HandlesAreTheirAssociationsOwn) { // COM-1
    const auto session = client.prepared();
    Client other(directory);
    expect_no_session(other, session, wire::Interface::restore);
    EXPECT_EQ(client.end(session), S_OK);
}

TEST_F(ServiceTest, BackupHandlesKnowTheLocationsToo) { // LOC-1
    const auto backup = client.call<wire::BackupPrepare>({u"", 0, 1});
    ASSERT_EQ(backup.status, S_OK);
    EXPECT_EQ(client.call<wire::BackupGetDatabaseLocations>({backup.session}).list,
              client.locations(client.restricted()).list);
}

// A reply that the sink does not take is an error of the transport's.
TEST_F(ServiceTest, ReplyThatTheSinkRefusesIsAnError) {
    wire::BufferSink sink(4);
    EXPECT_EQ(code_of(client.association().call(
                  wire::Interface::restore, wire::RestorePrepare::opnum,
                  wire::encode(wire::RestorePrepare::Request{u"", 0, std::nullopt}), sink)),
              RPC_X_BAD_STUB_DATA);
}

TEST_F(ServiceTest, ConfigurationIsTheOneItBeganWith) {
    const auto before = client.locations(client.restricted()).list;
    directory.config.directory.log_path = u"/elsewhere";
    EXPECT_EQ(client.locations(client.restricted()).list, before);
}

// --- the log

std::string log_of(const RestoreDirectory& directory, const std::function<void()>& action) {
    const auto file = directory.root() / "log";
    EXPECT_TRUE(log::configure({log::Level::info, wire_path(file)}));
    action();
    EXPECT_TRUE(log::configure({}));
    std::stringstream content;
    content << std::ifstream(file).rdbuf();
    return content.str();
}

TEST_F(ServiceTest, RefusalsAreLoggedWithRuleAndArgument) {
    const auto lines = log_of(directory, [&] {
        auto request = directory.request();
        request.session = client.prepared();
        request.log_path = u"/elsewhere";
        EXPECT_EQ(client.call<wire::RestoreRegister>(request).status, invalid);
    });
    EXPECT_NE(lines.find("RestorePrepare by a local caller: S_OK"), std::string::npos) << lines;
    EXPECT_NE(lines.find("RestoreRegister by a local caller: 0x57"), std::string::npos) << lines;
    EXPECT_NE(lines.find("REG-2"), std::string::npos) << lines;
    EXPECT_NE(lines.find("szLogPath"), std::string::npos) << lines;
}

TEST_F(ServiceTest, EveryFindingOfAVerificationIsLogged) { // CMPL-4
    directory.use_logs();
    std::filesystem::remove(directory.backup() / test::EseLog::name(4));
    directory.made().damaged_page(3).write(directory.database());
    const auto lines = log_of(directory, [&] {
        const auto session = client.prepared();
        EXPECT_EQ(client.register_whole(session), S_OK);
        EXPECT_EQ(client.complete(session, S_OK), hrMissingRestoreLogFiles);
    });
    EXPECT_NE(lines.find("VER-2"), std::string::npos) << lines;
    EXPECT_NE(lines.find("VER-6"), std::string::npos) << lines;
}

// --- several threads

// How many of `count` threads that make the call at once succeed; the others get `refusal`.
unsigned successes(unsigned count, Code refusal, const std::function<Code(unsigned)>& call) {
    std::atomic<unsigned> succeeded{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            const Code code = call(i);
            if (code == S_OK) {
                ++succeeded;
            } else {
                EXPECT_EQ(code, refusal);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    return succeeded;
}

TEST_F(ServiceTest, ExactlyOneEndWins) { // COM-11
    const auto session = client.prepared();
    EXPECT_EQ(successes(8, invalid, [&](unsigned) { return client.end(session); }), 1u);
}

TEST_F(ServiceTest, CallsOnOneHandleAreSerialised) { // COM-11
    const auto session = client.prepared();
    EXPECT_EQ(
        successes(6, hrRestoreInProgress, [&](unsigned) { return client.register_whole(session); }),
        1u);
    EXPECT_EQ(successes(6, invalid, [&](unsigned) { return client.complete(session, S_OK); }), 1u);
    EXPECT_EQ(directory.recorded(), RecordState::completed);
}

TEST_F(ServiceTest, OneOfSeveralAssociationsRegisters) { // REG-8
    std::vector<std::unique_ptr<Client>> clients;
    std::vector<wire::ContextHandle> sessions;
    for (int i = 0; i < 6; ++i) {
        clients.push_back(std::make_unique<Client>(directory));
        sessions.push_back(clients.back()->prepared());
    }
    EXPECT_EQ(successes(6, hrRestoreInProgress,
                        [&](unsigned i) { return clients[i]->register_whole(sessions[i]); }),
              1u);
}

} // namespace
} // namespace ntdsb::service
