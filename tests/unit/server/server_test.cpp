// The server on a real socket (server/server.h): what hostile, slow and vanishing clients get, and
// what the others notice of them.
#include "server_fixture.h"

#include "rpc/fault_status.h"
#include "server/asio.h"
#include "server/groups.h"

#include <future>
#include <random>
#include <set>
#include <thread>

namespace ntdsb::server {
namespace {

using namespace std::chrono_literals;
constexpr std::uint32_t access_denied = 5;

// As Asio tells a peer's on Windows.
TEST(Endpoint, IsOfTcpThoughItIsLongerThanItsFamilysAddresses) {
    const tcp::endpoint v4(asio::ip::address_v4::loopback(), 49152);
    const tcp::endpoint v6(asio::ip::address_v6::loopback(), 49153);
    for (const tcp::endpoint& own : {v4, v6}) {
        StreamEndpoint padded(own);
        padded.resize(padded.capacity());
        EXPECT_EQ(tcp_endpoint(padded), own);
        padded.resize(own.size() - 1);
        EXPECT_EQ(tcp_endpoint(padded), std::nullopt);
    }
}

TEST_F(ServerTest, AnswersCalls) {
    start();
    auto client = bound();
    const auto answer = client.ping();
    ASSERT_TRUE(answer.stub);
    EXPECT_EQ(wire::decode<wire::StatusReply>(*answer.stub).value().status, S_OK);
    EXPECT_EQ(client.call(backup_context, 99, {}).fault, 0x1c010002u) << "nca_op_rng_error";
    EXPECT_EQ(client.call(restore_context, 0, octets_of("rubbish")).fault, 0x6f7u);
    EXPECT_TRUE(client.ping().stub) << "a fault ends no connection";
}

TEST_F(ServerTest, AdmitsNobodyWithoutProofWhereNoSettingAllowsIt_COM9) {
    directory.config.service.allow_anonymous = false;
    start();
    auto client = bound();
    EXPECT_EQ(client.ping().fault, access_denied);
    EXPECT_FALSE(client.next()) << "once is enough";
    auto other = bound();
    EXPECT_EQ(
        other.call(restore_context, 0, wire::encode(wire::IsDirectoryOnline::Request{})).fault,
        access_denied);
}

// END-3: only its owner's connections keep a group's sessions alive.
TEST_F(ServerTest, StrangerInAGroupKeepsNoSessionAlive_END3) {
    directory.config.service.allow_anonymous = false;
    start();
    Groups groups;
    const service::Caller owner{false, "alice", "alice"}, other{false, "eve", "eve"};
    const auto group = groups.join(0);
    ASSERT_TRUE(groups.enter(group, owner));
    const auto config = std::make_shared<const Config>(directory.config);
    std::weak_ptr<service::Association> sessions = group->sessions_of(owner, config).value();
    ASSERT_EQ(groups.join(group->id()), group); // a stranger, who does not enter
    ASSERT_EQ(groups.join(group->id()), group);
    EXPECT_FALSE(groups.enter(group, other)); // somebody else
    EXPECT_FALSE(group->sessions_of(other, config));
    EXPECT_FALSE(sessions.expired());
    groups.leave(group, true);
    EXPECT_TRUE(sessions.expired());
    EXPECT_FALSE(group->sessions_of(owner, config)) << "nobody's any more";
    groups.leave(group, false);
    groups.leave(group, false);
    EXPECT_EQ(groups.join(group->id()), nullptr);
}

TEST_F(ServerTest, TakesItsLimitsFromTheSettings) {
    ServiceConfig service;
    EXPECT_EQ(limits_of(service), Limits{}) << "other tests take the latter";
    service.max_connections = 3;
    service.max_calls = 4;
    service.max_authentications = 9;
    service.bind_timeout_s = 5;
    service.fragment_timeout_s = 6;
    service.unread_timeout_s = 7;
    service.max_calls_per_connection = 8;
    service.max_request_bytes = 70000;
    service.max_unsent_bytes = 80000;
    service.max_held_bytes = 90000;
    service.hang_up_timeout_s = 10;
    service.max_waiting_calls_per_connection = 11;
    service.max_open_calls_per_connection = 12;
    service.max_presentation_contexts = 16;
    service.max_stranger_bytes = 9000;
    service.max_metrics_requests = 13;
    service.metrics_timeout_s = 14;
    const Limits own = limits_of(service);
    EXPECT_EQ(own.connections, 3u);
    EXPECT_EQ(own.calls, 4u);
    EXPECT_EQ(own.authentications, 9u);
    EXPECT_EQ(own.until_bound, 5s);
    EXPECT_EQ(own.fragment, 6s);
    EXPECT_EQ(own.unread, 7s);
    EXPECT_EQ(own.calls_of_connection, 8u);
    EXPECT_EQ(own.association.request, 70000u);
    EXPECT_EQ(own.association.pending, 140000u);
    EXPECT_EQ(own.unsent, 80000u);
    EXPECT_EQ(own.held, 90000u);
    EXPECT_EQ(own.linger, 10s);
    EXPECT_EQ(own.waiting_of_connection, 11u);
    EXPECT_EQ(own.association.calls, 12u);
    EXPECT_EQ(own.association.contexts, 16u);
    EXPECT_EQ(own.stranger_unsent, 9000u);
    EXPECT_EQ(own.stranger.request, 9000u);
    EXPECT_EQ(own.stranger.pending, 9000u);
    EXPECT_EQ(own.stranger.contexts, 4u);
    EXPECT_EQ(own.stranger.calls, 6u);
    EXPECT_EQ(own.metrics_requests, 13u);
    EXPECT_EQ(own.metrics_request, 14s);
}

TEST_F(ServerTest, SaysWhichAddressIsTaken) {
    start();
    directory.config.service.listen = {address()};
    const auto second = Server::start(directory.shared_config(), limits);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().what.find(address()), std::string::npos) << second.error().what;
}

TEST_F(ServerTest, ListensOnIpv6) {
    directory.config.service.listen = {"[::1]:0"};
    auto started = Server::start(directory.shared_config(), limits);
    if (!started) GTEST_SKIP() << "no IPv6 here: " << started.error().what;
    server = std::move(started).value();
    EXPECT_EQ(address().substr(0, 6), "[::1]:");
    expect_alive();
}

// --- hostile octets

TEST_F(ServerTest, AnswersNoiseBeforeTheBindWithANakAndHangsUp) {
    start();
    RawClient client(address());
    client.send(octets_of("GET / HTTP/1.1\r\nHost: there\r\n\r\n"));
    EXPECT_EQ(client.next_type(), PduType::bind_nak);
    EXPECT_FALSE(client.next());
}

TEST_F(ServerTest, AnswersNoiseAfterTheBindWithAFaultAndHangsUp) {
    start();
    auto client = bound();
    client.send(octets_of("GET / HTTP/1.1\r\nHost: there\r\n\r\n"));
    EXPECT_EQ(client.next_type(), PduType::fault);
    EXPECT_FALSE(client.next());
}

// Sound conversations with octets changed at random: each ends, and others are served on.
TEST_F(ServerTest, SurvivesChangedOctets) {
    limits.until_bound = 200ms;
    limits.fragment = 200ms;
    limits.linger = 200ms;
    start();
    const rpc::Bind asked{
        5840, 5840, 0, {{backup_context, {wire::backup_interface_uuid, 1}, {rpc::ndr_syntax}}}};
    Bytes sound = rpc::encode({PduType::bind, rpc::only_fragment, 1}, asked);
    for (std::uint16_t opnum = 0; opnum < 9; opnum = static_cast<std::uint16_t>(opnum + 4)) {
        const Bytes request = rpc::encode({PduType::request, rpc::only_fragment, 2u + opnum},
                                          rpc::Request{0, backup_context, opnum, std::nullopt},
                                          octets_of("0123456789abcdef01234567"));
        sound.insert(sound.end(), request.begin(), request.end());
    }
    std::mt19937 random(20260101);
    for (int round = 0; round < 150; ++round) {
        Bytes changed = sound;
        for (unsigned i = 0; i <= random() % 3; ++i)
            changed[random() % changed.size()] = static_cast<std::byte>(random() & 0xff);
        changed.resize(changed.size() - random() % 20);
        RawClient client(address());
        client.send(changed);
        // A second bind ends every association that is left, and a whole fragment what is not.
        client.send(rpc::encode({PduType::bind, rpc::only_fragment, 1}, asked));
        while (client.next()) {
        }
    }
    expect_alive();
}

TEST_F(ServerTest, HangsUpWhereNoBindComesInTime) {
    limits.until_bound = 50ms;
    start();
    RawClient silent(address());
    EXPECT_FALSE(silent.next());
}

TEST_F(ServerTest, HangsUpWhereAFragmentStaysInPieces) {
    limits.fragment = 50ms;
    start();
    auto client = bound();
    client.send(octets_of(std::string_view("\5\0\0\3\20\0\0\0", 8)));
    EXPECT_FALSE(client.next());
}

TEST_F(ServerTest, KeepsAnIdleAssociation) {
    limits.until_bound = 50ms;
    limits.fragment = 50ms;
    start();
    auto client = bound();
    std::this_thread::sleep_for(200ms);
    EXPECT_TRUE(client.ping().stub);
}

TEST_F(ServerTest, TakesNoMoreThanMaxConnections) {
    limits.connections = 2;
    start();
    auto first = bound();
    auto second = bound();
    RawClient third(address());
    EXPECT_FALSE(third.bind());
    EXPECT_TRUE(first.ping().stub);
}

// --- slow clients, slow calls

TEST_F(ServerTest, ClosesAClientThatTakesNoAnswersAndServesTheOthers) {
    limits.unsent = 8192;
    limits.unread = 300ms;
    start();
    auto slow = bound();
    std::atomic<bool> ended = false;
    // Far more than the buffers between the two hold: the server stops to read, then hangs up.
    std::thread sender([&] {
        // ept_lookup for all entries: the answer is some ten times as long as the question.
        Bytes lookup(40);
        lookup[12] = std::byte{1};
        lookup[36] = std::byte{100};
        std::uint32_t id = 1;
        Bytes many;
        do {
            many.clear();
            for (int i = 0; i < 1000; ++i) {
                const Bytes request =
                    rpc::encode({PduType::request, rpc::only_fragment, ++id},
                                rpc::Request{0, mapper_context, 2, std::nullopt}, lookup);
                many.insert(many.end(), request.begin(), request.end());
            }
        } while (slow.send(many));
        ended = true;
    });
    for (int i = 0; i < 20; ++i) expect_alive();
    for (int i = 0; i < 6000 && !ended; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_TRUE(ended) << "the connection lives on";
    slow.socket().wake();
    sender.join();
}

TEST_F(ServerTest, ACallThatLastsStallsNeitherItsConnectionNorOthers) {
    start();
    const auto instance = directory.instance();
    std::optional<platform::Lock> decision = service::decide(*instance).value();
    auto waiting = bound();
    waiting.request(50, backup_context, wire::BackupPrepare::opnum,
                    wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}));
    waiting.request(51, backup_context, wire::BackupPing::opnum, {});
    EXPECT_EQ(rpc::split_fragment(*waiting.next()).value().header.call_id, 51u);
    expect_alive();
    decision.reset();
    const auto answer = waiting.answer();
    ASSERT_TRUE(answer.stub);
    EXPECT_EQ(wire::decode<wire::BackupPrepare::Reply>(*answer.stub).value().status, S_OK);
}

