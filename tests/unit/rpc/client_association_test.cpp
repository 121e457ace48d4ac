// The client's side of an association (rpc/client_association.h) against a scripted server, and
// against our own.
#include "rpc/client_association.h"

#include "rpc/fault_status.h"
#include "rpc/server_association.h"
#include "rpc_test_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <new>
#include <utility>

namespace ntdsb::rpc {
namespace {

constexpr std::uint16_t longest = 5840;
constexpr auto communication_error = static_cast<Code>(hrCommunicationError);
constexpr auto could_not_connect = static_cast<Code>(hrCouldNotConnect);

// What the client wrote, and what it shall read; an empty queue is a peer that hung up.
struct Line {
    std::vector<Bytes> written;
    std::deque<std::byte> readable;
    std::function<void(const Bytes&)> on_write;
    bool cut = false;
    std::function<void()> on_read;
    unsigned written_at_once = 0;
};

class LineStream final : public Stream {
public:
    explicit LineStream(Line& line) : line_(line) {}
    Result<void> write(std::span<const std::byte> sent) override {
        if (line_.cut) return fail(ERROR_BROKEN_PIPE, "the line is cut");
        line_.written.emplace_back(sent.begin(), sent.end());
        if (line_.on_write) line_.on_write(line_.written.back());
        return ok();
    }
    Result<void> write_at_once(std::span<const std::byte> sent) override {
        ++line_.written_at_once;
        return write(sent);
    }
    Result<void> read(std::span<std::byte> into) override {
        if (line_.on_read) std::exchange(line_.on_read, nullptr)();
        if (line_.readable.size() < into.size()) return fail(ERROR_BROKEN_PIPE, "the peer hung up");
        for (std::byte& octet : into) {
            octet = line_.readable.front();
            line_.readable.pop_front();
        }
        return ok();
    }

private:
    Line& line_;
};

class Client : public testing::Test {
protected:
    void say(const Bytes& sent) {
        line.readable.insert(line.readable.end(), sent.begin(), sent.end());
    }
    void accept() {
        say(encode({PduType::bind_ack, only_fragment, 1},
                   BindAck{5840, 2000, 7, "1", {{ContextOutcome::accepted, 0, ndr_syntax}}}));
    }
    Result<std::unique_ptr<ClientAssociation>> try_bind() {
        return ClientAssociation::bind(std::make_unique<LineStream>(line), backup_interface,
                                       longest);
    }
    std::unique_ptr<ClientAssociation> bound() {
        accept();
        auto client = try_bind();
        EXPECT_TRUE(client) << client.error().what;
        line.written.clear();
        return std::move(client).value();
    }
    static Bytes response(std::uint8_t flags, std::string_view stub, std::uint32_t id = 2) {
        return encode({PduType::response, flags, id}, Response{}, octets(stub));
    }
    Line line;
    wire::BufferSink sink{1000};
};

TEST_F(Client, BindsToOneInterfaceWithNdr) {
    accept();
    ASSERT_TRUE(try_bind());
    const Fragment sent = split_fragment(line.written.at(0)).value();
    EXPECT_EQ(sent.header.type, PduType::bind);
    EXPECT_EQ(decode_bind(sent.body).value(),
              (Bind{longest, longest, 0, {{0, backup_interface, {ndr_syntax}}}}));
}

TEST_F(Client, RefusedBindCouldNotConnect) { // COM-7
    say(encode({PduType::bind_nak, only_fragment, 1},
               BindNak{BindRejection::temporary_congestion}));
    EXPECT_EQ(try_bind().error().code, could_not_connect);
    line.readable.clear();
    say(encode({PduType::bind_ack, only_fragment, 1},
               BindAck{5840,
                       5840,
                       7,
                       "1",
                       {{ContextOutcome::provider_rejected, reason_abstract_syntax, {}}}}));
    const auto refused = try_bind();
    EXPECT_EQ(refused.error().code, could_not_connect);
    EXPECT_NE(refused.error().what.find("does not offer this interface"), std::string::npos);
}

TEST_F(Client, AnythingElseInAnswerToABindIsNoConnection) {
    const std::vector<Bytes> answers{
        {},
        octets("HTTP/1.1 400 Bad Request\r\n"),
        encode({PduType::response, only_fragment, 1}, Response{}, {}),
        encode({PduType::bind_ack, only_fragment, 1}, BindAck{5840, 5840, 7, "1", {}}),
        encode({PduType::bind_ack, only_fragment, 1}),
    };
    for (const Bytes& answer : answers) {
        line.readable.clear();
        say(answer);
        EXPECT_EQ(try_bind().error().code, communication_error);
    }
}

TEST_F(Client, RequestIsCutToWhatTheServerReceives) {
    const auto client = bound();
    Bytes request(5000);
    for (std::size_t i = 0; i < request.size(); ++i) request[i] = static_cast<std::byte>(i & 0xff);
    say(response(only_fragment, "done"));
    ASSERT_TRUE(client->call(4, request, sink));
    Bytes joined;
    for (std::size_t i = 0; i < line.written.size(); ++i) {
        EXPECT_LE(line.written[i].size(), 2000u);
        const Fragment fragment = split_fragment(line.written[i]).value();
        EXPECT_EQ(fragment.header.flags, (i == 0 ? first_fragment : 0) |
                                             (i + 1 == line.written.size() ? last_fragment : 0));
        const auto decoded = decode_request(fragment).value();
        EXPECT_EQ(decoded.fixed.opnum, 4);
        joined.insert(joined.end(), decoded.stub.begin(), decoded.stub.end());
    }
    EXPECT_EQ(line.written.size(), 3u);
    EXPECT_EQ(joined, request);
    EXPECT_TRUE(std::ranges::equal(sink.bytes(), octets("done")));
}

TEST_F(Client, ReplyIsPutTogether) {
    const auto client = bound();
    say(response(first_fragment, "one "));
    say(response(0, "two "));
    say(response(last_fragment, "three"));
    ASSERT_TRUE(client->call(4, {}, sink));
    EXPECT_TRUE(std::ranges::equal(sink.bytes(), octets("one two three")));
}

TEST_F(Client, FaultIsItsCodeAndTheConnectionStays) {
    const auto client = bound();
    say(encode({PduType::fault, only_fragment, 2}, Fault{0, 0, 0, 0x1c010002}));
    EXPECT_EQ(client->call(99, {}, sink).error().code, RPC_S_PROCNUM_OUT_OF_RANGE);
    say(response(only_fragment, "still there", 3));
    EXPECT_TRUE(client->call(4, {}, sink));
}

// As Wine's rpcrt4 answers.
TEST_F(Client, AnswerWithTheBindsIdIsTheRunningCalls) {
    const auto client = bound();
    for (int i = 0; i < 2; ++i) {
        say(response(first_fragment, "one ", 1));
        say(response(last_fragment, "two ", 1));
        ASSERT_TRUE(client->call(4, {}, sink));
    }
    EXPECT_TRUE(std::ranges::equal(sink.bytes(), octets("one two one two ")));
    say(encode({PduType::fault, only_fragment, 1}, Fault{0, 0, 0, 0x1c010002}));
    EXPECT_EQ(client->call(99, {}, sink).error().code, RPC_S_PROCNUM_OUT_OF_RANGE);
}

TEST_F(Client, WhatIsNoAnswerBreaksTheConnectionForGood) { // COM-8
    const std::vector<Bytes> answers{
        {},
        octets("rubbish that is longer than one header"),
        response(only_fragment, "of another call", 7),
        response(0, "a middle without a beginning"),
        encode({PduType::bind_ack, only_fragment, 2}, BindAck{}),
        encode({PduType::response, only_fragment, 2}),
        encode({PduType::fault, only_fragment, 2}),
        encode({PduType::shutdown, only_fragment, 2}),
    };
    for (std::size_t i = 0; i < answers.size(); ++i) {
        line.readable.clear();
        const auto client = bound();
        say(answers[i]);
        EXPECT_EQ(client->call(4, {}, sink).error().code, communication_error) << i;
        line.written.clear();
        say(response(only_fragment, "", 3));
        EXPECT_EQ(client->call(4, {}, sink).error().code, communication_error) << i;
        EXPECT_TRUE(line.written.empty()) << "nothing is sent on a broken connection";
    }
}

// What is left of the answer is not taken for the next one's.
TEST_F(Client, OutOfMemoryWithinAnAnswerBreaksTheConnection_COM8) {
    struct Full final : wire::ReplySink {
        std::span<std::byte> lend(std::size_t) override { throw std::bad_alloc(); }
        void commit(std::size_t) override {}
    } full;
    const auto client = bound();
    say(response(only_fragment, "an answer"));
    EXPECT_THROW((void)client->call(4, {}, full), std::bad_alloc);
    line.written.clear();
    say(response(only_fragment, "", 3));
    EXPECT_EQ(client->call(4, {}, sink).error().code, communication_error);
    EXPECT_TRUE(line.written.empty()) << "nothing is sent on a broken connection";
}

TEST_F(Client, ReplyOverTheSinksLimitIsRefused) {
    const auto client = bound();
    say(response(only_fragment, std::string(1001, 'x')));
    EXPECT_EQ(client->call(4, {}, sink).error().code, communication_error);
}

TEST_F(Client, CutLineIsACommunicationError) {
    const auto client = bound();
    line.cut = true;
    EXPECT_EQ(client->call(4, {}, sink).error().code, communication_error);
}

TEST_F(Client, CancelFollowsTheRequestItMeans) { // COM-11
    const auto client = bound();
    client->cancel(); // nothing runs
    EXPECT_TRUE(line.written.empty());
    // While the request is written, and while its answer is awaited.
    line.on_write = [&](const Bytes& sent) {
        if (split_fragment(sent).value().header.type != PduType::request) return;
        client->cancel();
        say(response(only_fragment, ""));
    };
    ASSERT_TRUE(client->call(4, {}, sink));
    ASSERT_EQ(line.written.size(), 2u);
    const Fragment cancelled = split_fragment(line.written[1]).value();
    EXPECT_EQ(cancelled.header.type, PduType::co_cancel);
    EXPECT_EQ(cancelled.header.call_id, 2u);
    client->cancel();
    EXPECT_EQ(line.written.size(), 2u);
}

// Whoever cancels does not wait for a server that reads nothing.
TEST_F(Client, CancelOfAnAwaitedAnswerIsSentAtOnce) { // COM-11
    const auto client = bound();
    say(response(only_fragment, ""));
    line.on_read = [&] { client->cancel(); };
    ASSERT_TRUE(client->call(4, {}, sink));
    EXPECT_EQ(line.written.size(), 2u);
    EXPECT_EQ(line.written_at_once, 1u);
}

TEST_F(Client, CancelIsForTheCallThatBeginsAndForNoLaterOne) { // COM-11
    const auto client = bound();
    line.on_write = [&](const Bytes& sent) {
        const Header header = split_fragment(sent).value().header;
        if (header.type == PduType::request) say(response(only_fragment, "", header.call_id));
    };
    client->cancel(); // its caller has seen that the call runs, which has not sent its request yet
    ASSERT_TRUE(client->call(4, {}, sink));
    ASSERT_EQ(line.written.size(), 2u);
    EXPECT_EQ(split_fragment(line.written[1]).value().header.type, PduType::co_cancel);
    ASSERT_TRUE(client->call(4, {}, sink));
    EXPECT_EQ(line.written.size(), 3u);
}

// --- against our own server

TEST_F(Client, SpeaksWithOurServer) {
    ServerAssociation server(Limits{.fragment = 2048}, {backup_interface}, "49152",
                             [](std::uint32_t) { return 1u; });
    line.on_write = [&](const Bytes& sent) {
        const Step step = server.receive(sent);
        EXPECT_FALSE(step.hang_up) << step.why;
        say(step.send);
        if (!step.call) return;
        if (step.call->opnum == 9)
            say(server.refuse_call(step.call->id, {ERROR_ACCESS_DENIED, ""}));
        else
            say(whole_reply(server, step.call->id, step.call->stub)); // an echo
    };
    const auto client = try_bind().value();
    for (const std::size_t size : {0u, 1u, 8u, 2000u, 2024u, 2025u, 100'000u}) {
        Bytes request(size);
        for (std::size_t i = 0; i < size; ++i) request[i] = static_cast<std::byte>(i * 31 & 0xff);
        wire::BufferSink echo(200'000);
        ASSERT_TRUE(client->call(4, request, echo)) << size;
        EXPECT_TRUE(std::ranges::equal(echo.bytes(), request)) << size;
        EXPECT_EQ(client->call(9, request, echo).error().code, ERROR_ACCESS_DENIED);
    }
}

} // namespace
} // namespace ntdsb::rpc
