// DCE/RPC from both ends: the server fed with what a client might send, up to the operations and
// back; the client fed with what a server might answer; and what protects their fragments. The
// mechanisms are the system's: here a made one takes their place, which any peer can satisfy.
#include "fuzz/fuzz.h"

#include "core/config.h"
#include "rpc/client_association.h"
#include "rpc/ntlm_session.h"
#include "rpc/server_association.h"
#include "rpc/verification_trailer.h"
#include "server/dispatch.h"
#include "server/interfaces.h"
#include "server/reply_stream.h"
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

// --- a mechanism

// A peer's token that begins with 'D' is refused, one with 'C' is the last; a fragment's token is
// right where all its octets count the fragments.
class MadeContext final : public rpc::SecurityContext {
public:
    explicit MadeContext(bool begins) : begins_(begins) {}

    Result<wire::Bytes> step(std::span<const std::byte> token) override {
        FUZZ_CHECK(!complete_, "no token comes after the last");
        FUZZ_CHECK(begins_ == token.empty() || !begins_, "the initiator begins without a token");
        begins_ = false;
        if (!token.empty() && token.front() == std::byte{'D'})
            return fail(ERROR_ACCESS_DENIED, "a bad token");
        complete_ = !token.empty() && token.front() == std::byte{'C'};
        return wire::Bytes(complete_ && token.size() % 2 == 0 ? 0 : 24, std::byte{'C'});
    }
    bool is_complete() const override { return complete_; }
    std::shared_ptr<const rpc::Identity> peer() const override {
        class Nobody final : public rpc::Identity {
        public:
            Nobody() : Identity("nobody", "made") {}
            bool is(std::string_view) const override { return false; }
        };
        return complete_ ? std::make_shared<const Nobody>() : nullptr;
    }
    std::size_t token_size() const override { return token_octets; }
    Result<void> sign_headers(bool) override { return ok(); }
    Result<std::size_t> protect(const rpc::FragmentParts& fragment,
                                std::span<std::byte> token) override {
        FUZZ_CHECK(complete_ && token.size() == token_octets, "a token has its room");
        FUZZ_CHECK(fragment.header.size() >= rpc::header_size &&
                       fragment.trailer.size() == rpc::security_trailer_size,
                   "a fragment has its parts");
        std::ranges::fill(token, static_cast<std::byte>(sent_++));
        return token.size();
    }
    Result<void> unprotect(const rpc::FragmentParts& fragment,
                           std::span<const std::byte> token) override {
        FUZZ_CHECK(complete_, "nothing is believed before the peer is known");
        FUZZ_CHECK(fragment.trailer.size() == rpc::security_trailer_size,
                   "a fragment has its parts");
        const auto expected = static_cast<std::byte>(received_++);
        if (token.size() != token_octets ||
            !std::ranges::all_of(token, [&](std::byte octet) { return octet == expected; }))
            return fail(ERROR_ACCESS_DENIED, "a bad signature");
        return ok();
    }

private:
    static constexpr std::size_t token_octets = 16;
    bool begins_;
    bool complete_ = false;
    unsigned sent_ = 0, received_ = 0;
};

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
    Served(bool small, bool authenticates)
        : limits_(small ? rpc::Limits{2048, 4096, 6000, 3, 4} : rpc::Limits{}),
          group_(groups_.join(0)),
          association_(
              limits_, syntaxes(), "49152",
              [this](std::uint32_t asked) { return asked <= 1 ? group_->id() : 0; },
              accept(authenticates)) {}

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
    static rpc::ServerAssociation::Accept accept(bool authenticates) {
        if (!authenticates) return {};
        return [](rpc::AuthType type,
                  rpc::Protection) -> Result<std::unique_ptr<rpc::SecurityContext>> {
            if (type == rpc::AuthType::kerberos) return fail(ERROR_NOT_SUPPORTED, "not this one");
            return std::unique_ptr<rpc::SecurityContext>(std::make_unique<MadeContext>(false));
        };
    }

    static std::vector<rpc::SyntaxId> syntaxes() {
        std::vector<rpc::SyntaxId> all;
        for (const auto& one : server::served_interfaces()) all.push_back(one.syntax);
        return all;
    }

    void obey(rpc::Step step) {
        judge(step.send);
        FUZZ_CHECK(!step.hang_up || !step.why.empty(), "the log learns why it hangs up");
        FUZZ_CHECK(!step.hang_up || !step.call, "no call begins once it hangs up");
        FUZZ_CHECK(!step.authenticated || association_.security() != nullptr,
                   "who has authenticated is known");
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
        server::Peer peer;
        peer.caller = {false, "the fuzzer", "the fuzzer", true, true};
        peer.is_local = true;
        peer.here = {{127, 0, 0, 1}, 1};
        if (!entered_) entered_ = groups_.enter(group_, peer.caller);
        wire::Bytes answer;
        const auto append = [&](const wire::Bytes& fragment) {
            answer.insert(answer.end(), fragment.begin(), fragment.end());
        };
        std::size_t made = 0; // octets of the reply's stub
        server::ReplyStream reply(association_.longest_stub(), std::size_t{1} << 20,
                                  [&](wire::Bytes& fragment, std::uint32_t left, bool last) {
                                      made += fragment.size() - rpc::response_stub_at;
                                      association_.answer(call.id, fragment, left, last);
                                      append(fragment);
                                      return true;
                                  });
        const auto outcome =
            dispatch(call, peer, *group_, open_to_everybody(), cancelled_, figures_, reply);
        if (outcome)
            reply.finish();
        else
            append(association_.refuse_call(call.id, outcome.error()));
        judge(answer);
        std::size_t stub = 0;
        for_each_fragment(answer, limits_.fragment, [&](const rpc::Fragment& fragment) {
            FUZZ_CHECK(fragment.header.call_id == call.id, "an answer names its call");
            if (fragment.header.type == rpc::PduType::response)
                stub += rpc::decode_response(fragment).value().stub.size();
        });
        FUZZ_CHECK(answer.empty() || !outcome || stub == made ||
                       association_.security() != nullptr, // then with what pads it
                   "an answer arrives whole");
        wire::Bytes again(rpc::response_stub_at);
        association_.answer(call.id, again, 0, true);
        FUZZ_CHECK(again.empty(), "a call is answered once");
    }

    const rpc::Limits limits_;
    server::Groups groups_;
    std::shared_ptr<server::Group> group_;
    bool entered_ = false;
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
    Served((how & 1) != 0, (how & 4) != 0).feed(reader.rest(), (how & 2) != 0);
}

