// The server's side of an association, fragment by fragment (rpc/server_association.h).
#include "rpc/server_association.h"

#include "rpc/fault_status.h"
#include "rpc_test_data.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ntdsb::rpc {
namespace {

constexpr std::uint32_t own_group = 77;
constexpr std::uint16_t context = 3;
const SyntaxId ndr64{{0x33, 0x05, 0x71, 0x71, 0xba, 0xbe, 0x37, 0x49, 0x83, 0x19, 0xb5, 0xdb, 0xef,
                      0x9c, 0xcc, 0x36},
                     1};

// The fragments of a byte stream.
std::vector<Bytes> fragments_of(std::span<const std::byte> stream) {
    std::vector<Bytes> out;
    while (!stream.empty()) {
        const auto frame = decode_frame(stream, 65535);
        EXPECT_TRUE(frame && frame.value()) << "no fragment at " << stream.size();
        if (!frame || !frame.value() || frame.value()->length > stream.size()) break;
        const auto whole = stream.first(frame.value()->length);
        out.emplace_back(whole.begin(), whole.end());
        stream = stream.subspan(whole.size());
    }
    return out;
}

class Association : public testing::Test {
protected:
    Step bind(const Bind& bind, std::uint8_t flags = only_fragment) {
        return server.receive(encode({PduType::bind, flags, 1}, bind));
    }
    static Bind usual_bind() {
        return {5840, 5840, 0, {{context, backup_interface, {ndr_syntax}}}};
    }
    // The results of a bind with these elements.
    std::vector<ContextResult> negotiate(std::vector<ContextElement> elements) {
        const Step step = bind({5840, 5840, 0, std::move(elements)});
        const auto fragment = split_fragment(step.send);
        EXPECT_TRUE(fragment);
        return fragment ? decode_bind_ack(fragment.value().body).value().results
                        : std::vector<ContextResult>();
    }
    Step send(std::uint32_t id, std::uint8_t flags, std::string_view stub,
              std::uint16_t context_id = context, std::uint16_t opnum = 4) {
        return server.receive(encode({PduType::request, flags, id},
                                     Request{0, context_id, opnum, std::nullopt}, octets(stub)));
    }
    void use(const Limits& limits) {
        server = ServerAssociation(limits, {restore_interface, backup_interface}, "49152", join);
    }
    static std::uint32_t join(std::uint32_t asked) {
        return asked == 0 || asked == own_group ? own_group : 0;
    }
    static Fault fault_in(const Bytes& sent) {
        const auto fragment = split_fragment(sent);
        if (!fragment || fragment.value().header.type != PduType::fault) {
            ADD_FAILURE() << "no fault";
            return {};
        }
        EXPECT_TRUE(fragment.value().header.flags & did_not_execute);
        return decode_fault(fragment.value().body).value();
    }
    static void expect_protocol_error(const Step& step) {
        EXPECT_TRUE(step.hang_up);
        EXPECT_FALSE(step.why.empty());
        EXPECT_FALSE(step.call);
        EXPECT_EQ(fault_in(step.send).status, nca_protocol_error);
    }