// More than are run or kept at once: what is too much is not read yet.
TEST_F(ServerTest, AnswersAHundredCallsSentAtOnce) {
    start();
    auto client = bound();
    for (std::uint32_t id = 100; id < 200; ++id)
        client.request(id, backup_context, wire::BackupPing::opnum, {});
    std::set<std::uint32_t> answered;
    for (int i = 0; i < 100; ++i) {
        const auto reply = client.next();
        ASSERT_TRUE(reply);
        const auto fragment = rpc::split_fragment(*reply).value();
        EXPECT_EQ(fragment.header.type, PduType::response);
        answered.insert(fragment.header.call_id);
    }
    EXPECT_EQ(answered.size(), 100u);
}

// --- sessions and groups

// Whether a backup of the live files can begin: it cannot while another one's session lives.
Code try_backup(RawClient& client) { return client.prepare_backup().status; }

void wait_until_backup_is_free(const std::string& address) {
    for (int i = 0; i < 1000; ++i) {
        RawClient client(address);
        client.bind();
        if (try_backup(client) == S_OK) return;
        std::this_thread::sleep_for(10ms);
    }
    FAIL() << "the session was not run down";
}

TEST_F(ServerTest, RunsTheSessionsOfAVanishedClientDown_END3) {
    start();
    auto second = bound();
    {
        auto first = bound();
        ASSERT_EQ(try_backup(first), S_OK);
        EXPECT_EQ(try_backup(second), static_cast<Code>(hrBackupInProgress));
    }
    wait_until_backup_is_free(address());
}

