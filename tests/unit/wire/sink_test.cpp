// The sinks and the reply of BackupRead: boundaries, limits and replies that lie.
#include "messages.h"
#include "wire/read_reply.h"

#include <gtest/gtest.h>

namespace ntdsb::wire {

namespace {

Bytes counting(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + 1);
    return bytes;
}

Bytes collected(const BufferSink& sink) { return Bytes(sink.bytes().begin(), sink.bytes().end()); }

// A whole reply with `data` and the given end.
Bytes reply(std::uint32_t max, const Bytes& data, Code status = 0) {
    BufferSink sink(1 << 20);
    ReadReplyWriter writer(sink);
    EXPECT_TRUE(writer.begin(max, static_cast<std::uint32_t>(data.size())));
    if (!data.empty()) {
        const auto memory = writer.lend(data.size());
        EXPECT_EQ(memory.size(), data.size());
        std::copy(data.begin(), data.end(), memory.begin());
        writer.commit(memory.size());
    }
    EXPECT_TRUE(writer.finish(status));
    return collected(sink);
}

void expect_bad(const Result<ReadReplySink::Outcome>& outcome) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, RPC_X_BAD_STUB_DATA);
}

} // namespace

TEST(BufferSink, CollectsUpToItsLimitAndNoFurther) {
    BufferSink sink(10);
    EXPECT_TRUE(sink.write(counting(6)));
    EXPECT_TRUE(sink.lend(5).empty());
    EXPECT_EQ(sink.lend(4).size(), 4u);
    const auto refused = sink.write(counting(5));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, RPC_X_BAD_STUB_DATA);
    EXPECT_EQ(collected(sink), counting(6));
}

TEST(BufferSink, TakesOnlyWhatIsCommitted) {
    BufferSink sink(10);
    const auto memory = sink.lend(8);
    std::fill(memory.begin(), memory.end(), std::byte{9});
    sink.commit(3);
    EXPECT_EQ(collected(sink), Bytes(3, std::byte{9}));
    EXPECT_TRUE(sink.write({}));
    EXPECT_EQ(sink.bytes().size(), 3u);
}

TEST(ReadReply, LendsTheCallersBufferToTheBytes) { // design point 5
    Bytes buffer(8);
    ReadReplySink sink(buffer);
    const auto stub = reply(8, counting(8));
    EXPECT_TRUE(sink.write(std::span(stub).first(12)));
    EXPECT_EQ(sink.lend(100).data(), buffer.data());
    EXPECT_EQ(sink.lend(100).size(), 8u);
    EXPECT_TRUE(sink.write(std::span(stub).subspan(12)));
    EXPECT_EQ(buffer, counting(8));
    EXPECT_EQ(sink.outcome().value().count, 8u);
    EXPECT_EQ(sink.outcome().value().status, 0);
}

TEST(ReadReply, ComesInPiecesOfAnySize) {
    for (std::size_t size = 0; size <= 9; ++size) {
        const auto stub = reply(16, counting(size));
        for (std::size_t piece = 1; piece <= stub.size(); ++piece) {
            Bytes buffer(16);
            ReadReplySink sink(buffer);
            for (std::size_t at = 0; at < stub.size(); at += piece) {
                ASSERT_TRUE(
                    sink.write(std::span(stub).subspan(at, std::min(piece, stub.size() - at))));
            }
            ASSERT_TRUE(sink.outcome()) << sink.outcome().error().what;
            EXPECT_EQ(sink.outcome().value().count, size);
            buffer.resize(size);
            EXPECT_EQ(buffer, counting(size));
        }
    }
}

TEST(ReadReply, PassesThroughTheSinkItself) {
    Bytes buffer(8);
    ReadReplySink sink(buffer);
    ReadReplyWriter writer(sink);
    ASSERT_TRUE(writer.begin(8, 5));
    const auto memory = writer.lend(100);
    EXPECT_EQ(memory.data(), buffer.data());
    EXPECT_EQ(memory.size(), 5u);
    std::fill(memory.begin(), memory.end(), std::byte{'x'});
    writer.commit(5);
    EXPECT_TRUE(writer.lend(1).empty());
    ASSERT_TRUE(writer.finish(0));
    EXPECT_EQ(sink.outcome().value().count, 5u);
}

