// The operations by number: each row decodes its request, finds and locks its session, runs one
// method and encodes the reply (operations.h).
#include "service/operations.h"

#include "core/log.h"
#include "wire/ndr.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <new>

namespace ntdsb::service {

namespace {

using State = Association::State;

// One operation of one caller, as it appears in the log.
class LoggedOperation {
public:
    LoggedOperation(std::string_view name, const Caller& caller) : name_(name), caller_(caller) {}

    // A success at `level`, a refusal as a warning with its reason: rule and argument.
    void tell(log::Level level, const Result<void>& outcome) const noexcept {
        using namespace std::chrono;
        const auto took = duration_cast<microseconds>(steady_clock::now() - start_).count();
        const std::string_view who = caller_.name.empty() ? std::string_view("a local caller")
                                                          : std::string_view(caller_.name);
        if (outcome)
            log::line(level, name_, " by ", who, ": S_OK in ", took, " us");
        else
            log::warn(name_, " by ", who, ": ", hex(outcome.error().code), " in ", took,
                      " us: ", outcome.error().what);
    }

private:
    std::string_view name_;
    const Caller& caller_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What an operation does; `reply` is filled on success. One specialisation each.
template <class Op>
Result<void> run(State& state, const typename Op::Request& request, typename Op::Reply& reply);

// The same for what depends on who calls, or may last and can be cancelled.
template <class Op>
Result<void> run(State& state, const CallContext&, const typename Op::Request& request,
                 typename Op::Reply& reply) {
    return run<Op>(state, request, reply);
}

template <>
Result<void> run<wire::IsDirectoryOnline>(State& state,
                                          const wire::IsDirectoryOnline::Request& request,
                                          wire::IsDirectoryOnline::Reply& reply) {
    NTDSB_TRY(const bool online, is_directory_online(state.config, request.instance));
    reply.online = online ? 1 : 0;
    return ok();
}

template <>
Result<void> run<wire::RestorePrepare>(State& state, const wire::RestorePrepare::Request& request,
                                       wire::RestorePrepare::Reply& reply) {
    NTDSB_TRY(auto session, RestoreSession::prepare(state.config, request));
    NTDSB_TRY(reply.session, state.add(std::move(session)));
    return ok();
}

template <>
Result<void> run<wire::RestoreRegister>(State& state, const CallContext& context,
                                        const wire::RestoreRegister::Request& request,
                                        wire::StatusReply&) {
    return state.with_restore(request.session, [&](RestoreSession& session) {
        return session.register_restore(
            request, context.caller.is_local ? nullptr : &state.config->service.restore_roots);
    });
}

template <>
Result<void>
run<wire::RestoreRegisterComplete>(State& state, const CallContext& context,
                                   const wire::RestoreRegisterComplete::Request& request,
                                   wire::StatusReply&) {
    return state.with_restore(request.session, [&](RestoreSession& session) {
        return session.complete(request.restore_state, context.cancelled);
    });
}

template <>
Result<void> run<wire::RestoreGetDatabaseLocations>(State& state,
                                                    const wire::SessionRequest& request,
                                                    wire::ListReply& reply) {
    return state.with_restore(request.session, [&](RestoreSession& session) -> Result<void> {
        reply.list = session.locations();
        return ok();
    });
}

template <>
Result<void> run<wire::RestoreEnd>(State& state, const wire::SessionRequest& request,
                                   wire::EndReply&) {
    return state.end(request.session, SessionKind::restore);
}

template <>
Result<void> run<wire::SetCurrentLogNumber>(State& state,
                                            const wire::SetCurrentLogNumber::Request& request,
                                            wire::StatusReply&) {
    return set_current_log_number(state.config, request);
}

template <>
Result<void> run<wire::CheckExpiryToken>(State& state,
                                         const wire::CheckExpiryToken::Request& request,
                                         wire::StatusReply&) {
    return check_expiry_token(state.config, request);
}

template <>
Result<void> run<wire::BackupPrepare>(State& state, const wire::BackupPrepare::Request& request,
                                      wire::BackupPrepare::Reply& reply) {
    NTDSB_TRY(auto prepared, BackupSession::prepare(state.config, request));
    NTDSB_TRY(reply.session, state.add(std::move(prepared.session)));
    reply.token = encode_token(prepared.token);
    return ok();
}

template <>
Result<void> run<wire::BackupEnd>(State& state, const wire::SessionRequest& request,
                                  wire::EndReply&) {
    return state.end(request.session, SessionKind::backup);
}

template <>
Result<void> run<wire::BackupGetDatabaseNames>(State& state, const wire::SessionRequest& request,
                                               wire::ListReply& reply) {
    return state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        NTDSB_TRY(reply.list, session.database_names());
        return ok();
    });
}

template <>
Result<void> run<wire::BackupOpenFile>(State& state, const wire::BackupOpenFile::Request& request,
                                       wire::BackupOpenFile::Reply& reply) {
    return state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        NTDSB_TRY(reply.size, session.open_file(request.name));
        return ok();
    });
}

template <>
Result<void> run<wire::BackupClose>(State& state, const wire::SessionRequest& request,
                                    wire::StatusReply&) {
    return state.with_backup(request.session,
                             [](BackupSession& session) { return session.close_file(); });
}

