// Replies longer than the buffers between server and client hold, to clients that do not take them:
// what waits, for how long, and how it ends (server/connection.h, server/reply_stream.h).
#include "server_fixture.h"

#include "rpc/fault_status.h"
#include "support/big_database.h"

#include <fstream>
#include <thread>

namespace ntdsb::server {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t long_read = 12 << 20;
constexpr std::uint32_t the_read = 90;

class LongReply : public ServerTest {
protected:
    LongReply() {
        test::write_big_database(directory.database(), long_read);
        directory.config.directory.verify = VerifyLevel::off;
        directory.config.service.metrics = "127.0.0.1:0";
        limits.unsent = 65536;
    }

    // A bound client, whose read of the whole database has begun and stands still.
    RawClient stalled() {
        RawClient client = reader();
        client.request(the_read, backup_context, wire::BackupRead::opnum,
                       wire::encode(wire::BackupRead::Request{session, long_read}));
        std::string before;
        for (std::string now = sent(); now != before || before.size() < 7; now = sent()) {
            before = now;
            std::this_thread::sleep_for(100ms);
        }
        return client;
    }
    // A bound client that has opened the database.
    RawClient reader() {
        RawClient client = bound();
        session = client.prepare_backup().session;
        const auto opened = client.call(backup_context, wire::BackupOpenFile::opnum,
                                        wire::encode(wire::BackupOpenFile::Request{
                                            session, directory.config.directory.database, 0}));
        EXPECT_EQ(wire::decode<wire::BackupOpenFile::Reply>(opened.stub.value()).value().size,
                  long_read);
        return client;
    }
    // Of a request that does not end.
    static void send_parts(RawClient& to, std::size_t octets) {
        const Bytes part(5'760);
        for (std::size_t sent = 0; sent < octets; sent += part.size())
            to.send(rpc::encode({PduType::request,
                                 static_cast<std::uint8_t>(sent == 0 ? rpc::first_fragment : 0), 7},
                                rpc::Request{0, backup_context, wire::BackupPing::opnum, {}},
                                part));
    }
    // A client of which the server holds so many octets of such a request.
    RawClient stalled_request(std::size_t octets) const {
        RawClient client = bound();
        send_parts(client, octets);
        for (int i = 0; i < 1000 && held() <= octets; ++i) std::this_thread::sleep_for(10ms);
        return client;
    }
    std::string sent() const { return figure("ntdsb_sent_bytes_total "); }
    std::string figure(const std::string& name) const {
        const std::string page = ask_metrics("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        const auto at = page.find("\n" + name) + 1 + name.size();
        return page.substr(at, page.find('\n', at) - at);
    }
    // While the client still takes nothing.
    void expect_no_call_runs() const {
        const std::string running = "ntdsb_calls_running ";
        for (int i = 0; i < 1000 && figure(running) != "0"; ++i) std::this_thread::sleep_for(10ms);
        EXPECT_EQ(figure(running), "0") << "a reply keeps a thread and its session";
    }
    std::size_t held() const { return std::stoul(figure("ntdsb_held_bytes ")); }
    void expect_held_at_most(std::size_t octets) const {
        for (int i = 0; i < 1000 && held() > octets; ++i) std::this_thread::sleep_for(10ms);
        EXPECT_LE(held(), octets);
    }
    // Takes the stub of the read's reply, up to its end, to a fault or to another call's answer.
    Bytes take(RawClient& client) {
        Bytes stub;
        while (const auto octets = client.next()) {
            const auto fragment = rpc::split_fragment(*octets).value();
            if (fragment.header.call_id != the_read) break;
            if (fragment.header.type == PduType::fault) {
                fault = rpc::decode_fault(fragment.body).value().status;
                break;
            }
            EXPECT_EQ(fragment.header.type, PduType::response);
            const auto part = rpc::decode_response(fragment).value().stub;
            stub.insert(stub.end(), part.begin(), part.end());
            if (fragment.header.flags & rpc::last_fragment) break;
        }
        return stub;
    }
    void expect_whole(const Bytes& stub) const {
        std::ifstream in(directory.database(), std::ios::binary);
        const std::string there{std::istreambuf_iterator<char>(in), {}};
        ASSERT_EQ(stub.size(), 12 + there.size() + 8);
        EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(there)),
                                       std::span(stub).subspan(12, there.size())));
        EXPECT_TRUE(std::ranges::all_of(std::span(stub).last(4), [](std::byte octet) {
            return octet == std::byte{};
        })) << "its status is S_OK";
    }
    Bytes read_piece(RawClient& client, std::uint32_t size) {
        client.request(the_read, backup_context, wire::BackupRead::opnum,
                       wire::encode(wire::BackupRead::Request{session, size}));
        return take(client);
    }

    wire::ContextHandle session; // of the read
    std::uint32_t fault = 0;     // its end, where that is none

    // Only once the vanished client's session has ended can another one begin.
    void expect_session_ends() const {
        for (int i = 0; i < 1000; ++i) {
            if (bound().prepare_backup().status == S_OK) return;
            std::this_thread::sleep_for(10ms);
        }
        FAIL() << "the session was not run down";
    }
};

