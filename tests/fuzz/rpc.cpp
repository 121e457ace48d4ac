// DCE/RPC from both ends: the server fed with what a client might send, up to the operations and
// back; the client fed with what a server might answer.
#include "fuzz/fuzz.h"

#include "core/config.h"
#include "rpc/client_association.h"
#include "rpc/fault_status.h"
#include "rpc/server_association.h"
#include "server/dispatch.h"
#include "server/interfaces.h"
#include "wire/ndr.h"
#include "wire/read_reply.h"

#include <algorithm>
#include <deque>

namespace ntdsb::fuzz {

namespace {

// Calls `each` for the fragments that `octets` must consist of.
template <class Each>
void for_each_fragment(Input octets, std::size_t longest, Each each) {
    while (!octets.empty()) {
        const auto frame = rpc::decode_frame(octets, longest);
        FUZZ_CHECK(frame && frame.value(), "what is sent are fragments, none of them too long");
        FUZZ_CHECK(frame.value()->length <= octets.size(), "what is sent are whole fragments");
        const auto fragment = rpc::split_fragment(octets.first(frame.value()->length));
        FUZZ_CHECK(bool(fragment), "what is sent are sound fragments");
        each(fragment.value());
        octets = octets.subspan(frame.value()->length);
    }
}

// --- the server's side

// A service without a directory: every operation is answered, none touches a disk.
ConfigPtr open_to_everybody() {
    static const auto config = [] {
        auto made = std::make_shared<Config>();
        made->service.allow_anonymous = true;
        return made;
    }();
    return config;
}

class Served {
public:
    explicit Served(bool small)
        : limits_(small ? rpc::Limits{2048, 4096, 6000, 3, 4} : rpc::Limits{}),
          group_(groups_.join(0)),
          association_(limits_, syntaxes(), "49152",
                       [this](std::uint32_t asked) { return asked <= 1 ? group_->id() : 0; }) {}

    // As a connection does: whole fragments, as long as they come.
    void feed(Input stream, bool at_once) {
        while (!over_) {
            const auto frame = rpc::decode_frame(stream, association_.longest_fragment());
            if (!frame) {
                obey(association_.refuse(frame.error()));
                FUZZ_CHECK(over_, "what is no fragment ends an association");
                break;
            }
            if (!frame.value() || frame.value()->length > stream.size()) break;
            obey(association_.receive(exactly(stream.first(frame.value()->length))));
            stream = stream.subspan(frame.value()->length);
            if (at_once) run_calls();
        }
        std::ranges::reverse(waiting_); // answers may come in any order
        run_calls();
    }

private:
    static std::vector<rpc::SyntaxId> syntaxes() {
        std::vector<rpc::SyntaxId> all;
        for (const auto& one : server::served_interfaces()) all.push_back(one.syntax);
        return all;
    }

    void obey(rpc::Step step) {
        judge(step.send);
        FUZZ_CHECK(!step.hang_up || !step.why.empty(), "the log learns why it hangs up");
        FUZZ_CHECK(!step.hang_up || !step.call, "no call begins once it hangs up");
        if (step.call) {
            FUZZ_CHECK(step.call->interface_index < server::served_interfaces().size(),
                       "a call is for an interface that is served");
            FUZZ_CHECK(step.call->stub.size() <= limits_.request,
                       "no request is longer than allowed");
            waiting_.push_back(std::move(*step.call));
            FUZZ_CHECK(waiting_.size() <= limits_.calls, "no more calls at once than allowed");
        }
        over_ = step.hang_up;
    }

    void judge(const wire::Bytes& sent) const {
        for_each_fragment(sent, limits_.fragment, [](const rpc::Fragment& fragment) {
            using rpc::PduType;
            const PduType type = fragment.header.type;
            FUZZ_CHECK(type == PduType::response || type == PduType::fault ||
                           type == PduType::bind_ack || type == PduType::bind_nak ||
                           type == PduType::alter_context_response,
                       "a server sends nothing but answers");
            if (type == PduType::bind_ack || type == PduType::alter_context_response) {
                const auto ack = rpc::decode_bind_ack(fragment.body);
                FUZZ_CHECK(bool(ack), "an answer can be read");
                FUZZ_CHECK(rpc::encode(fragment.header, ack.value()).size() ==
                               rpc::header_size + fragment.body.size(),
                           "an answer can be read whole");
            }
            if (type == PduType::fault)
                FUZZ_CHECK(bool(rpc::decode_fault(fragment.body)), "a fault can be read");
        });
    }

    void run_calls() {
        for (; !waiting_.empty(); waiting_.pop_front()) run(waiting_.front());
    }