template <>
Result<void> run<wire::BackupGetBackupLogs>(State& state, const wire::SessionRequest& request,
                                            wire::ListReply& reply) {
    return state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        NTDSB_TRY(reply.list, session.backup_logs());
        return ok();
    });
}

template <>
Result<void> run<wire::BackupTruncateLogs>(State& state, const wire::SessionRequest& request,
                                           wire::StatusReply&) {
    return state.with_backup(request.session,
                             [](BackupSession& session) { return session.truncate_logs(); });
}

template <>
Result<void> run<wire::BackupPing>(State&, const wire::BackupPing::Request&, wire::StatusReply&) {
    return ok();
}

template <>
Result<void> run<wire::BackupGetDatabaseLocations>(State& state,
                                                   const wire::SessionRequest& request,
                                                   wire::ListReply& reply) {
    return state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        reply.list = session.locations();
        return ok();
    });
}

// What every reply but a list or a token takes, in bytes.
constexpr std::size_t small_reply = 64;

// Decodes, runs, encodes. A failure is the reply's status; the other fields are then empty.
template <class Op>
Result<void> serve(State& state, const CallContext& context, std::string_view name,
                   std::span<const std::byte> stub, wire::ReplySink& sink) {
    const LoggedOperation logged(name, context.caller);
    NTDSB_TRY(const auto request, wire::decode<typename Op::Request>(stub));
    typename Op::Reply reply;
    // Room for the answer first: what the call will have done stands, whatever memory is left
    // (COM-10).
    wire::NdrEncoder answer;
    answer.reserve(small_reply);
    static_cast<void>(sink.lend(small_reply));
    Result<void> outcome = ok();
    try {
        outcome = run<Op>(state, context, request, reply);
    } catch (const std::bad_alloc&) {
        outcome = Error{static_cast<Code>(ERROR_NOT_ENOUGH_MEMORY), {}}; // COM-10
    }
    logged.tell(log::Level::info, outcome);
    if (!outcome) {
        reply = {};
        reply.status = outcome.error().code;
    }
    answer.structure(reply);
    return sink.write(answer.take());
}

// BackupRead writes its reply itself, the bytes straight into the sink, and tells of its failures
// there. A backup has thousands of them: not for the log at info.
Result<void> serve_read(State& state, const CallContext& context, std::string_view name,
                        std::span<const std::byte> stub, wire::ReplySink& sink) {
    const LoggedOperation logged(name, context.caller);
    NTDSB_TRY(const auto request, wire::decode<wire::BackupRead::Request>(stub));
    Result<void> sent = ok();
    const auto found =
        state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
            sent = session.read(request.size, sink);
            return ok();
        });
    logged.tell(log::Level::debug, found ? sent : found);
    if (found) return sent;
    wire::ReadReplyWriter writer(sink);
    NTDSB_CHECK(writer.begin(request.size, 0));
    return writer.finish(found.error().code);
}

template <class Op>
constexpr Operation operation(std::string_view name, Need need) {
    return {Op::interface_of, Op::opnum, name, need, serve<Op>};
}

constexpr std::array operations{
    operation<wire::IsDirectoryOnline>("IsDirectoryOnline", Need::either),
    operation<wire::RestorePrepare>("RestorePrepare", Need::restore),
    operation<wire::RestoreRegister>("RestoreRegister", Need::restore),
    operation<wire::RestoreRegisterComplete>("RestoreRegisterComplete", Need::restore),
    operation<wire::RestoreGetDatabaseLocations>("RestoreGetDatabaseLocations", Need::restore),
    operation<wire::RestoreEnd>("RestoreEnd", Need::either),
    operation<wire::SetCurrentLogNumber>("SetCurrentLogNumber", Need::backup),
    operation<wire::CheckExpiryToken>("CheckExpiryToken", Need::either),
    operation<wire::BackupPrepare>("BackupPrepare", Need::backup),
    operation<wire::BackupEnd>("BackupEnd", Need::either),
    operation<wire::BackupGetDatabaseNames>("BackupGetDatabaseNames", Need::backup),
    operation<wire::BackupOpenFile>("BackupOpenFile", Need::backup),
    Operation{wire::BackupRead::interface_of, wire::BackupRead::opnum, "BackupRead", Need::backup,
              serve_read},
    operation<wire::BackupClose>("BackupClose", Need::backup),
    operation<wire::BackupGetBackupLogs>("BackupGetBackupLogs", Need::backup),
    operation<wire::BackupTruncateLogs>("BackupTruncateLogs", Need::backup),
    operation<wire::BackupPing>("BackupPing", Need::either),
    operation<wire::BackupGetDatabaseLocations>("BackupGetDatabaseLocations", Need::backup),
};

} // namespace

const Operation* find_operation(wire::Interface interface_of, std::uint16_t opnum) {
    const auto is_it = [&](const Operation& row) {
        return row.interface_of == interface_of && row.opnum == opnum;
    };
    const auto row = std::find_if(operations.begin(), operations.end(), is_it);
    return row == operations.end() ? nullptr : &*row;
}

} // namespace ntdsb::service