TEST_F(ServerTest, SharesTheHandlesInAGroupUntilItsLastConnectionEnds) {
    start();
    std::optional<RawClient> first(bound());
    const auto prepared = first->prepare_backup();
    ASSERT_EQ(prepared.status, S_OK);
    const Bytes names = wire::encode(wire::SessionRequest{prepared.session});
    const auto status_of_names = [&](RawClient& client) {
        const auto answer = client.call(backup_context, wire::BackupGetDatabaseNames::opnum, names);
        return answer.stub ? wire::decode<wire::ListReply>(*answer.stub).value().status : -1;
    };
    {
        RawClient second(address());
        ASSERT_EQ(second.bind(first->group()), PduType::bind_ack);
        EXPECT_EQ(second.group(), first->group());
        first.reset();
        EXPECT_EQ(status_of_names(second), S_OK);
        auto stranger = bound();
        EXPECT_EQ(status_of_names(stranger), ERROR_INVALID_PARAMETER) << "not of its group";
    }
    wait_until_backup_is_free(address());
}

TEST_F(ServerTest, RefusesAGroupThatIsNot) {
    start();
    RawClient client(address());
    EXPECT_EQ(client.bind(4711), PduType::bind_nak);
    EXPECT_FALSE(client.next());
}

TEST_F(ServerTest, SendsNoAnswerToAnOrphanedCall) {
    start();
    const auto instance = directory.instance();
    std::optional<platform::Lock> decision = service::decide(*instance).value();
    auto client = bound();
    client.request(60, backup_context, wire::BackupPrepare::opnum,
                   wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}));
    client.send(rpc::encode({PduType::orphaned, rpc::only_fragment, 60}));
    client.request(61, backup_context, wire::BackupPing::opnum, {});
    EXPECT_EQ(rpc::split_fragment(*client.next()).value().header.call_id, 61u);
    decision.reset();
    client.request(62, backup_context, wire::BackupPrepare::opnum,
                   wire::encode(wire::BackupPrepare::Request{u"", 0, 99}));
    EXPECT_EQ(rpc::split_fragment(*client.next()).value().header.call_id, 62u);
}

