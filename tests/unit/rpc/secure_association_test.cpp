// Both sides of an association with a security context (contract AUTH, MS-RPCE 3.3.1.5.2), whose
// mechanism is the test's: the order of legs, what each side refuses, and what somebody on the way
// may try.
#include "fake_security.h"
#include "rpc_test_data.h"

#include "rpc/client_association.h"
#include "rpc/fault_status.h"
#include "rpc/server_association.h"
#include "rpc/verification_trailer.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

namespace ntdsb::rpc {
namespace {

constexpr std::uint16_t longest_secure = 2048;
constexpr std::uint32_t denied = nca_access_denied;
constexpr std::uint32_t broken = nca_security_package;

void append_all(Bytes& to, std::span<const std::byte> more) {
    to.insert(to.end(), more.begin(), more.end());
}

// A client and a server in one thread, and what lies between them.
class Secure : public testing::Test {
protected:
    class Line final : public Stream {
    public:
        explicit Line(Secure& test) : test_(test) {}
        Result<void> write(std::span<const std::byte> sent) override {
            test_.carry(Bytes(sent.begin(), sent.end()));
            return ok();
        }
        Result<void> read(std::span<std::byte> into) override {
            auto& readable = test_.to_client;
            if (readable.size() < into.size()) return fail(ERROR_BROKEN_PIPE, "the peer hung up");
            std::copy_n(readable.begin(), into.size(), into.begin());
            readable.erase(readable.begin(),
                           readable.begin() + static_cast<std::ptrdiff_t>(into.size()));
            return ok();
        }

    private:
        Secure& test_;
    };

