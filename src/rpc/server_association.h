// The server's side of one association (C706 9.5 and 12.6, MS-RPCE 3.3): takes fragments in the
// order they came, and says what to send, which calls to run and when to hang up. A state machine:
// no socket, no thread, no operation, and no byte sequence brings it to harm.
#pragma once

#include "rpc/pdu.h"
#include "rpc/security_context.h"

#include <functional>
#include <map>
#include <span>
#include <string>

namespace ntdsb::rpc {

// What one client may take of the server.
struct Limits {
    std::uint16_t fragment = 65528; // the longest fragment sent or received
    // Octets of one request's stub, reassembled, and of all requests being reassembled.
    std::size_t request = std::size_t{8} * 1024 * 1024;
    std::size_t pending = std::size_t{16} * 1024 * 1024;
    std::size_t contexts = 32; // presentation contexts
    std::size_t calls = 32;    // being received or running

    bool operator==(const Limits&) const = default;
};

// A whole request. `interface_index` counts in the interfaces that the association was made with.
struct IncomingCall {
    std::uint32_t id = 0;
    std::size_t interface_index = 0;
    std::uint16_t opnum = 0;
    Bytes stub;
};

// What follows from one fragment.
struct Step {
    Bytes send;                          // one fragment, or nothing
    std::optional<IncomingCall> call;    // to be run, and answered with `answer` or `refuse_call`
    std::optional<std::uint32_t> cancel; // the running call that the client wants ended
    bool authenticated = false;          // now: security() tells who the client is
    bool hang_up = false;                // after `send`
    std::string why;                     // it hangs up, or an auth3 is refused; for the log
    bool denied = false;                 // it is for what the client is not or does not prove
};

class ServerAssociation {
public:
    // Gives the association group for one that the client asks for (0: a new one); 0 if there is no
    // such group.
    using JoinGroup = std::function<std::uint32_t(std::uint32_t asked)>;
    // Makes the acceptor of a security context. ERROR_NOT_SUPPORTED: not this type at this level;
    // any other error: it cannot be done here.
    using Accept = std::function<Result<std::unique_ptr<SecurityContext>>(AuthType, Protection)>;

    // `secondary_address` is told in the bind's answer: the port, in decimal. Without `accept`
    // nobody authenticates.
    ServerAssociation(const Limits& limits, std::vector<SyntaxId> interfaces,
                      std::string secondary_address, JoinGroup join_group, Accept accept = {});

    // One whole fragment, as decode_frame has measured it.
    Step receive(std::span<const std::byte> octets);

    // Whether receiving this may take long, since a mechanism asks others (its peer's token, a
    // domain controller): on another thread, while calls may be answered. An association that has
    // calls is past its authentication and only refuses a further leg, which writes nothing that an
    // answer reads.
    static bool is_security_leg(const Frame& frame);

    // The association's security context, once it is complete; null for an anonymous client.
    const SecurityContext* security() const;
    Protection protection() const { return security_->level; }

    // From now on.
    void set_limits(const Limits& limits) { limits_ = limits; }
    // Octets that are kept of requests which are not whole.
    std::size_t pending() const { return pending_; }

    // Octets that are no fragment: what decode_frame said. Before the bind it is
    // answered with bind_nak, later with a fault; then it is over.
    Step refuse(const Error& error);

    // The most octets of a reply's stub that one fragment carries; the same once there are calls.
    std::size_t longest_stub() const;
    // One fragment of a running call's reply, made where it lies: `fragment` holds the next part of
    // the stub, at most longest_stub() octets, behind response_stub_at octets of room. `left` is how
    // much of the stub comes from here on, as far as is known. The call ends with its `last`
    // fragment. Empty afterwards: nothing to send, since the client wants no answer.
    void answer(std::uint32_t call_id, Bytes& fragment, std::uint32_t left, bool last);
    // The call ends with a fault, also in the middle of its reply; nothing to send if the client
    // wants no answer.
    Bytes refuse_call(std::uint32_t call_id, const Error& error);

    // The most that decode_frame shall accept now.
    std::size_t longest_fragment() const { return bound_ ? max_receive_ : limits_.fragment; }

private:
    struct Context {
        std::size_t interface_index;
        bool is_verified = false; // a protected request has named its interface
    };
    struct Security {
        SecurityTrailer trailer; // of every fragment; without padding
        Protection level;
        std::unique_ptr<SecurityContext> context;
        bool client_signs_headers = false;
        unsigned legs = 0;
        bool failed = false; // an auth3, which has no answer, was refused
    };
    struct CallState {
        std::uint16_t context_id = 0;
        std::uint16_t opnum = 0;
        Bytes stub;           // while it is received
        bool running = false; // received whole
        bool refused = false; // a fault was sent; what still comes of it is dropped
        // No answer is wanted, nor a fault: the client has orphaned the call, or it is a maybe call
        // (C706 6.1.1.4), which none of our operations needs to be and any client may make it.
        bool unanswered = false;
        bool answered = false; // the reply's first fragment is made
        std::uint8_t cancels = 0;
    };

    Step protocol_error(const Header& header, std::string_view what) const;
    Step bind(const Fragment& fragment);
    Step alter_context(const Fragment& fragment);
    Step authenticate_last(const Fragment& fragment);
    Result<void> begin_security(const Fragment& fragment);
    Result<Bytes> security_leg(const Fragment& fragment);
    void append_token(Bytes& fragment, const Bytes& token) const;
    void tell_authenticated(Step& step) const;
    Result<std::span<const std::byte>> unprotected(const Fragment& fragment,
                                                   std::span<const std::byte> stub);
    Result<void> verify_call(std::uint32_t id, CallState& call);
    Result<void> protect(Bytes& response);
    std::vector<ContextResult> negotiate(const std::vector<ContextElement>& elements);
    ContextResult negotiate(const ContextElement& element);
    Step request(const Fragment& fragment);
    std::optional<Step> begin_call(const Fragment& fragment, const Request& request);
    Step add_to_call(const Fragment& fragment, CallState& call, std::span<const std::byte> stub);
    Step refuse_request(const Fragment& fragment, std::uint16_t context_id, std::uint32_t status);
    Step cancel(std::uint32_t call_id);
    Step orphan(std::uint32_t call_id);

    Limits limits_;
    std::vector<SyntaxId> interfaces_;
    std::string secondary_address_;
    JoinGroup join_group_;
    Accept accept_;
    std::optional<Security> security_; // once asked for
    Bytes plain_;                      // the stub of the protected fragment being received
    bool bound_ = false;
    std::uint32_t group_ = 0;
    std::size_t max_transmit_ = must_receive_size;
    std::size_t max_receive_ = must_receive_size;
    std::size_t pending_ = 0;
    std::map<std::uint16_t, Context> contexts_;
    std::map<std::uint32_t, CallState> calls_;
};

} // namespace ntdsb::rpc