// The token of a backup.
std::optional<wire::Bytes> backed_up(RawClient& client) {
    auto backup = client.prepare_backup();
    client.call(backup_context, wire::BackupEnd::opnum,
                wire::encode(wire::SessionRequest{backup.session}));
    return std::move(backup.token);
}

// A registered restore, ready for its Complete.
wire::ContextHandle registered(RawClient& client, const service::BackupDirectory& directory,
                               const std::optional<wire::Bytes>& token) {
    const auto prepared = client.call(restore_context, wire::RestorePrepare::opnum,
                                      wire::encode(wire::RestorePrepare::Request{u"", 0, token}));
    const auto session =
        wire::decode<wire::RestorePrepare::Reply>(prepared.stub.value()).value().session;
    const std::u16string folder = directory.config.directory.log_path;
    const std::u16string database = directory.config.directory.database;
    const auto done =
        client.call(restore_context, wire::RestoreRegister::opnum,
                    wire::encode(wire::RestoreRegister::Request{session,
                                                                folder,
                                                                folder,
                                                                {{database, database}},
                                                                wire_path(directory.snapshot()),
                                                                0,
                                                                0}));
    EXPECT_EQ(wire::decode<wire::StatusReply>(done.stub.value()).value().status, S_OK);
    return session;
}

Code status_of(const RawClient::Answer& answer) {
    if (!answer.stub) return static_cast<Code>(hrCommunicationError);
    return wire::decode<wire::StatusReply>(*answer.stub).value().status;
}