    void carry(Bytes sent) {
        if (from_client) from_client(sent);
        if (sent.empty() || hung_up) return;
        deliver(sent);
    }
    // To the server, as if the client had sent it.
    void deliver(const Bytes& sent) {
        Step step = server.receive(sent);
        if (!step.why.empty()) why = step.why;
        hung_up = hung_up || step.hang_up;
        if (step.authenticated) ++authenticated;
        answer(step.send);
        if (!step.call) return;
        ++calls;
        stub = step.call->stub;
        answer(whole_reply(server, step.call->id, step.call->stub)); // an echo
    }
    void answer(Bytes sent) {
        if (sent.empty()) return;
        last_answer = sent;
        if (from_server) from_server(sent);
        to_client.insert(to_client.end(), sent.begin(), sent.end());
    }
    Result<std::unique_ptr<SecurityContext>> accept(AuthType type, Protection level) {
        if (type == AuthType::kerberos) return fail(ERROR_NOT_SUPPORTED, "no keytab");
        if (level < least) return fail(ERROR_NOT_SUPPORTED, "too little");
        auto context = std::make_unique<FakeSecurity>(FakeSecurity::Side::server, legs);
        context->needs_signed_headers = like_kerberos;
        return std::unique_ptr<SecurityContext>(std::move(context));
    }
    Result<std::unique_ptr<ClientAssociation>> connect(AuthType type = AuthType::negotiate,
                                                       Protection level = Protection::privacy) {
        auto context = std::make_unique<FakeSecurity>(FakeSecurity::Side::client, legs);
        client_security = context.get();
        return ClientAssociation::bind(std::make_unique<Line>(*this), backup_interface,
                                       longest_secure,
                                       ClientSecurity{type, level, std::move(context)});
    }
    std::unique_ptr<ClientAssociation> connected() {
        auto client = connect();
        EXPECT_TRUE(client) << client.error().what << " / " << why;
        return std::move(client).value();
    }
    Result<void> call(ClientAssociation& client, std::string_view request = "request!") {
        sink = wire::BufferSink(200'000);
        return client.call(4, octets(request), sink);
    }
    static std::uint32_t fault_of(const Bytes& sent) {
        const auto fragment = split_fragment(sent);
        if (!fragment || fragment.value().header.type != PduType::fault) return 0;
        return decode_fault(fragment.value().body).value().status;
    }
    // The client's next request is changed on its way, and does not run.
    void expect_refused(std::uint32_t status, const std::function<void(Bytes&)>& change) {
        server = make_server();
        hung_up = false;
        to_client.clear();
        from_client = {};
        const auto client = connected();
        calls = 0;
        from_client = change;
        EXPECT_FALSE(call(*client));
        EXPECT_EQ(calls, 0);
        EXPECT_TRUE(hung_up);
        EXPECT_EQ(fault_of(last_answer), status) << why;
        from_client = {};
    }
    ServerAssociation make_server() {
        return ServerAssociation(
            Limits{.fragment = longest_secure}, {restore_interface, backup_interface}, "1",
            [](std::uint32_t) { return 1u; },
            [this](AuthType type, Protection level) { return accept(type, level); });
    }

    unsigned legs = 4;
    FakeSecurity* client_security = nullptr; // of the last connection
    bool like_kerberos = false;
    Protection least = Protection::integrity;
    std::function<void(Bytes&)> from_client, from_server;
    std::deque<std::byte> to_client;
    ServerAssociation server = make_server();
    wire::BufferSink sink{1000};
    std::string why;
    Bytes stub, last_answer;
    int calls = 0, authenticated = 0;
    bool hung_up = false;
};

TEST_F(Secure, EveryNumberOfLegsEndsInProtectedCalls) {
    for (legs = 2; legs <= 6; ++legs) {
        server = make_server();
        std::vector<PduType> sent;
        authenticated = 0;
        from_client = [&](Bytes& octets) {
            sent.push_back(split_fragment(octets).value().header.type);
        };
        const auto client = connected();
        EXPECT_EQ(authenticated, 1) << legs;
        std::vector<PduType> expected{PduType::bind};
        for (unsigned leg = 3; leg + 1 <= legs; leg += 2)
            expected.push_back(PduType::alter_context);
        if (legs % 2 == 1) expected.push_back(PduType::auth3);
        EXPECT_EQ(sent, expected) << legs;
        for (const std::size_t size : {0u, 1u, 4u, 16u, 1900u, 2000u, 10'000u}) {
            const std::string request(size, 'r');
            ASSERT_TRUE(call(*client, request)) << legs << " " << size << why;
            ASSERT_GE(stub.size(), size);
            EXPECT_LT(stub.size(), size + 4) << "the trailer is cut off";
            EXPECT_TRUE(std::ranges::equal(std::span(stub).first(size), octets(request)));
            EXPECT_TRUE(std::ranges::equal(sink.bytes(), stub));
        }
    }
}

// A host that has freed some may call again: the service has heard nothing.
TEST_F(Secure, OutOfMemoryBeforeARequestIsSentBreaksNothing_COM10) {
    const auto client = connected();
    client_security->out_of_memory = true;
    EXPECT_THROW((void)call(*client), std::bad_alloc);
    EXPECT_EQ(calls, 0);
    client_security->out_of_memory = false;
    EXPECT_TRUE(call(*client));
    EXPECT_EQ(calls, 1);
}

TEST_F(Secure, NothingGoesInTheClear_AUTH4) {
    const auto client = connected();
    const Bytes secret = octets("a secret request");
    const auto holds_it = [&](const Bytes& sent) {
        return std::search(sent.begin(), sent.end(), secret.begin(), secret.end()) != sent.end();
    };
    from_client = [&](Bytes& sent) { EXPECT_FALSE(holds_it(sent)); };
    from_server = [&](Bytes& sent) { EXPECT_FALSE(holds_it(sent)); };
    ASSERT_TRUE(call(*client, "a secret request"));
    EXPECT_TRUE(holds_it(stub));
}

// --- what the server refuses

TEST_F(Secure, LevelsAndMechanismsThatAreNotOfferedAreNaked_AUTH6) {
    const auto refused = connect(AuthType::kerberos);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, static_cast<Code>(hrCouldNotConnect));
    least = Protection::privacy;
    server = make_server();
    hung_up = false;
    EXPECT_FALSE(connect(AuthType::ntlm, Protection::integrity));
    EXPECT_TRUE(hung_up);
    for (const auto& [type, level] : {std::pair{9, 1}, {9, 2}, {9, 4}, {9, 7}, {0, 6}, {14, 6}}) {
        server = make_server();
        Bytes bind = encode({PduType::bind, only_fragment, 1},
                            Bind{2048, 2048, 0, {{0, backup_interface, {ndr_syntax}}}});
        append_security(bind,
                        {static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(level), 0, 1},
                        1, header_size, token_alignment);
        bind.back() = std::byte{1};
        const Step step = server.receive(bind);
        EXPECT_TRUE(step.hang_up);
        EXPECT_TRUE(step.denied);
        const auto nak = split_fragment(step.send).value();
        ASSERT_EQ(nak.header.type, PduType::bind_nak);
        EXPECT_EQ(decode_bind_nak(nak.body).value().reason, BindRejection::authentication_type);
    }
}

TEST_F(Secure, WrongTokensAreRefusedInEachLeg_AUTH5) {
    for (legs = 3; legs <= 4; ++legs) {
        for (const PduType type : {PduType::bind, PduType::alter_context, PduType::auth3}) {
            if (type == (legs == 3 ? PduType::alter_context : PduType::auth3)) continue;
            server = make_server();
            hung_up = false;
            authenticated = calls = 0;
            to_client.clear();
            from_client = [&](Bytes& sent) {
                if (split_fragment(sent).value().header.type == type) sent.back() ^= std::byte{8};
            };
            auto client = connect();
            Result<void> outcome = ok();
            if (client)
                outcome = call(*client.value()); // an auth3 has no answer
            else
                outcome = client.error();
            ASSERT_FALSE(outcome);
            EXPECT_EQ(outcome.error().code, ERROR_ACCESS_DENIED) << legs;
            EXPECT_EQ(authenticated, 0);
            EXPECT_EQ(calls, 0);
            EXPECT_TRUE(hung_up);
            EXPECT_EQ(server.security(), nullptr);
        }
    }
}

TEST_F(Secure, CallsBeforeTheLastLegAreRefused_ACC7) {
    from_client = [&](Bytes& sent) {
        if (split_fragment(sent).value().header.type != PduType::alter_context) return;
        sent = encode({PduType::request, only_fragment, 2}, Request{0, 0, 4, std::nullopt},
                      octets("x"));
    };
    EXPECT_FALSE(connect());
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(hung_up);
    EXPECT_EQ(fault_of(last_answer), denied);
}

TEST_F(Secure, UnprotectedRequestsEndAnAuthenticatedAssociation_ACC7) {
    expect_refused(denied, [](Bytes& sent) {
        sent = encode({PduType::request, only_fragment, 2}, Request{0, 0, 4, std::nullopt},
                      octets("in the clear"));
    });
}

TEST_F(Secure, ProtectedRequestsOfAnAnonymousAssociationEndIt) {
    server.receive(encode({PduType::bind, only_fragment, 1},
                          Bind{2048, 2048, 0, {{0, backup_interface, {ndr_syntax}}}}));
    Bytes request =
        encode({PduType::request, only_fragment, 2}, Request{0, 0, 4, std::nullopt}, octets("x"));
    append_security(request, {9, 6, 0, 1}, 16, header_size + request_size);
    const Step step = server.receive(request);
    EXPECT_TRUE(step.hang_up);
    EXPECT_FALSE(step.call);
}

// An association has the security that its bind began, or none.
TEST_F(Secure, NoSecondSecurityContext_AUTH6) {
    Bytes again = encode({PduType::alter_context, only_fragment, 1},
                         Bind{2048, 2048, 0, {{0, backup_interface, {ndr_syntax}}}});
    append_security(again, {9, 6, 0, 2}, 1, header_size, token_alignment);
    again.back() = std::byte{1};
    const auto client = connected();
    const Step second = server.receive(again);
    EXPECT_TRUE(second.hang_up);
    EXPECT_EQ(fault_of(second.send), denied);
    server = make_server();
    server.receive(encode({PduType::bind, only_fragment, 1},
                          Bind{2048, 2048, 0, {{0, backup_interface, {ndr_syntax}}}}));
    const Step late = server.receive(again);
    EXPECT_TRUE(late.hang_up);
    EXPECT_EQ(fault_of(late.send), denied);
    EXPECT_FALSE(late.authenticated);
}

TEST_F(Secure, FurtherPresentationContextsNeedNoFurtherAuthentication) {
    const auto client = connected();
    const Step step =
        server.receive(encode({PduType::alter_context, only_fragment, 1},
                              Bind{2048, 2048, 0, {{1, restore_interface, {ndr_syntax}}}}));
    EXPECT_FALSE(step.hang_up);
    EXPECT_TRUE(call(*client)) << why;
}

TEST_F(Secure, EndlessLegsEnd) {
    legs = 200;
    EXPECT_FALSE(connect());
    EXPECT_LE(authenticated, 0);
}

TEST_F(Secure, AChangedOctetIsNoticedWhereverItIs_AUTH6) {
    Bytes whole;
    from_client = [&](Bytes& sent) { whole = sent; };
    {
        const auto client = connected();
        from_client = [&](Bytes& sent) { whole = sent; };
        ASSERT_TRUE(call(*client));
    }
    const std::size_t trailer_at = whole.size() - 16 - security_trailer_size;
    for (std::size_t at = header_size; at < whole.size(); ++at) {
        if (at >= trailer_at && at < trailer_at + security_trailer_size) continue; // see below
        SCOPED_TRACE(at);
        expect_refused(broken, [at](Bytes& sent) {
            if (split_fragment(sent).value().header.type == PduType::request)
                sent[at] ^= std::byte{0x20};
        });
    }
    for (const std::size_t at : {trailer_at, trailer_at + 1, trailer_at + 2, trailer_at + 4}) {
        SCOPED_TRACE(at);
        expect_refused(broken, [at](Bytes& sent) { sent[at] ^= std::byte{1}; });
    }
}

TEST_F(Secure, ReplayedReorderedAndDroppedFragmentsAreNoticed_AUTH6) {
    Bytes first;
    const auto client = connected();
    from_client = [&](Bytes& sent) { first = sent; };
    ASSERT_TRUE(call(*client));
    const int ran = calls;
    deliver(first);
    EXPECT_EQ(calls, ran);
    EXPECT_TRUE(hung_up);
    EXPECT_EQ(fault_of(last_answer), broken);

    std::vector<Bytes> parts;
    const auto long_request = [&](std::vector<std::size_t> order) {
        server = make_server();
        hung_up = false;
        calls = 0;
        parts.clear();
        to_client.clear();
        from_client = {};
        const auto other = connected();
        from_client = [&](Bytes& sent) {
            parts.push_back(std::move(sent));
            sent.clear();
        };
        EXPECT_FALSE(call(*other, std::string(5000, 'x')));
        ASSERT_EQ(parts.size(), 3u);
        for (const std::size_t part : order)
            if (!hung_up) deliver(parts[part]);
    };
    long_request({0, 1, 2});
    EXPECT_EQ(calls, 1);
    const std::vector<std::vector<std::size_t>> orders{{0, 2}, {0, 0}, {1}, {0, 2, 1}, {0, 1, 1}};
    for (const auto& order : orders) {
        long_request(order);
        EXPECT_EQ(calls, 0);
        EXPECT_TRUE(hung_up);
    }
}

TEST_F(Secure, CutTokensAreNoticed_AUTH6) {
    for (const std::size_t cut : {1u, 8u, 15u, 16u}) {
        SCOPED_TRACE(cut);
        expect_refused(cut == 16 ? denied : broken, [cut](Bytes& sent) {
            sent.resize(sent.size() - cut);
            sent[8] = static_cast<std::byte>(sent.size() & 0xff);
            sent[9] = static_cast<std::byte>(sent.size() >> 8);
            sent[10] = static_cast<std::byte>(16 - cut);
        });
    }
}

// Clients that are not ours: each request is made by hand.
class OtherClient : public Secure {
protected:
    explicit OtherClient(std::uint8_t flags) {
        mechanism = std::make_unique<FakeSecurity>(FakeSecurity::Side::client, 2);
        legs = 2;
        Bytes bind = encode(
            {PduType::bind, flags, 1},
            Bind{2048,
                 2048,
                 0,
                 {{0, backup_interface, {ndr_syntax}}, {1, restore_interface, {ndr_syntax}}}});
        append_security(bind, {9, 6, 0, 1}, 1, header_size, token_alignment);
        bind.back() = mechanism->step({}).value().front();
        const Step step = server.receive(bind);
        EXPECT_TRUE(step.authenticated) << step.why;
        const auto token = split_fragment(step.send).value().token;
        EXPECT_TRUE(mechanism->step(token));
        EXPECT_TRUE(mechanism->sign_headers((flags & support_header_sign) != 0));
    }
    Bytes request(Bytes plain, std::uint16_t context = 0, std::uint16_t opnum = 4,
                  std::uint8_t flags = only_fragment, std::uint32_t id = 2) {
        Bytes sent =
            encode({PduType::request, flags, id}, Request{0, context, opnum, std::nullopt}, plain);
        constexpr std::size_t stub_at = header_size + request_size;
        const std::size_t token_at = append_security(sent, {9, 6, 0, 1}, 16, stub_at);
        const auto all = std::span(sent);
        const auto trailer_at = token_at - security_trailer_size;
        EXPECT_TRUE(
            mechanism->protect({all.first(stub_at), all.subspan(stub_at, trailer_at - stub_at),
                                all.subspan(trailer_at, security_trailer_size)},
                               all.subspan(token_at)));
        return sent;
    }
    static CallFacts facts() { return {2, 0, 4, backup_interface, ndr_syntax, false}; }
    // Of a trailer's commands only those that are named.
    enum class Command { context, header };
    static Bytes with_commands(const std::vector<Command>& commands, std::uint32_t id = 2,
                               std::uint16_t context = 0,
                               const SyntaxId& interface_of = backup_interface) {
        constexpr std::size_t signature = 8, bitmask = 8, of_context = 44, of_header = 20;
        Bytes all;
        append_verification_trailer(all, {id, context, 4, interface_of, ndr_syntax, false});
        const auto whole = std::span<const std::byte>(all);
        Bytes plain = octets("stub");
        if (commands.empty()) return plain;
        append_all(plain, whole.first(signature));
        std::size_t last = 0;
        for (const Command command : commands) {
            last = plain.size();
            append_all(plain, command == Command::context
                                  ? whole.subspan(signature + bitmask, of_context)
                                  : whole.last(of_header));
            plain[last + 1] &= std::byte{0xbf}; // not the last one
        }
        plain[last + 1] |= std::byte{0x40};
        return plain;
    }
    Step send(const std::vector<Command>& commands, std::uint32_t id) {
        return server.receive(request(with_commands(commands, id), 0, 4, only_fragment, id));
    }
    void expect_runs(const Step& step) {
        ASSERT_TRUE(step.call) << step.why;
        EXPECT_EQ(step.call->stub, octets("stub"));
        whole_reply(server, step.call->id, step.call->stub);
    }
    static Bytes with_trailer(const CallFacts& facts) {
        Bytes plain = octets("stub");
        append_verification_trailer(plain, facts);
        return plain;
    }
    void expect_denied(const Step& step) {
        EXPECT_FALSE(step.call);
        EXPECT_TRUE(step.hang_up);
        EXPECT_TRUE(step.denied);
        EXPECT_EQ(fault_of(step.send), denied) << step.why;
    }
    std::unique_ptr<FakeSecurity> mechanism;
};

// Whose headers nothing signs: it relies on the trailer alone. Our own always offers to sign them.
class Unsigned : public OtherClient {
protected:
    Unsigned() : OtherClient(only_fragment) {}
};

// As other systems' clients do it: in the trailer only what is not signed elsewhere.
class Signed : public OtherClient {
protected:
    Signed() : OtherClient(only_fragment | support_header_sign) {}
};

TEST_F(Unsigned, EachRequestNeedsHeader2_AUTH6) {
    expect_runs(send({Command::context, Command::header}, 2));
    expect_runs(send({Command::header}, 3));
    expect_denied(send({Command::context}, 4));
}

TEST_F(Unsigned, TheFirstRequestNeedsPcontextBesideHeader2_AUTH6) {
    expect_denied(send({Command::header}, 2));
}

TEST_F(Signed, PcontextOnceIsEnough_AUTH6) {
    expect_runs(send({Command::context}, 2));
    expect_runs(send({}, 3));
    expect_runs(send({Command::header}, 4));
}

TEST_F(Signed, TheFirstRequestOfAContextNeedsPcontext_AUTH6) {
    expect_runs(send({Command::context}, 2));
    expect_denied(server.receive(request(with_commands({Command::header}, 3, 1, restore_interface),
                                         1, 4, only_fragment, 3)));
}

TEST_F(Signed, WithoutPcontextNothingRuns_AUTH6) { expect_denied(send({}, 2)); }

TEST_F(Signed, AContextThatIsDefinedAnewNeedsPcontextAnew_AUTH6) {
    expect_runs(send({Command::context}, 2));
    server.receive(encode({PduType::alter_context, only_fragment, 3},
                          Bind{2048, 2048, 0, {{0, restore_interface, {ndr_syntax}}}}));
    expect_denied(send({}, 3));
}

TEST_F(Unsigned, TheTrailerThatAgreesIsCutOff_AUTH6) {
    const Step step = server.receive(request(with_trailer(facts())));
    ASSERT_TRUE(step.call) << step.why;
    EXPECT_EQ(step.call->stub, octets("stub"));
}

TEST_F(Unsigned, ChangedHeadersDisagreeWithTheTrailer_AUTH6) {
    Bytes sent = request(with_trailer(facts()));
    sent[header_size + 6] ^= std::byte{1}; // the opnum
    expect_denied(server.receive(sent));
}

TEST_F(Unsigned, AChangedCallOrContextDisagreesWithTheTrailer_AUTH6) {
    Bytes sent = request(with_trailer(facts()));
    sent[12] ^= std::byte{1}; // the call's id
    expect_denied(server.receive(sent));
}

TEST_F(Unsigned, AnotherContextDisagreesWithTheTrailer_AUTH6) {
    Bytes sent = request(with_trailer(facts()));
    sent[header_size + 4] ^= std::byte{1};
    expect_denied(server.receive(sent));
}

TEST_F(Unsigned, WithoutATrailerNothingRuns_AUTH6) {
    expect_denied(server.receive(request(octets("stub"))));
}

TEST_F(Unsigned, ARequestThatEndsEarlyLacksItsTrailer_AUTH6) {
    Bytes first = request(octets("0123456789abcdef"), 0, 4, first_fragment);
    first[3] |= std::byte{last_fragment};
    expect_denied(server.receive(first));
}

TEST_F(Unsigned, OfferedHeaderSigningThatTheBindDidNotHaveIsNoticed_AUTH6) {
    CallFacts offered = facts();
    offered.client_signs_headers = true;
    expect_denied(server.receive(request(with_trailer(offered))));
}

TEST_F(Unsigned, OtherInterfacesAndOctetsBehindTheTrailerAreNoticed_AUTH6) {
    CallFacts other = facts();
    other.interface_of = restore_interface;
    expect_denied(server.receive(request(with_trailer(other))));
}

TEST(VerificationTrailer, MustEndWhereTheStubEnds) {
    const CallFacts facts{2, 0, 4, backup_interface, ndr_syntax, true};
    Bytes whole = octets("stub");
    append_verification_trailer(whole, facts);
    for (std::size_t size = 13; size < whole.size(); ++size) {
        Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(cut_verification_trailer(cut, facts)) << size;
    }
    Bytes longer = whole;
    append_all(longer, octets("more"));
    EXPECT_FALSE(cut_verification_trailer(longer, facts));
    Bytes none = octets("no trailer at all");
    const auto in_none = cut_verification_trailer(none, facts).value();
    EXPECT_FALSE(in_none.header || in_none.context);
    EXPECT_EQ(none, octets("no trailer at all"));
    // Any octet of it changed at random is no crash, and never another call.
    for (std::size_t at = 4; at < whole.size(); ++at) {
        for (const unsigned bit : {1u, 0x40u, 0x80u}) {
            Bytes changed = whole;
            changed[at] ^= static_cast<std::byte>(bit);
            const auto found = cut_verification_trailer(changed, facts);
            if (found && found.value().header && found.value().context) {
                EXPECT_EQ(changed, octets("stub")) << at; // an octet that says nothing
            }
        }
    }
}

TEST(VerificationTrailer, UnknownCommandsCountWhereTheyMust) {
    const CallFacts facts{2, 0, 4, backup_interface, ndr_syntax, true};
    Bytes whole;
    append_verification_trailer(whole, facts);
    whole[8] = std::byte{0x55}; // the bitmask's number
    Bytes optional = whole;
    EXPECT_TRUE(cut_verification_trailer(optional, facts).value().header);
    whole[9] |= std::byte{0x80};
    EXPECT_FALSE(cut_verification_trailer(whole, facts));
}

// --- what the client refuses

TEST_F(Secure, AnswersThatAreNotProtectedAsAgreedEndTheConnection_AUTH4) {
    const std::vector<std::function<void(Bytes&)>> changes{
        [](Bytes& sent) {
            sent =
                encode({PduType::response, only_fragment, 2}, Response{}, octets("in the clear"));
        },
        [](Bytes& sent) { sent[sent.size() - 16 - security_trailer_size] = std::byte{10}; },
        [](Bytes& sent) { sent[sent.size() - 16 - security_trailer_size + 1] = std::byte{5}; },
        [](Bytes& sent) { sent[sent.size() - 16 - 4] ^= std::byte{1}; },
        [](Bytes& sent) { sent[header_size + response_size] ^= std::byte{1}; },
        [](Bytes& sent) { sent[header_size] ^= std::byte{1}; }, // headers are signed
        [](Bytes& sent) { sent.back() ^= std::byte{1}; },
        [](Bytes& sent) {
            const Bytes twice = sent;
            sent[3] &= std::byte{static_cast<std::uint8_t>(~unsigned{last_fragment})};
            append_all(sent, twice);
        },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        SCOPED_TRACE(i);
        server = make_server();
        to_client.clear();
        from_server = {};
        const auto client = connected();
        from_server = changes[i];
        const auto called = call(*client);
        ASSERT_FALSE(called);
        EXPECT_EQ(called.error().code, static_cast<Code>(hrCommunicationError));
        from_server = {};
        EXPECT_FALSE(call(*client)) << "it is over";
    }
}

TEST_F(Secure, AReplayedAnswerEndsTheConnection_AUTH4) {
    Bytes first;
    const auto client = connected();
    from_server = [&](Bytes& sent) { first = sent; };
    ASSERT_TRUE(call(*client));
    from_server = [&](Bytes& sent) {
        sent = first;
        sent[12] = std::byte{3}; // the second call's id
    };
    EXPECT_FALSE(call(*client));
}

TEST_F(Secure, AServerThatLeavesTheAuthenticationOutIsRefused_AUTH4) {
    from_server = [](Bytes& sent) {
        sent = encode({PduType::bind_ack, only_fragment, 1},
                      BindAck{2048, 2048, 7, "1", {{ContextOutcome::accepted, 0, ndr_syntax}}});
    };
    const auto client = connect();
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ERROR_ACCESS_DENIED);
}

TEST_F(Secure, StrippedHeaderSigningIsNoticed_AUTH6) {
    from_client = [](Bytes& sent) {
        if (split_fragment(sent).value().header.type == PduType::bind)
            sent[3] &= std::byte{static_cast<std::uint8_t>(~unsigned{support_header_sign})};
    };
    const auto client = connected();
    EXPECT_FALSE(call(*client));
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(hung_up);
}

TEST_F(Secure, KerberosWithoutSignedHeadersIsRefused_AUTH6) {
    const auto strip = [](Bytes& sent) {
        sent[3] &= std::byte{static_cast<std::uint8_t>(~unsigned{support_header_sign})};
    };
    like_kerberos = true;
    for (legs = 2; legs <= 5; ++legs) {
        server = make_server();
        hung_up = false;
        to_client.clear();
        from_client = [&](Bytes& sent) {
            if (split_fragment(sent).value().header.type == PduType::bind) strip(sent);
        };
        const auto client = connect();
        if (client) { // whose last leg has no answer
            EXPECT_EQ(legs % 2, 1u);
            EXPECT_FALSE(call(*client.value()));
        } else {
            EXPECT_EQ(client.error().code, ERROR_ACCESS_DENIED) << legs;
        }
        EXPECT_EQ(calls, 0);
        EXPECT_TRUE(hung_up) << legs;
    }
    // And the other way round: a client is not content with such a server.
    like_kerberos = false;
    server = make_server();
    hung_up = false;
    to_client.clear();
    legs = 2;
    from_client = {};
    from_server = strip;
    auto context = std::make_unique<FakeSecurity>(FakeSecurity::Side::client, legs);
    context->needs_signed_headers = true;
    const auto client = ClientAssociation::bind(
        std::make_unique<Line>(*this), backup_interface, longest_secure,
        ClientSecurity{AuthType::negotiate, Protection::privacy, std::move(context)});
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ERROR_ACCESS_DENIED);
}

TEST_F(Secure, AFaultIsBelievedBeforeTheFirstAnswerOnly_AUTH5_AUTH8) {
    constexpr std::uint32_t cancelled = 0x1c00000d; // nca_s_fault_cancel
    for (const std::uint32_t status : {denied, cancelled}) {
        server = make_server();
        to_client.clear();
        const auto forge = [status](std::uint32_t call_id) {
            return [=](Bytes& sent) {
                sent = encode({PduType::fault, only_fragment, call_id}, Fault{0, 0, 0, status});
            };
        };
        from_server = {};
        const auto client = connected();
        from_server = forge(2);
        EXPECT_EQ(call(*client).error().code,
                  status == denied ? ERROR_ACCESS_DENIED : ERROR_OPERATION_ABORTED);
        server = make_server();
        to_client.clear();
        from_server = {};
        const auto later = connected();
        ASSERT_TRUE(call(*later));
        from_server = forge(3);
        EXPECT_EQ(call(*later).error().code, static_cast<Code>(hrCommunicationError));
        from_server = {};
        EXPECT_FALSE(call(*later)) << "it is over";
    }
}

} // namespace
} // namespace ntdsb::rpc
