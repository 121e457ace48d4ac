// NDR stubs as they come from a client (requests) and from a service (replies), operation by
// operation; the first octet chooses which.
#include "fuzz/fuzz.h"

#include "wire/ndr.h"
#include "wire/read_reply.h"

#include <array>

namespace ntdsb::fuzz {

namespace {

// What decodes encodes to as many octets, and to the same ones once it is in the encoder's form.
template <class Struct>
void round_trip(Input stub) {
    const auto first = wire::decode<Struct>(stub);
    if (!first) {
        FUZZ_CHECK(first.error().code == RPC_X_BAD_STUB_DATA, "a malformed stub has one code");
        FUZZ_CHECK(!first.error().what.empty(), "a malformed stub is said to be one");
        return;
    }
    const auto canonical = wire::encode(first.value());
    // Up to a multiple of four it may be padded (MS-RPCE 2.2.2.13).
    FUZZ_CHECK(stub.size() == canonical.size() || stub.size() == (canonical.size() + 3) / 4 * 4,
               "nothing of a stub is left out or made up");
    const auto again = wire::decode<Struct>(canonical);
    FUZZ_CHECK(bool(again), "what is encoded can be decoded");
    FUZZ_CHECK(wire::encode(again.value()) == canonical, "decoding loses nothing");
}

using Decode = void (*)(Input);

constexpr std::array<Decode, 18> request_round_trips{
    round_trip<wire::IsDirectoryOnline::Request>,
    round_trip<wire::RestorePrepare::Request>,
    round_trip<wire::RestoreRegister::Request>,
    round_trip<wire::RestoreRegisterComplete::Request>,
    round_trip<wire::RestoreGetDatabaseLocations::Request>,
    round_trip<wire::RestoreEnd::Request>,
    round_trip<wire::SetCurrentLogNumber::Request>,
    round_trip<wire::CheckExpiryToken::Request>,
    round_trip<wire::BackupPrepare::Request>,
    round_trip<wire::BackupEnd::Request>,
    round_trip<wire::BackupGetDatabaseNames::Request>,
    round_trip<wire::BackupOpenFile::Request>,
    round_trip<wire::BackupRead::Request>,
    round_trip<wire::BackupClose::Request>,
    round_trip<wire::BackupGetBackupLogs::Request>,
    round_trip<wire::BackupTruncateLogs::Request>,
    round_trip<wire::BackupPing::Request>,
    round_trip<wire::BackupGetDatabaseLocations::Request>,
};

// The reply of BackupRead into a buffer of `room` octets, in pieces of at most `step`.
Result<wire::ReadReplySink::Outcome> receive(Input reply, Octets& buffer, std::size_t step) {
    wire::ReadReplySink sink(buffer);
    bool takes_more = true;
    while (!reply.empty() && takes_more) {
        const auto piece = reply.first(std::min(step, reply.size()));
        takes_more = bool(sink.write(piece));
        reply = reply.subspan(piece.size());
    }
    return sink.outcome();
}

void read_reply(Input input) {
    Reader reader(input);
    const std::size_t room = reader.u16();
    const std::size_t step = 1 + reader.below(32);
    const Input reply = reader.rest();
    Octets whole(room);
    Octets pieces(room);
    const auto at_once = receive(reply, whole, reply.size() + 1);
    const auto by_pieces = receive(reply, pieces, step);
    FUZZ_CHECK(bool(at_once) == bool(by_pieces), "how a reply is cut into pieces changes nothing");
    if (!at_once) {
        FUZZ_CHECK(at_once.error().code == RPC_X_BAD_STUB_DATA, "a malformed reply has one code");
        return;
    }
    const auto& [count, status] = at_once.value();
    FUZZ_CHECK(count == by_pieces.value().count && status == by_pieces.value().status,
               "how a reply is cut into pieces changes nothing");
    FUZZ_CHECK(whole == pieces, "how a reply is cut into pieces changes nothing");
    FUZZ_CHECK(count <= room, "a read never gives more than was asked for");
    FUZZ_CHECK(status == 0 || count == 0, "a failed read gives nothing");
    if (status != 0) return;
    wire::BufferSink written(reply.size());
    wire::ReadReplyWriter writer(written);
    FUZZ_CHECK(bool(writer.begin(static_cast<std::uint32_t>(room), count)), "it has room");
    for (std::size_t done = 0; done < count;) {
        const auto memory = writer.lend(count - done);
        FUZZ_CHECK(!memory.empty(), "it has room");
        std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(done), memory.size(),
                    memory.begin());
        writer.commit(memory.size());
        done += memory.size();
    }
    FUZZ_CHECK(bool(writer.finish(0)), "it has room");
    FUZZ_CHECK(written.bytes().size() == reply.size(), "a reply is written as it was read");
    Octets again(room);
    const auto outcome = receive(written.bytes(), again, reply.size() + 1);
    FUZZ_CHECK(outcome && outcome.value().count == count && again == whole,
               "a reply is written as it was read");
}

constexpr std::array<Decode, 18> replies{
    round_trip<wire::IsDirectoryOnline::Reply>,
    round_trip<wire::RestorePrepare::Reply>,
    round_trip<wire::RestoreRegister::Reply>,
    round_trip<wire::RestoreRegisterComplete::Reply>,
    round_trip<wire::RestoreGetDatabaseLocations::Reply>,
    round_trip<wire::RestoreEnd::Reply>,
    round_trip<wire::SetCurrentLogNumber::Reply>,
    round_trip<wire::CheckExpiryToken::Reply>,
    round_trip<wire::BackupPrepare::Reply>,
    round_trip<wire::BackupEnd::Reply>,
    round_trip<wire::BackupGetDatabaseNames::Reply>,
    round_trip<wire::BackupOpenFile::Reply>,
    read_reply,
    round_trip<wire::BackupClose::Reply>,
    round_trip<wire::BackupGetBackupLogs::Reply>,
    round_trip<wire::BackupTruncateLogs::Reply>,
    round_trip<wire::BackupPing::Reply>,
    round_trip<wire::BackupGetDatabaseLocations::Reply>,
};

} // namespace

void ndr_request(Input input) {
    Reader reader(input);
    const auto decode = request_round_trips[reader.below(request_round_trips.size())];
    decode(exactly(reader.rest()));
}

void ndr_reply(Input input) {
    Reader reader(input);
    const auto decode = replies[reader.below(replies.size())];
    decode(exactly(reader.rest()));
}

} // namespace ntdsb::fuzz