TEST_F(ServerTest, CancelsTheVerificationOfOneCallAndOfNoOther_COM11) {
    start();
    auto client = bound();
    const auto session = registered(client, directory, backed_up(client));
    const Bytes complete = wire::encode(wire::RestoreRegisterComplete::Request{session, S_OK});
    const auto send_part = [&](std::uint8_t flags, std::span<const std::byte> part) {
        client.send(rpc::encode(
            {PduType::request, flags, 900},
            rpc::Request{0, restore_context, wire::RestoreRegisterComplete::opnum, std::nullopt},
            part));
    };
    // The cancel comes before the request is whole: so it surely comes before the reply.
    send_part(rpc::first_fragment, std::span(complete).first(8));
    client.send(rpc::encode({PduType::co_cancel, rpc::only_fragment, 900}));
    send_part(rpc::last_fragment, std::span(complete).subspan(8));
    EXPECT_EQ(status_of(client.answer()), ERROR_OPERATION_ABORTED);
    EXPECT_EQ(
        status_of(client.call(restore_context, wire::RestoreRegisterComplete::opnum, complete)),
        S_OK);
}

TEST_F(ServerTest, HoldsBackAClientThatCallsAheadOfItsAnswers) {
    limits.calls_of_connection = 1;
    limits.waiting_of_connection = 2;
    limits.association.calls = 8; // above, it would be hung up on
    start();
    std::optional<platform::Lock> decision = service::decide(*directory.instance()).value();
    auto client = bound();
    client.request(70, backup_context, wire::BackupPrepare::opnum,
                   wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}));
    constexpr std::uint32_t pings = 100;
    for (std::uint32_t i = 1; i <= pings; ++i)
        client.request(70 + i, backup_context, wire::BackupPing::opnum, {});
    expect_alive();
    decision.reset();
    for (std::uint32_t i = 0; i <= pings; ++i) ASSERT_TRUE(client.answer().stub) << i;
}

// --- stopping

TEST_F(ServerTest, StopsWithoutWaitingForTheRefusedToHangUp) {
    limits.linger = 1h;
    start();
    RawClient refused(address());
    refused.request(1, backup_context, wire::BackupPing::opnum, {}); // before any bind
    while (refused.next()) {
    }
    const auto begun = std::chrono::steady_clock::now();
    server->stop(60s);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s);
}

TEST_F(ServerTest, StopsAfterItHasAnsweredTheRunningCalls) {
    start();
    const auto instance = directory.instance();
    std::optional<platform::Lock> decision = service::decide(*instance).value();
    auto client = bound();
    auto idle = bound();
    client.request(70, backup_context, wire::BackupPrepare::opnum,
                   wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}));
    // Answered while the other call runs: so that one has begun.
    client.request(71, backup_context, wire::BackupPing::opnum, {});
    EXPECT_EQ(rpc::split_fragment(*client.next()).value().header.call_id, 71u);
    auto stopped = std::async(std::launch::async, [&] { server->stop(60s); });
    EXPECT_EQ(idle.next_type(), PduType::shutdown);
    EXPECT_FALSE(idle.next());
    decision.reset();
    EXPECT_TRUE(client.answer().stub);
    EXPECT_EQ(client.next_type(), PduType::shutdown);
    EXPECT_FALSE(client.next());
    stopped.get();
    EXPECT_FALSE(platform::Socket::connect(platform::split_address(address()).value(), 5s));
}

// Who reads a database waits, until it is opened.
class ClosedDatabase {
public:
    ClosedDatabase() {
        readers = 0;
        closed = true;
        platform::set_read_hook([](platform::ReadOperation operation, const platform::Path& path,
                                   std::uint64_t) -> Code {
            if (operation != platform::ReadOperation::read || path.filename() != "ntds.dit")
                return 0;
            ++readers;
            while (closed) std::this_thread::sleep_for(1ms);
            return 0;
        });
    }
    ~ClosedDatabase() {
        open();
        platform::set_read_hook(nullptr);
    }
    ClosedDatabase(const ClosedDatabase&) = delete;
    ClosedDatabase& operator=(const ClosedDatabase&) = delete;
    static void open() { closed = false; }
    static void wait_for_a_reader() {
        while (readers == 0) std::this_thread::sleep_for(1ms);
    }

private:
    inline static std::atomic<unsigned> readers{0};
    inline static std::atomic<bool> closed{false};
};

