// The client's side of one association over a blocking stream (C706 9.5 and 12.6, MS-RPCE 3.3):
// authenticates if asked to, binds to one interface, then makes calls one at a time. Replies go from
// the stream straight into the sink (design decision 5), protected ones through one fragment's
// memory. Knows no operation and no socket.
#pragma once

#include "rpc/pdu.h"
#include "rpc/security_context.h"
#include "rpc/stream.h"
#include "wire/reply_sink.h"

#include <atomic>
#include <memory>
#include <mutex>

namespace ntdsb::rpc {

class ClientAssociation {
public:
    // Binds. The errors: hrCouldNotConnect when the server refuses or does not know the interface,
    // ERROR_ACCESS_DENIED when it refuses the credentials or does not prove its own (some
    // mechanisms tell at the first call only), hrCommunicationError when it does not speak the
    // protocol or hangs up. Fragments are not longer than `longest`, nor than the server wants.
    // With `security`, whose context has made no step, every request is protected, and no answer
    // is taken that is not; there is no way back to less.
    static Result<std::unique_ptr<ClientAssociation>>
    bind(std::unique_ptr<Stream> stream, const SyntaxId& interface_of, std::uint16_t longest,
         std::optional<ClientSecurity> security = std::nullopt);

    // One call; a fault is an error with its code (fault_status.h). When the connection is lost or
    // the answer makes no sense the code is hrCommunicationError, also of every later call: nothing
    // is sent twice.
    Result<void> call(std::uint16_t opnum, std::span<const std::byte> request,
                      wire::ReplySink& reply);

    // Tells the server that the running call may end; from any thread, never waits for the server.
    void cancel() noexcept;

private:
    ClientAssociation(std::unique_ptr<Stream> stream, std::uint16_t longest,
                      const SyntaxId& interface_of, std::optional<ClientSecurity> security)
        : stream_(std::move(stream)), longest_(longest), interface_(interface_of),
          security_(std::move(security)) {}

    Result<void> negotiate();
    Result<Fragment> offer(PduType type, PduType answer, const Bytes& token);
    Result<void> authenticate(std::span<const std::byte> token);
    SecurityTrailer trailer() const;
    Result<void> send_request(std::uint16_t opnum, std::span<const std::byte> stub);
    Result<void> protect(Bytes& fragment);
    Result<void> receive_reply(wire::ReplySink& reply);
    Result<void> receive_stub(std::size_t size, wire::ReplySink& reply);
    Result<void> receive_protected_stub(const Frame& frame, wire::ReplySink& reply);
    Result<Frame> next_frame();
    Result<Fragment> rest_of(const Frame& frame);
    Error refused(const Fragment& fault) const;
    Error lost(const Error& why);

    std::unique_ptr<Stream> stream_;
    std::size_t longest_;
    SyntaxId interface_;
    std::optional<ClientSecurity> security_;
    Bytes received_; // the fragment that was read whole, last
    std::size_t max_transmit_ = must_receive_size;
    bool has_begun_ = false; // octets of the last call may have been sent
    bool broken_ = false;
    bool answered_ = false; // something came that was protected

    // Between the calling thread, which writes requests, and `cancel`.
    std::mutex sending_;
    std::atomic<std::uint32_t> sent_{0}; // the id of the call that waits for its reply, 0 for none
    std::atomic<bool> cancel_wanted_{false};
    // The bind's id. An answer that carries it belongs to the running call, too, since the bind is
    // long answered: Wine's rpcrt4 numbers every fragment 1, where C706 12.6.3 has the call's id.
    static constexpr std::uint32_t bind_call = 1;
    std::uint32_t last_call_ = bind_call;
};

} // namespace ntdsb::rpc