    void run(const rpc::IncomingCall& call) {
        const server::Peer peer{{false, "the fuzzer", "fuzzer"}, false, true, {{127, 0, 0, 1}, 1}};
        wire::BufferSink reply(std::size_t{1} << 20);
        const auto outcome =
            dispatch(call, peer, *group_, open_to_everybody(), cancelled_, figures_, reply);
        const auto answer = outcome ? association_.reply(call.id, reply.bytes())
                                    : association_.refuse_call(call.id, outcome.error());
        judge(answer);
        std::size_t stub = 0;
        for_each_fragment(answer, limits_.fragment, [&](const rpc::Fragment& fragment) {
            FUZZ_CHECK(fragment.header.call_id == call.id, "an answer names its call");
            if (fragment.header.type == rpc::PduType::response)
                stub += rpc::decode_response(fragment).value().stub.size();
        });
        FUZZ_CHECK(answer.empty() || !outcome || stub == reply.bytes().size(),
                   "an answer arrives whole");
        FUZZ_CHECK(association_.reply(call.id, {}).empty(), "a call is answered once");
    }

    const rpc::Limits limits_;
    server::Groups groups_;
    std::shared_ptr<server::Group> group_;
    rpc::ServerAssociation association_;
    server::Figures figures_;
    std::atomic<bool> cancelled_{false};
    std::deque<rpc::IncomingCall> waiting_;
    bool over_ = false;
};

// --- the client's side

// Reads what is given, and keeps what is written.
class MadeStream final : public rpc::Stream {
public:
    MadeStream(Input answers, Octets& sent) : answers_(exactly(answers)), sent_(sent) {}

    Result<void> write(std::span<const std::byte> octets) override {
        sent_.insert(sent_.end(), octets.begin(), octets.end());
        return ok();
    }
    Result<void> read(std::span<std::byte> into) override {
        if (into.size() > answers_.size() - at_) return fail(hrCommunicationError, "it hung up");
        std::copy_n(answers_.begin() + static_cast<std::ptrdiff_t>(at_), into.size(), into.begin());
        at_ += into.size();
        return ok();
    }

private:
    Octets answers_;
    std::size_t at_ = 0;
    Octets& sent_;
};

struct Called {
    Result<void> outcome = ok();
    std::size_t received = 0;
};

// One call: a list, or a read into a buffer of `room` octets.
Called call(rpc::ClientAssociation& association, std::uint16_t opnum, Input request, bool is_read,
            std::size_t room) {
    if (is_read) {
        Octets buffer(room);
        wire::ReadReplySink sink(buffer);
        auto outcome = association.call(opnum, request, sink);
        if (const auto read = sink.outcome(); read)
            FUZZ_CHECK(read.value().count <= room, "a read never gives more than was asked for");
        return {std::move(outcome), 0};
    }
    wire::BufferSink sink(room);
    auto outcome = association.call(opnum, request, sink);
    FUZZ_CHECK(sink.bytes().size() <= room, "a reply never takes more than it may");
    if (outcome) (void)wire::decode<wire::ListReply>(sink.bytes());
    return {std::move(outcome), sink.bytes().size()};
}

} // namespace

void rpc_server(Input input) {
    Reader reader(input);
    const auto how = reader.u8();
    Served((how & 1) != 0).feed(reader.rest(), (how & 2) != 0);
}

void rpc_client(Input input) {
    constexpr std::uint16_t lengths[] = {65528, 1432, 4280};
    Reader reader(input);
    const std::uint16_t longest = lengths[reader.below(std::size(lengths))];
    const std::size_t calls = 1 + reader.below(3);
    const auto reads = reader.u8(); // a bit a call
    const std::size_t room = reader.u16();
    const std::size_t request_size = std::size_t{reader.u8()} * 16;
    const Octets request(request_size, std::byte{0x5a});
    Octets sent;
    auto association =
        rpc::ClientAssociation::bind(std::make_unique<MadeStream>(reader.rest(), sent),
                                     {wire::backup_interface_uuid, 1}, longest);
    if (!association) {
        const Code code = association.error().code;
        FUZZ_CHECK(code == hrCouldNotConnect || code == hrCommunicationError,
                   "COM-7, COM-8: a bind that fails has one of two codes");
        return;
    }
    bool lost = false;
    for (std::size_t i = 0; i < calls; ++i) {
        if ((reads & 0x80) != 0 && i == 0) association.value()->cancel(); // nothing runs
        const auto before = sent.size();
        const auto called = call(*association.value(), static_cast<std::uint16_t>(i), request,
                                 (reads >> i & 1) != 0, room);
        if (lost) {
            FUZZ_CHECK(!called.outcome && called.outcome.error().code == hrCommunicationError,
                       "COM-8: a lost connection stays lost");
            FUZZ_CHECK(sent.size() == before, "nothing is sent on a lost connection");
        } else if (!called.outcome) {
            FUZZ_CHECK(!called.outcome.error().what.empty(), "a failed call says why");
            lost = called.outcome.error().what.starts_with("COM-8");
        }
    }
    std::size_t stubs = 0;
    std::size_t requests = 0;
    for_each_fragment(sent, longest, [&](const rpc::Fragment& fragment) {
        if (fragment.header.type != rpc::PduType::request) return;
        stubs += rpc::decode_request(fragment).value().stub.size();
        ++requests;
    });
    FUZZ_CHECK(requests > 0 && stubs % std::max<std::size_t>(request_size, 1) == 0,
               "a request is sent whole");
}

} // namespace ntdsb::fuzz