// What a protected request's stub ends with, and NTLM's signatures of a fragment.
void rpc_protection(Input input) {
    Reader reader(input);
    constexpr std::uint16_t most_operations = 32; // with ids of its choice a client could only
                                                  // spell the trailer's mark into its own trailer
    const bool signs_headers = reader.flag();
    const std::uint32_t call_id = reader.u32();
    const std::uint16_t context_id = reader.u16();
    const auto opnum = static_cast<std::uint16_t>(reader.u16() % most_operations);
    const rpc::CallFacts facts{call_id,         context_id,
                               opnum,           {wire::backup_interface_uuid, 1},
                               rpc::ndr_syntax, signs_headers};
    const std::size_t size = reader.u8();
    const Octets stub = exactly(reader.part(size));
    wire::Bytes verified = stub;
    rpc::append_verification_trailer(verified, facts);
    const wire::Bytes sent = verified;
    const auto found = rpc::cut_verification_trailer(verified, facts);
    FUZZ_CHECK(found && found.value().header && found.value().context, "what is appended is found");
    FUZZ_CHECK(verified.size() >= stub.size() && verified.size() < stub.size() + 4 &&
                   std::equal(stub.begin(), stub.end(), verified.begin()),
               "what is appended is cut off again");
    rpc::CallFacts other = facts;
    ++other.opnum;
    wire::Bytes stolen = sent;
    FUZZ_CHECK(!rpc::cut_verification_trailer(stolen, other), "one call's trailer fits no other");

    wire::Bytes foreign = exactly(reader.rest());
    const auto before = foreign;
    const auto cut = rpc::cut_verification_trailer(foreign, facts);
    FUZZ_CHECK(cut || cut.error().code == static_cast<Code>(ERROR_ACCESS_DENIED),
               "a wrong trailer has one code");
    FUZZ_CHECK(foreign.size() <= before.size() &&
                   std::equal(foreign.begin(), foreign.end(), before.begin()),
               "a stub is cut at its end only");
    FUZZ_CHECK(!cut || foreign.size() < before.size() ||
                   (!cut.value().header && !cut.value().context),
               "what is found in a trailer is cut off");

    const std::array<std::byte, 16> key{std::byte{1}};
    auto here = rpc::NtlmSession::make(key, true, 0);
    auto there = rpc::NtlmSession::make(key, false, 0);
    FUZZ_CHECK(here && there, "sixteen octets are a key");
    const auto level = signs_headers ? rpc::Protection::integrity : rpc::Protection::privacy;
    const Octets header(24, std::byte{2});
    const Octets trailer(8, std::byte{3});
    wire::Bytes carried = stub;
    std::array<std::byte, rpc::NtlmSession::signature_size> signature;
    here.value()->protect({header, carried, trailer}, signature, level);
    if (size % 2 != 0) { // somebody changes it on its way
        signature[size / 2 % signature.size()] ^= std::byte{4};
        FUZZ_CHECK(!there.value()->unprotect({header, carried, trailer}, signature, level),
                   "a changed signature is refused");
        return;
    }
    FUZZ_CHECK(bool(there.value()->unprotect({header, carried, trailer}, signature, level)) &&
                   carried == stub,
               "what is protected arrives as it was");
    FUZZ_CHECK(!there.value()->unprotect({header, carried, trailer}, signature, level),
               "a fragment comes once");
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
    std::optional<rpc::ClientSecurity> security;
    if ((reads & 0x40) != 0) security.emplace().context = std::make_unique<MadeContext>(true);
    const bool is_protected = security.has_value();
    auto association = rpc::ClientAssociation::bind(
        std::make_unique<MadeStream>(reader.rest(), sent), {wire::backup_interface_uuid, 1},
        longest, std::move(security));
    if (!association) {
        const Code code = association.error().code;
        FUZZ_CHECK(code == hrCouldNotConnect || code == hrCommunicationError ||
                       code == ERROR_ACCESS_DENIED,
                   "COM-7..COM-9: a bind that fails has one of three codes");
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
        FUZZ_CHECK(fragment.security.has_value() == is_protected,
                   "no request goes without the protection that was asked for");
        stubs += rpc::decode_request(fragment).value().stub.size();
        ++requests;
    });
    FUZZ_CHECK(requests > 0, "a request is sent");
    FUZZ_CHECK(is_protected || stubs % std::max<std::size_t>(request_size, 1) == 0,
               "a request is sent whole");
}

} // namespace ntdsb::fuzz