// stop_timeout_s has passed: a verification ends early, and has unblocked nothing.
TEST_F(ServerTest, StopsAVerificationThatTakesLongerThanItWaits_CMPL4) {
    start();
    auto client = bound();
    auto idle = bound();
    const auto token = backed_up(client);
    const Bytes complete = wire::encode(
        wire::RestoreRegisterComplete::Request{registered(client, directory, token), S_OK});
    std::optional<ClosedDatabase> database(std::in_place);
    client.request(80, restore_context, wire::RestoreRegisterComplete::opnum, complete);
    ClosedDatabase::wait_for_a_reader();
    auto stopped = std::async(std::launch::async, [&] { server->stop(0s); });
    EXPECT_EQ(idle.next_type(), PduType::shutdown);
    EXPECT_FALSE(idle.next());
    // By then the verification is cancelled; it sees that once it may read on.
    EXPECT_EQ(stopped.wait_for(1500ms), std::future_status::timeout) << "its answer is waited for";
    database.reset();
    EXPECT_EQ(status_of(client.answer()), ERROR_OPERATION_ABORTED);
    stopped.get();
    const auto left = service::interlock_status(*directory.instance()).value();
    ASSERT_TRUE(left.record);
    EXPECT_EQ(left.record->state, service::RecordState::registered);
    EXPECT_FALSE(left.restore_session_alive);
    EXPECT_TRUE(left.start_blocked);
    // A service that comes later takes the restore over, and completes it.
    start();
    auto later = bound();
    const auto session = registered(later, directory, token);
    EXPECT_EQ(
        status_of(later.call(restore_context, wire::RestoreRegisterComplete::opnum,
                             wire::encode(wire::RestoreRegisterComplete::Request{session, S_OK}))),
        S_OK);
    EXPECT_EQ(service::interlock_status(*directory.instance()).value().record->state,
              service::RecordState::completed);
}

// --- metrics

TEST_F(ServerTest, TellsItsFigures) {
    directory.config.service.metrics = "127.0.0.1:0";
    start();
    bound().ping();
    const std::string page = ask_metrics("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(page.substr(0, 15), "HTTP/1.1 200 OK");
    EXPECT_NE(page.find("\nntdsb_calls_total{operation=\"BackupPing\",outcome=\"success\"} 1\n"),
              std::string::npos)
        << page;
    EXPECT_EQ(ask_metrics("GET / HTTP/1.0\r\n\r\n").substr(0, 12), "HTTP/1.1 404");
    EXPECT_EQ(ask_metrics(std::string(5000, 'x')).substr(0, 12), "HTTP/1.1 431");
}

TEST_F(ServerTest, WaitsForAnAskerForFiguresOnlySoLong) {
    directory.config.service.metrics = "127.0.0.1:0";
    limits.metrics_request = 200ms;
    start();
    auto silent =
        platform::Socket::connect(platform::split_address(server->metrics_address()).value(), 30s)
            .value();
    silent.set_read_deadline(std::chrono::steady_clock::now() + 30s);
    std::array<std::byte, 100> buffer;
    const auto heard = silent.read_some(buffer, {});
    ASSERT_FALSE(heard);
    EXPECT_EQ(heard.error().what.find("timed out"), std::string::npos) << heard.error().what;
}

TEST_F(ServerTest, ServesOnlySomeAskersForFiguresAtOnce) {
    directory.config.service.metrics = "127.0.0.1:0";
    limits.metrics_requests = 3;
    limits.metrics_request = 1h;
    start();
    const auto where = platform::split_address(server->metrics_address()).value();
    std::vector<platform::Socket> silent;
    for (int i = 0; i < 3; ++i) silent.push_back(platform::Socket::connect(where, 30s).value());
    std::array<std::byte, 100> buffer;
    auto one_more = platform::Socket::connect(where, 30s).value();
    one_more.set_read_deadline(std::chrono::steady_clock::now() + 30s);
    const auto heard = one_more.read_some(buffer, {});
    ASSERT_FALSE(heard);
    EXPECT_EQ(heard.error().what.find("timed out"), std::string::npos) << heard.error().what;
    silent.clear();
    for (int i = 0; i < 1000; ++i) {
        if (ask_metrics("GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 OK")) return;
        std::this_thread::sleep_for(10ms);
    }
    FAIL() << "those who have gone are still counted";
}

} // namespace
} // namespace ntdsb::server