    ServerAssociation server{Limits{}, {restore_interface, backup_interface}, "49152", join};
};

TEST_F(Association, BindIsAnsweredWithSizesGroupAndAddress) {
    Bind asked = usual_bind();
    asked.max_transmit = 4280;
    asked.max_receive = 2000;
    const Step step = bind(asked, only_fragment | concurrent_multiplexing);
    EXPECT_FALSE(step.hang_up);
    const Fragment fragment = split_fragment(step.send).value();
    EXPECT_EQ(fragment.header.type, PduType::bind_ack);
    EXPECT_EQ(fragment.header.call_id, 1u);
    EXPECT_EQ(fragment.header.flags, only_fragment | concurrent_multiplexing);
    const BindAck ack = decode_bind_ack(fragment.body).value();
    EXPECT_EQ(ack.max_receive, 4280);
    EXPECT_EQ(ack.max_transmit, 2000);
    EXPECT_EQ(ack.association_group, own_group);
    EXPECT_EQ(ack.secondary_address, "49152");
    ASSERT_EQ(ack.results.size(), 1u);
    EXPECT_EQ(ack.results[0], (ContextResult{ContextOutcome::accepted, 0, ndr_syntax}));
    EXPECT_EQ(server.longest_fragment(), 4280u);
}

TEST_F(Association, SizesBelowTheLeastAreTakenForIt) { // C706 12.6.3.1
    Bind asked = usual_bind();
    asked.max_transmit = asked.max_receive = 1;
    bind(asked);
    EXPECT_EQ(server.longest_fragment(), must_receive_size);
    send(1, only_fragment, "x");
    const auto sent = fragments_of(whole_reply(server, 1, Bytes(5000)));
    EXPECT_EQ(sent.size(), 4u);
    for (const Bytes& fragment : sent) EXPECT_LE(fragment.size(), must_receive_size);
}

TEST_F(Association, EachContextHasItsOwnOutcome) {
    SyntaxId other_major = restore_interface, newer_minor = restore_interface;
    other_major.version = 2;
    newer_minor.version = 1 | 1 << 16;
    const auto results = negotiate({{0, restore_interface, {ndr64, ndr_syntax}},
                                    {1, restore_interface, {ndr64}},
                                    {2, other_major, {ndr_syntax}},
                                    {3, newer_minor, {ndr_syntax}},
                                    {4, {Uuid{9}, 1}, {ndr_syntax}},
                                    {5, restore_interface, {feature_syntax(3)}},
                                    {6, restore_interface, {}}});
    const auto rejected = [](std::uint16_t reason) {
        return ContextResult{ContextOutcome::provider_rejected, reason, {}};
    };
    ASSERT_EQ(results.size(), 7u);
    EXPECT_EQ(results[0], (ContextResult{ContextOutcome::accepted, 0, ndr_syntax}));
    EXPECT_EQ(results[1], rejected(reason_transfer_syntaxes));
    EXPECT_EQ(results[2], rejected(reason_abstract_syntax));
    EXPECT_EQ(results[3], rejected(reason_abstract_syntax));
    EXPECT_EQ(results[4], rejected(reason_abstract_syntax));
    EXPECT_EQ(results[5], (ContextResult{ContextOutcome::features, 0, {}}));
    EXPECT_EQ(results[6], rejected(reason_transfer_syntaxes));
}

TEST_F(Association, ContextsAreBounded) {
    use({.contexts = 2});
    const auto results = negotiate({{0, restore_interface, {ndr_syntax}},
                                    {1, restore_interface, {ndr_syntax}},
                                    {2, restore_interface, {ndr_syntax}},
                                    {1, backup_interface, {ndr_syntax}}});
    EXPECT_EQ(results[2].reason, reason_local_limit);
    EXPECT_EQ(results[3].outcome, ContextOutcome::accepted) << "it takes the place of the other 1";
}

TEST_F(Association, UnknownGroupAndEmptyOrCutBindAreRejected) {
    const auto rejected = [](const Step& step) {
        const auto fragment = split_fragment(step.send);
        return step.hang_up && fragment && fragment.value().header.type == PduType::bind_nak;
    };
    Bind of_no_group = usual_bind();
    of_no_group.association_group = 5;
    EXPECT_TRUE(rejected(bind(of_no_group)));
    EXPECT_TRUE(rejected(bind({5840, 5840, 0, {}})));
    Bytes cut = encode({PduType::bind, only_fragment, 1}, usual_bind());
    cut.pop_back();
    cut[8] = static_cast<std::byte>(cut.size());
    EXPECT_TRUE(rejected(server.receive(cut)));
}

TEST_F(Association, AnotherProtocolVersionIsToldTheSpokenOne) {
    const Step step = server.refuse({RPC_S_PROTOCOL_ERROR, "the RPC version is 4"});
    EXPECT_TRUE(step.hang_up);
    EXPECT_EQ(step.why, "the RPC version is 4");
    EXPECT_EQ(decode_bind_nak(split_fragment(step.send).value().body).value().reason,
              BindRejection::protocol_version);
}

TEST_F(Association, NothingIsAnsweredBeforeTheBind) {
    for (const PduType type : {PduType::request, PduType::alter_context, PduType::co_cancel}) {
        const Step step = server.receive(encode({type, only_fragment, 1}, Request{}, {}));
        EXPECT_TRUE(step.hang_up);
        EXPECT_TRUE(step.send.empty());
    }
}

class Bound : public Association {
protected:
    Bound() { bind(usual_bind()); }
};

TEST_F(Bound, AlterContextAddsContexts) {
    const Bind more{0, 0, own_group, {{9, restore_interface, {ndr_syntax}}}};
    const Step step = server.receive(encode({PduType::alter_context, only_fragment, 2}, more));
    const Fragment fragment = split_fragment(step.send).value();
    EXPECT_EQ(fragment.header.type, PduType::alter_context_response);
    EXPECT_EQ(decode_bind_ack(fragment.body).value().secondary_address, "");
    EXPECT_EQ(send(3, only_fragment, "x", 9).call.value().interface_index, 0u);
    EXPECT_EQ(send(4, only_fragment, "x").call.value().interface_index, 1u);
}

TEST_F(Bound, RequestIsPutTogetherFromItsFragments) {
    EXPECT_FALSE(send(1, first_fragment, "one ").call);
    EXPECT_FALSE(send(1, 0, "two ").call);
    const Step step = send(1, last_fragment, "three");
    ASSERT_TRUE(step.call);
    EXPECT_EQ(step.call->id, 1u);
    EXPECT_EQ(step.call->opnum, 4);
    EXPECT_EQ(step.call->stub, octets("one two three"));
    EXPECT_TRUE(step.send.empty());
}

TEST_F(Bound, CallsMayOverlap) {
    send(1, first_fragment, "a");
    send(2, first_fragment, "b");
    EXPECT_EQ(send(2, last_fragment, "B").call.value().stub, octets("bB"));
    EXPECT_EQ(send(1, last_fragment, "A").call.value().stub, octets("aA"));
    EXPECT_EQ(split_fragment(whole_reply(server, 1, octets("1"))).value().header.call_id, 1u);
    EXPECT_EQ(split_fragment(whole_reply(server, 2, octets("2"))).value().header.call_id, 2u);
}

TEST_F(Bound, ReplyIsCutToTheNegotiatedSize) {
    send(1, only_fragment, "");
    Bytes stub(20'000);
    for (std::size_t i = 0; i < stub.size(); ++i) stub[i] = static_cast<std::byte>(i * 7 & 0xff);
    const auto sent = fragments_of(whole_reply(server, 1, stub));
    Bytes joined;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const Fragment fragment = split_fragment(sent[i]).value();
        EXPECT_LE(sent[i].size(), 5840u);
        EXPECT_EQ(fragment.header.flags,
                  (i == 0 ? first_fragment : 0) | (i + 1 == sent.size() ? last_fragment : 0));
        const auto response = decode_response(fragment).value();
        EXPECT_EQ(response.fixed.context_id, context);
        EXPECT_EQ(response.fixed.allocation_hint, stub.size() - joined.size());
        if (i + 1 < sent.size()) {
            EXPECT_EQ(response.stub.size() % 8, 0u);
        }
        joined.insert(joined.end(), response.stub.begin(), response.stub.end());
    }
    EXPECT_EQ(sent.size(), 4u);
    EXPECT_EQ(joined, stub);
}

TEST_F(Bound, EmptyReplyIsOneFragment) {
    send(1, only_fragment, "");
    const auto sent = fragments_of(whole_reply(server, 1, {}));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(split_fragment(sent[0]).value().header.flags, only_fragment);
}

TEST_F(Bound, RefusedCallIsAFaultOfItsStatus) {
    send(1, only_fragment, "");
    const Fault fault = fault_in(server.refuse_call(1, {RPC_S_PROCNUM_OUT_OF_RANGE, ""}));
    EXPECT_EQ(fault.status, 0x1c010002u);
    EXPECT_EQ(fault.context_id, context);
}

// Said of a call that has begun to answer it would be a lie.
TEST_F(Bound, FaultInTheMiddleOfAReplyDoesNotSayThatNothingWasRun) {
    send(1, only_fragment, "");
    Bytes fragment(response_stub_at + 16);
    server.answer(1, fragment, 32, false);
    EXPECT_EQ(split_fragment(fragment).value().header.flags, first_fragment);
    const Bytes fault = server.refuse_call(1, {ERROR_NOT_ENOUGH_MEMORY, ""});
    EXPECT_EQ(split_fragment(fault).value().header.type, PduType::fault);
    EXPECT_EQ(split_fragment(fault).value().header.flags, only_fragment);
    Bytes late(response_stub_at);
    server.answer(1, late, 0, true);
    EXPECT_TRUE(late.empty()) << "the call is over";
}

TEST_F(Bound, UnknownContextIsAFaultAndTheAssociationGoesOn) {
    const Step step = send(1, first_fragment, "x", 55);
    EXPECT_FALSE(step.hang_up);
    EXPECT_EQ(fault_in(step.send).status, nca_invalid_context);
    EXPECT_TRUE(send(1, 0, "what is under way still comes", 55).send.empty());
    EXPECT_TRUE(send(1, last_fragment, "", 55).send.empty());
    EXPECT_TRUE(send(1, only_fragment, "the id is free again").call);
}

TEST_F(Bound, FragmentsOutOfOrderAreAProtocolError) {
    expect_protocol_error(send(1, last_fragment, "no first one"));
}
TEST_F(Bound, SecondFirstFragmentIsAProtocolError) {
    send(1, first_fragment, "x");
    expect_protocol_error(send(1, first_fragment, "x"));
}
TEST_F(Bound, IdOfARunningCallIsAProtocolError) {
    send(1, only_fragment, "x");
    expect_protocol_error(send(1, last_fragment, "more"));
}
TEST_F(Bound, SecondBindIsAProtocolError) { expect_protocol_error(bind(usual_bind())); }
TEST_F(Bound, WhatOnlyServersSendIsAProtocolError) {
    for (const PduType type :
         {PduType::response, PduType::fault, PduType::bind_ack, PduType::shutdown, PduType::auth3})
        expect_protocol_error(server.receive(encode({type, only_fragment, 1}, Request{}, {})));
}
TEST_F(Bound, OctetsThatAreNoFragmentAreAProtocolError) {
    expect_protocol_error(server.refuse({RPC_S_PROTOCOL_ERROR, "the fragment's type is 99"}));
}
TEST_F(Bound, CutRequestIsAProtocolError) {
    Bytes cut = encode({PduType::request, only_fragment, 1}, Request{}, {});
    cut.pop_back();
    cut[8] = static_cast<std::byte>(cut.size());
    expect_protocol_error(server.receive(cut));
}

TEST_F(Association, RequestsAreBoundedAndTheAssociationGoesOn) {
    use({.request = 10});
    bind(usual_bind());
    EXPECT_TRUE(send(1, only_fragment, "0123456789").call);
    send(2, first_fragment, "01234567");
    EXPECT_EQ(fault_in(send(2, 0, "89a").send).status, nca_remote_no_memory);
    EXPECT_TRUE(send(2, last_fragment, "rest").send.empty());
    EXPECT_TRUE(send(2, only_fragment, "small").call);
}

TEST_F(Association, UnfinishedRequestsTogetherAreBounded) {
    use({.request = 10, .pending = 15});
    bind(usual_bind());
    send(1, first_fragment, "0123456789");
    EXPECT_EQ(fault_in(send(2, first_fragment, "0123456789").send).status, nca_remote_no_memory);
    EXPECT_TRUE(send(1, last_fragment, "").call);
    EXPECT_TRUE(send(3, only_fragment, "0123456789").call) << "what was freed can be used again";
}

TEST_F(Association, CallsAreBounded) {
    use({.calls = 2});
    bind(usual_bind());
    send(1, only_fragment, "");
    send(2, first_fragment, "");
    const Step step = send(3, only_fragment, "");
    EXPECT_TRUE(step.hang_up);
    EXPECT_EQ(fault_in(step.send).status, nca_server_too_busy);
}

TEST_F(Bound, CancelReachesTheRunningCallAndIsCounted) {
    EXPECT_FALSE(server.receive(encode({PduType::co_cancel, only_fragment, 9})).cancel);
    send(1, only_fragment, "");
    EXPECT_EQ(server.receive(encode({PduType::co_cancel, only_fragment, 1})).cancel, 1u);
    EXPECT_EQ(server.receive(encode({PduType::co_cancel, only_fragment, 1})).cancel, 1u);
    const Bytes sent = whole_reply(server, 1, {});
    EXPECT_EQ(decode_response(split_fragment(sent).value()).value().fixed.cancel_count, 2);
}

TEST_F(Bound, CancelBeforeTheLastFragmentIsNotLost) {
    send(1, first_fragment, "");
    EXPECT_FALSE(server.receive(encode({PduType::co_cancel, only_fragment, 1})).cancel);
    const Step step = send(1, last_fragment, "");
    EXPECT_TRUE(step.call);
    EXPECT_EQ(step.cancel, 1u);
}

// C706 12.6.3.1, PFC_PENDING_CANCEL: on any fragment, and not once for each.
TEST_F(Bound, CancelThatCameBeforeTheRequestIsSeenInIt) {
    const auto cancels_of = [](const Bytes& sent) {
        return decode_response(split_fragment(sent).value()).value().fixed.cancel_count;
    };
    const Step at_once = send(1, only_fragment | pending_cancel, "");
    EXPECT_TRUE(at_once.call);
    EXPECT_EQ(at_once.cancel, 1u);
    EXPECT_EQ(cancels_of(whole_reply(server, 1, {})), 1);
    EXPECT_FALSE(send(2, first_fragment | pending_cancel, "").cancel);
    EXPECT_FALSE(send(2, pending_cancel, "").cancel);
    EXPECT_EQ(send(2, last_fragment, "").cancel, 2u);
    EXPECT_EQ(cancels_of(whole_reply(server, 2, {})), 1);
    EXPECT_FALSE(send(3, first_fragment, "").cancel);
    EXPECT_EQ(send(3, last_fragment | pending_cancel, "").cancel, 3u);
    EXPECT_FALSE(send(4, only_fragment, "").cancel) << "it is one call's alone";
}

// C706 12.6.3.1, PFC_MAYBE: it is run, and nothing comes back.
TEST_F(Bound, MaybeCallIsRunAndNotAnswered) {
    const Step step = send(1, only_fragment | maybe_call, "x");
    EXPECT_TRUE(step.call);
    EXPECT_FALSE(step.cancel);
    EXPECT_TRUE(whole_reply(server, 1, octets("nobody waits")).empty());
    EXPECT_TRUE(send(1, first_fragment | maybe_call, "its id is free again").send.empty());
    EXPECT_TRUE(send(1, last_fragment, "").call);
    EXPECT_TRUE(server.refuse_call(1, {ERROR_ACCESS_DENIED, ""}).empty());
    // Nor is a fault, where it cannot be run.
    const Step refused = send(2, first_fragment | maybe_call, "x", 55);
    EXPECT_TRUE(refused.send.empty());
    EXPECT_FALSE(refused.hang_up);
    EXPECT_FALSE(send(2, last_fragment, "", 55).call);
    EXPECT_TRUE(send(3, only_fragment | maybe_call, "x", 55).send.empty());
    EXPECT_TRUE(send(3, only_fragment, "y").call);
}

TEST_F(Bound, OrphanedCallIsCancelledAndNotAnswered) {
    send(1, only_fragment, "");
    EXPECT_EQ(server.receive(encode({PduType::orphaned, only_fragment, 1})).cancel, 1u);
    EXPECT_TRUE(whole_reply(server, 1, octets("nobody waits")).empty());
    send(2, first_fragment, "half");
    EXPECT_FALSE(server.receive(encode({PduType::orphaned, only_fragment, 2})).cancel);
    EXPECT_TRUE(send(2, only_fragment, "anew").call);
    EXPECT_FALSE(server.receive(encode({PduType::orphaned, only_fragment, 99})).hang_up);
}

TEST_F(Bound, AnswerToNoCallIsNothing) {
    EXPECT_TRUE(whole_reply(server, 5, {}).empty());
    EXPECT_TRUE(server.refuse_call(5, {ERROR_ACCESS_DENIED, ""}).empty());
}

// What C706 appendix E and MS-RPCE 2.2.1.1.8 have, by name and number, and the code that a caller
// of the API gets for it.
struct FaultRow {
    const char* name;
    std::uint32_t status;
    Code code;
};
constexpr FaultRow both_ways[] = {
    {"nca_op_rng_error", 0x1c010002, RPC_S_PROCNUM_OUT_OF_RANGE},
    {"nca_unk_if", 0x1c010003, RPC_S_UNKNOWN_IF},
    {"nca_proto_error", 0x1c01000b, RPC_S_PROTOCOL_ERROR},
    {"nca_server_too_busy", 0x1c010014, RPC_S_SERVER_TOO_BUSY},
    {"nca_s_fault_cancel", 0x1c00000d, ERROR_OPERATION_ABORTED},
    {"nca_s_fault_context_mismatch", 0x1c00001a, ERROR_INVALID_HANDLE},
    {"nca_s_fault_remote_no_memory", 0x1c00001b, ERROR_NOT_ENOUGH_MEMORY},
    {"nca_invalid_pres_context_id", 0x1c00001c, static_cast<Code>(hrCommunicationError)},
    {"ERROR_ACCESS_DENIED", 5, ERROR_ACCESS_DENIED},
    {"RPC_X_BAD_STUB_DATA", 0x6f7, RPC_X_BAD_STUB_DATA},
};
constexpr FaultRow only_received[] = {
    {"nca_s_fault_int_div_by_zero", 0x1c000001, static_cast<Code>(hrCommunicationError)},
    {"nca_s_fault_unspec", 0x1c000012, static_cast<Code>(hrCommunicationError)},
    {"RPC_S_SEC_PKG_ERROR", 0x721, static_cast<Code>(hrCommunicationError)},
};

TEST(FaultStatus, IsTheStandardsNumber) {
    for (const auto& row : both_ways) {
        EXPECT_EQ(fault_status(row.code), row.status) << row.name;
        EXPECT_EQ(code_of_fault(row.status), row.code) << row.name;
    }
    for (const auto& row : only_received)
        EXPECT_EQ(code_of_fault(row.status), row.code) << row.name;
    EXPECT_EQ(fault_status(Code{ERROR_DISK_FULL}), 0x1c000012u) << "nca_s_fault_unspec";
    // Those that are told by name.
    EXPECT_EQ(nca_protocol_error, 0x1c01000bu);
    EXPECT_EQ(nca_invalid_context, 0x1c00001cu);
    EXPECT_EQ(nca_server_too_busy, 0x1c010014u);
    EXPECT_EQ(nca_remote_no_memory, 0x1c00001bu);
    EXPECT_EQ(nca_access_denied, 5u);
    EXPECT_EQ(nca_security_package, 0x721u);
}

} // namespace
} // namespace ntdsb::rpc