TEST_F(LongReply, WaitsForItsClientAndHoldsUpNobodyElse) {
    start();
    RawClient client = stalled();
    expect_no_call_runs();
    EXPECT_LT(std::stoul(sent()), long_read);
    for (int i = 0; i < 20; ++i) expect_alive();
    EXPECT_GT(held(), 65536u);
    expect_whole(take(client));
    EXPECT_TRUE(client.ping().stub);
    expect_held_at_most(0);
}

TEST_F(LongReply, EndsAsTooBusyWhereAllTogetherHoldTooMuch) {
    limits.held = 1 << 20;
    start();
    RawClient client = stalled();
    EXPECT_LT(held(), limits.held + 100'000);
    expect_alive();
    EXPECT_LT(take(client).size(), long_read);
    EXPECT_EQ(fault, rpc::nca_server_too_busy);
    expect_held_at_most(0);
    // The read has not been: the next one begins where it began.
    constexpr std::uint32_t piece = 500'000;
    const Bytes begin = read_piece(client, piece);
    std::ifstream in(directory.database(), std::ios::binary);
    std::string there(piece, 0);
    in.read(there.data(), piece);
    ASSERT_GT(begin.size(), 12 + piece);
    EXPECT_TRUE(
        std::ranges::equal(std::as_bytes(std::span(there)), std::span(begin).subspan(12, piece)));
}

TEST_F(LongReply, RequestsThatAreNotWholeAreHeldAsWell) {
    limits.held = 1 << 20;
    start();
    RawClient other = bound();
    {
        const RawClient much = stalled_request(limits.held);
        send_parts(other, 131'072);
        EXPECT_EQ(other.answer().fault, rpc::nca_remote_no_memory);
        // Who takes answers as they are made is served, also where little is left of one for the
        // last fragment, which the one before waits for.
        RawClient prompt = reader();
        constexpr std::uint32_t size = 11 * 5816 + 80;
        EXPECT_EQ(read_piece(prompt, size).size(), 12 + size + 8);
        EXPECT_EQ(fault, 0u);
        expect_alive();
    }
    expect_held_at_most(0);
    RawClient third = bound();
    send_parts(third, 131'072);
    third.request(8, backup_context, wire::BackupPing::opnum, {});
    EXPECT_TRUE(third.answer().stub) << "nothing is refused any more";
}

TEST_F(LongReply, WhileAllHoldTooMuchTheClientOfARunningCallIsHeard) {
    limits.held = 1 << 20;
    limits.fragment = 1s;
    start();
    RawClient waiting = bound();
    const auto instance = directory.instance();
    std::optional<platform::Lock> decision = service::decide(*instance).value();
    waiting.request(40, backup_context, wire::BackupPrepare::opnum,
                    wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}));
    {
        const RawClient much = stalled_request(limits.held);
        waiting.request(41, backup_context, wire::BackupPing::opnum, {});
        EXPECT_EQ(rpc::split_fragment(*waiting.next()).value().header.call_id, 41u)
            << "what comes behind a call that runs is read";
        expect_held_at_most(1000); // also a request must come whole in time
    }
    decision.reset();
    EXPECT_TRUE(waiting.answer().stub);
}

TEST_F(LongReply, TakesNoOtherCallsThread) {
    limits.calls = 1;
    start();
    RawClient client = stalled();
    client.request(91, backup_context, wire::BackupPing::opnum, {});
    for (int i = 0; i < 20; ++i) expect_alive();
    expect_whole(take(client));
    EXPECT_TRUE(client.next()) << "the answer of the call behind it";
    EXPECT_TRUE(client.ping().stub);
}

TEST_F(LongReply, LeavesItsSessionFreeForItsGroupsOtherConnections) {
    start();
    RawClient client = stalled();
    RawClient other(address());
    ASSERT_EQ(other.bind(client.group()), PduType::bind_ack);
    const auto closed = other.call(backup_context, wire::BackupClose::opnum,
                                   wire::encode(wire::SessionRequest{session}));
    ASSERT_TRUE(closed.stub) << std::hex << closed.fault;
    EXPECT_EQ(wire::decode<wire::StatusReply>(*closed.stub).value().status, S_OK);
    expect_whole(take(client));
}

TEST_F(LongReply, EndsWithAClientThatVanishes_END3) {
    start();
    { const RawClient gone = stalled(); }
    expect_session_ends();
}

TEST_F(LongReply, EndsWithAClientThatTakesNothing) {
    limits.unread = 300ms;
    start();
    RawClient client = stalled();
    expect_session_ends();
    EXPECT_LT(take(client).size(), long_read);
}

TEST_F(LongReply, IsWholeAlsoIfItsCallIsCancelledOrOrphanedMeanwhile) {
    for (const PduType type : {PduType::co_cancel, PduType::orphaned}) {
        start();
        RawClient client = stalled();
        client.send(rpc::encode({type, rpc::only_fragment, the_read}));
        expect_whole(take(client));
        EXPECT_TRUE(client.ping().stub);
        server.reset();
    }
}

TEST_F(LongReply, DoesNotKeepTheServiceFromStopping) {
    start();
    const RawClient client = stalled();
    const auto begun = std::chrono::steady_clock::now();
    server->stop(0s);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, limits.unread / 2);
}

} // namespace
} // namespace ntdsb::server