TEST(ReadReply, ThatFailsMidwayIsFilledWithZerosAndTellsOfNoBytes) {
    Bytes buffer(8, std::byte{0xff});
    ReadReplySink sink(buffer);
    ReadReplyWriter writer(sink);
    ASSERT_TRUE(writer.begin(8, 7));
    writer.lend(7)[0] = std::byte{'x'};
    writer.commit(1);
    ASSERT_TRUE(writer.finish(23));
    EXPECT_EQ(sink.outcome().value().count, 0u);
    EXPECT_EQ(sink.outcome().value().status, 23);
    EXPECT_EQ(buffer[6], std::byte{});
    EXPECT_EQ(buffer[7], std::byte{0xff});
}

TEST(ReadReply, LargerThanTheBufferIsRefusedUnwritten) {
    Bytes buffer(4, std::byte{0xee});
    ReadReplySink sink(buffer);
    EXPECT_FALSE(sink.write(reply(8, counting(5))));
    expect_bad(sink.outcome());
    EXPECT_EQ(buffer, Bytes(4, std::byte{0xee}));
}

TEST(ReadReply, WithACountAboveItsMaximumIsRefused) {
    Bytes buffer(8);
    ReadReplySink sink(buffer);
    EXPECT_FALSE(sink.write(reply(4, counting(5))));
    expect_bad(sink.outcome());
}

TEST(ReadReply, WithAMaximumAboveTheLimitIsRefused) {
    Bytes buffer(8);
    ReadReplySink sink(buffer);
    EXPECT_FALSE(sink.write(reply(max_read_bytes + 1, counting(5))));
    expect_bad(sink.outcome());
}

TEST(ReadReply, WithAnOffsetIsRefused) {
    auto stub = reply(8, counting(4));
    stub[4] = std::byte{1};
    Bytes buffer(8);
    ReadReplySink sink(buffer);
    EXPECT_FALSE(sink.write(stub));
    expect_bad(sink.outcome());
}

TEST(ReadReply, WhoseTwoCountsDifferIsRefused) {
    auto stub = reply(8, counting(4));
    stub[16] = std::byte{3};
    Bytes buffer(8);
    ReadReplySink sink(buffer);
    EXPECT_TRUE(sink.write(stub));
    expect_bad(sink.outcome());
}

TEST(ReadReply, ThatTellsOfBytesBesideAFailureIsRefused) {
    auto stub = reply(8, counting(4));
    stub[20] = std::byte{23};
    Bytes buffer(8);
    ReadReplySink sink(buffer);
    EXPECT_TRUE(sink.write(stub));
    expect_bad(sink.outcome());
}

TEST(ReadReply, CutOffOrTooLongIsRefused) {
    const auto stub = reply(8, counting(5));
    for (std::size_t size = 0; size < stub.size(); ++size) {
        Bytes buffer(8);
        ReadReplySink sink(buffer);
        EXPECT_TRUE(sink.write(std::span(stub).first(size)));
        expect_bad(sink.outcome());
    }
    Bytes buffer(8);
    ReadReplySink sink(buffer);
    EXPECT_TRUE(sink.write(stub));
    EXPECT_TRUE(sink.outcome());
    EXPECT_FALSE(sink.write(counting(1)));
    expect_bad(sink.outcome());
}

TEST(ReadReply, WriterSaysWhenItsReceiverTakesNoMore) {
    BufferSink sink(14);
    ReadReplyWriter writer(sink);
    ASSERT_TRUE(writer.begin(8, 5));
    const auto finished = writer.finish(0);
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, RPC_X_BAD_STUB_DATA);
}

TEST(Interfaces, HaveTheirPublishedIdentities) { // design point 6
    const auto hex = [](const Uuid& uuid) {
        std::string result;
        for (const auto octet : uuid) {
            result += "0123456789abcdef"[octet >> 4];
            result += "0123456789abcdef"[octet & 15];
        }
        return result;
    };
    EXPECT_EQ(hex(restore_interface_uuid), "8c3cfea895687d42a91c95cc81b46064");
    EXPECT_EQ(hex(backup_interface_uuid), "5909c8fb7d3ce44ab3ed4afb9ec73267");
}

} // namespace ntdsb::wire
