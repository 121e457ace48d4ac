// The client's side of a session: its connection, its context handle, and the rule that calls come
// one at a time (contract COM-11). Knows the operations' structs, no transport and no A/W.
#pragma once

#include "client/handle_table.h"
#include "platform/process.h"
#include "transport/transport.h"
#include "wire/ndr.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace ntdsb::client {

// What a reply may take in memory.
inline constexpr std::size_t max_reply_bytes = 2 * std::size_t{wire::max_list_characters} + 64;

// One operation over a connection: encodes, calls, decodes; a status other than 0 is the error.
template <class Op>
Result<typename Op::Reply> invoke(transport::Connection& connection,
                                  const typename Op::Request& request) {
    wire::BufferSink sink(max_reply_bytes);
    NTDSB_CHECK(connection.call(Op::opnum, wire::encode(request), sink));
    NTDSB_TRY(auto reply, wire::decode<typename Op::Reply>(sink.bytes()));
    if (reply.status != S_OK) return fail(reply.status, "the service refused (its log says why)");
    return reply;
}

class Session {
public:
    // cppcheck-suppress passedByValue ; a Route is moved, it cannot be copied
    Session(transport::Route route, const wire::ContextHandle& context)
        : connection_(std::move(route.connection)), context_(context) {}
    virtual ~Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // How long End waits for a call that runs, and then for the service.
    static constexpr std::chrono::milliseconds end_patience{10'000};

    // Cancels a running verification, waits for any other call, and ends the session on the
    // service; one that does not come back in time is abandoned with its connection, and so is the
    // service where it does not answer in time. A lost connection is no error: the handle is ended.
    // Called once, by whoever took the handle out of the table.
    Result<void> end(std::chrono::milliseconds patience = end_patience);

protected:
    // Runs `action` when no other call runs; ERROR_INVALID_PARAMETER once the handle was ended.
    template <class Action>
    auto exclusively(Action action) -> decltype(action()) {
        const Turn turn(*this);
        if (!turn.granted())
            return fail(ERROR_INVALID_PARAMETER,
                        "COM-11: the handle was ended while this call waited");
        return action();
    }
    template <class Op>
    Result<typename Op::Reply> call(const typename Op::Request& request) {
        return exclusively([&] { return invoke<Op>(*connection_, request); });
    }
    virtual Result<void> end_on_service() = 0;

    transport::Connection& connection() const { return *connection_; }
    const wire::ContextHandle& context() const { return context_; }

private:
    // A call's turn: waits for the one before it.
    class Turn {
    public:
        explicit Turn(Session& session);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        bool granted() const { return granted_; }

    private:
        Session& session_;
        bool granted_;
    };

    std::unique_ptr<transport::Connection> connection_;
    wire::ContextHandle context_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool busy_ = false;
    bool ended_ = false;
};

class RestoreSession final : public Session {
public:
    RestoreSession(transport::Route route, const wire::ContextHandle& context, bool restricted)
        : Session(std::move(route), context), restricted_(restricted) {}

    // hrMissingExpiryToken for a restricted session (contract PREP-2).
    Result<void> check_unrestricted() const;
    Result<std::u16string> database_locations();
    Result<void> register_restore(wire::RestoreRegister::Request request);
    Result<void> complete(Code restore_state);

private:
    Result<void> end_on_service() override;
    bool restricted_;
};

class BackupSession final : public Session {
public:
    using Session::Session;

    Result<std::u16string> database_locations();
    Result<std::u16string> database_names();
    Result<std::u16string> backup_logs();
    Result<std::uint64_t> open_file(std::u16string name, std::uint32_t read_hint);
    // Reads into `buffer`, at most wire::max_read_bytes at once; returns the bytes read.
    Result<std::uint32_t> read(std::span<std::byte> buffer);
    Result<void> close_file();
    Result<void> truncate_logs();

private:
    Result<void> end_on_service() override;
};

} // namespace ntdsb::client
