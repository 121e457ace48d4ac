// The dispatcher (service.h): one table over all operations; each row decodes its request, finds and locks its session, runs one method and encodes the reply.
#include "service/service.h"

#include "core/log.h"
#include "platform/process.h"
#include "service/sessions.h"
#include "wire/ndr.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <new>

namespace ntdsb::service {

namespace {

// A session and the lock that serialises its calls. `session` is empty once it was ended while a call waited.
struct Entry {
    std::mutex mutex;
    std::unique_ptr<Session> session;
};

} // namespace

struct Association::State {
    ConfigPtr config;
    Caller caller;
    std::atomic<bool> cancelled{false};
    std::mutex mutex;
    std::map<wire::Uuid, std::shared_ptr<Entry>> sessions;

    Result<wire::ContextHandle> add(std::unique_ptr<Session> session);
    std::shared_ptr<Entry> find(const wire::ContextHandle& handle);
    Result<void> end(const wire::ContextHandle& handle, SessionKind kind);

    // Runs `action` on the session behind `handle`, if it is one of that kind.
    template <class Kind, class Action>
    Result<void> with(const wire::ContextHandle& handle, SessionKind kind, Action action);
    template <class Action>
    Result<void> with_restore(const wire::ContextHandle& handle, Action action) {
        return with<RestoreSession>(handle, SessionKind::restore, action);
    }
    template <class Action>
    Result<void> with_backup(const wire::ContextHandle& handle, Action action) {
        return with<BackupSession>(handle, SessionKind::backup, action);
    }
};

namespace {

using State = Association::State;

Error no_session() { return fail(ERROR_INVALID_PARAMETER, "COM-1: the context handle names no session of this kind"); }

} // namespace

Result<wire::ContextHandle> State::add(std::unique_ptr<Session> session) {
    wire::ContextHandle handle;
    NTDSB_CHECK(platform::random_bytes(std::as_writable_bytes(std::span(handle.uuid))));
    auto entry = std::make_shared<Entry>();
    entry->session = std::move(session);
    const std::lock_guard lock(mutex);
    sessions.emplace(handle.uuid, std::move(entry));
    return handle;
}

std::shared_ptr<Entry> State::find(const wire::ContextHandle& handle) {
    const std::lock_guard lock(mutex);
    const auto found = sessions.find(handle.uuid);
    return found == sessions.end() ? nullptr : found->second;
}

template <class Kind, class Action>
Result<void> State::with(const wire::ContextHandle& handle, SessionKind kind, Action action) {
    const auto entry = find(handle);
    if (!entry) return no_session();
    const std::lock_guard lock(entry->mutex);
    if (!entry->session || entry->session->kind() != kind) return no_session();
    return action(static_cast<Kind&>(*entry->session));
}

Result<void> State::end(const wire::ContextHandle& handle, SessionKind kind) {
    NTDSB_CHECK(with<Session>(handle, kind, [](Session&) -> Result<void> { return ok(); }));
    std::shared_ptr<Entry> entry;
    {
        const std::lock_guard lock(mutex);
        const auto found = sessions.find(handle.uuid);
        if (found == sessions.end()) return no_session();
        entry = std::move(found->second);
        sessions.erase(found);
    }
    const std::lock_guard lock(entry->mutex);
    entry->session.reset();
    return ok();
}

namespace {

void log_outcome(std::string_view operation, const Caller& caller, const Result<void>& outcome, std::chrono::steady_clock::duration took) {
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    const std::string_view who = caller.is_local ? std::string_view("local caller") : std::string_view(caller.name);
    if (outcome)
        log::info(operation, " by ", who, ": S_OK in ", microseconds, " us");
    else
        log::warn(operation, " by ", who, ": ", hex(outcome.error().code), " in ", microseconds, " us: ", outcome.error().what);
}

// What an operation does; `reply` is filled on success. One specialisation each.
template <class Op>
Result<void> run(State& state, const typename Op::Request& request, typename Op::Reply& reply);

template <>
Result<void> run<wire::IsDirectoryOnline>(State& state, const wire::IsDirectoryOnline::Request& request, wire::IsDirectoryOnline::Reply& reply) {
    NTDSB_TRY(const bool online, is_directory_online(state.config, request.instance));
    reply.online = online ? 1 : 0;
    return ok();
}

template <>
Result<void> run<wire::RestorePrepare>(State& state, const wire::RestorePrepare::Request& request, wire::RestorePrepare::Reply& reply) {
    NTDSB_TRY(auto session, RestoreSession::prepare(state.config, request));
    NTDSB_TRY(reply.session, state.add(std::move(session)));
    return ok();
}

template <>
Result<void> run<wire::RestoreRegister>(State& state, const wire::RestoreRegister::Request& request, wire::StatusReply&) {
    return state.with_restore(request.session, [&](RestoreSession& session) { return session.register_restore(request); });
}

template <>
Result<void> run<wire::RestoreRegisterComplete>(State& state, const wire::RestoreRegisterComplete::Request& request, wire::StatusReply&) {
    return state.with_restore(request.session, [&](RestoreSession& session) { return session.complete(request.restore_state, state.cancelled); });
}

template <>
Result<void> run<wire::RestoreGetDatabaseLocations>(State& state, const wire::SessionRequest& request, wire::ListReply& reply) {
    return state.with_restore(request.session, [&](RestoreSession& session) -> Result<void> {
        reply.list = session.locations();
        return ok();
    });
}

template <>
Result<void> run<wire::RestoreEnd>(State& state, const wire::SessionRequest& request, wire::EndReply&) {
    return state.end(request.session, SessionKind::restore);
}

template <>
Result<void> run<wire::SetCurrentLogNumber>(State& state, const wire::SetCurrentLogNumber::Request& request, wire::StatusReply&) {
    return set_current_log_number(state.config, request);
}

template <>
Result<void> run<wire::CheckExpiryToken>(State& state, const wire::CheckExpiryToken::Request& request, wire::StatusReply&) {
    return check_expiry_token(state.config, request);
}

template <>
Result<void> run<wire::BackupPrepare>(State& state, const wire::BackupPrepare::Request& request, wire::BackupPrepare::Reply& reply) {
    NTDSB_TRY(auto prepared, BackupSession::prepare(state.config, request));
    NTDSB_TRY(reply.session, state.add(std::move(prepared.session)));
    reply.token = encode_token(prepared.token);
    return ok();
}

template <>
Result<void> run<wire::BackupEnd>(State& state, const wire::SessionRequest& request, wire::EndReply&) {
    return state.end(request.session, SessionKind::backup);
}

template <>
Result<void> run<wire::BackupGetDatabaseNames>(State& state, const wire::SessionRequest& request, wire::ListReply& reply) {
    return state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        NTDSB_TRY(reply.list, session.database_names());
        return ok();
    });
}

template <>
Result<void> run<wire::BackupOpenFile>(State& state, const wire::BackupOpenFile::Request& request, wire::BackupOpenFile::Reply& reply) {
    return state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        NTDSB_TRY(reply.size, session.open_file(request.name));
        return ok();
    });
}

template <>
Result<void> run<wire::BackupClose>(State& state, const wire::SessionRequest& request, wire::StatusReply&) {
    return state.with_backup(request.session, [](BackupSession& session) { return session.close_file(); });
}

template <>
Result<void> run<wire::BackupGetBackupLogs>(State& state, const wire::SessionRequest& request, wire::ListReply& reply) {
    return state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        NTDSB_TRY(reply.list, session.backup_logs());
        return ok();
    });
}

template <>
Result<void> run<wire::BackupTruncateLogs>(State& state, const wire::SessionRequest& request, wire::StatusReply&) {
    return state.with_backup(request.session, [](BackupSession& session) { return session.truncate_logs(); });
}

template <>
Result<void> run<wire::BackupPing>(State&, const wire::BackupPing::Request&, wire::StatusReply&) {
    return ok();
}

template <>
Result<void> run<wire::BackupGetDatabaseLocations>(State& state, const wire::SessionRequest& request, wire::ListReply& reply) {
    return state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        reply.list = session.locations();
        return ok();
    });
}

struct Operation {
    wire::Interface interface_of;
    std::uint16_t opnum;
    std::string_view name;
    Result<void> (*serve)(State& state, std::string_view name, std::span<const std::byte> request, wire::ReplySink& reply);
};

// Decodes, runs, encodes. A failure is the reply's status; the other fields are then empty.
template <class Op>
Result<void> serve(State& state, std::string_view name, std::span<const std::byte> stub, wire::ReplySink& sink) {
    const auto start = std::chrono::steady_clock::now();
    NTDSB_TRY(const auto request, wire::decode<typename Op::Request>(stub));
    typename Op::Reply reply;
    Result<void> outcome = ok();
    try {
        outcome = run<Op>(state, request, reply);
    } catch (const std::bad_alloc&) {
        outcome = Error{static_cast<Code>(ERROR_NOT_ENOUGH_MEMORY), {}};
    }
    log_outcome(name, state.caller, outcome, std::chrono::steady_clock::now() - start);
    if (!outcome) {
        reply = {};
        reply.status = outcome.error().code;
    }
    return sink.write(wire::encode(reply));
}

// BackupRead writes its reply itself, the bytes straight into the sink.
Result<void> serve_read(State& state, std::string_view name, std::span<const std::byte> stub, wire::ReplySink& sink) {
    NTDSB_TRY(const auto request, wire::decode<wire::BackupRead::Request>(stub));
    Result<void> sent = ok();
    const auto found = state.with_backup(request.session, [&](BackupSession& session) -> Result<void> {
        sent = session.read(request.size, sink);
        return ok();
    });
    if (found) return sent;
    log::warn(name, ": ", found.error().what);
    wire::ReadReplyWriter writer(sink);
    NTDSB_CHECK(writer.begin(request.size, 0));
    return writer.finish(found.error().code);
}

template <class Op>
constexpr Operation operation(std::string_view name) {
    return {Op::interface_of, Op::opnum, name, serve<Op>};
}

constexpr std::array operations{
    operation<wire::IsDirectoryOnline>("IsDirectoryOnline"),
    operation<wire::RestorePrepare>("RestorePrepare"),
    operation<wire::RestoreRegister>("RestoreRegister"),
    operation<wire::RestoreRegisterComplete>("RestoreRegisterComplete"),
    operation<wire::RestoreGetDatabaseLocations>("RestoreGetDatabaseLocations"),
    operation<wire::RestoreEnd>("RestoreEnd"),
    operation<wire::SetCurrentLogNumber>("SetCurrentLogNumber"),
    operation<wire::CheckExpiryToken>("CheckExpiryToken"),
    operation<wire::BackupPrepare>("BackupPrepare"),
    operation<wire::BackupEnd>("BackupEnd"),
    operation<wire::BackupGetDatabaseNames>("BackupGetDatabaseNames"),
    operation<wire::BackupOpenFile>("BackupOpenFile"),
    Operation{wire::BackupRead::interface_of, wire::BackupRead::opnum, "BackupRead", serve_read},
    operation<wire::BackupClose>("BackupClose"),
    operation<wire::BackupGetBackupLogs>("BackupGetBackupLogs"),
    operation<wire::BackupTruncateLogs>("BackupTruncateLogs"),
    operation<wire::BackupPing>("BackupPing"),
    operation<wire::BackupGetDatabaseLocations>("BackupGetDatabaseLocations"),
};

} // namespace

Association::Association(ConfigPtr config, Caller caller) : state_(std::make_unique<State>()) {
    state_->config = std::move(config);
    state_->caller = std::move(caller);
}

Association::~Association() = default;

Result<void> Association::call(wire::Interface interface_of, std::uint16_t opnum, std::span<const std::byte> request, wire::ReplySink& reply) {
    const auto row = std::find_if(operations.begin(), operations.end(),
                                  [&](const Operation& candidate) { return candidate.interface_of == interface_of && candidate.opnum == opnum; });
    if (row == operations.end()) return fail(RPC_S_PROCNUM_OUT_OF_RANGE, "operation ", opnum, " does not exist");
    try {
        return row->serve(*state_, row->name, request, reply);
    } catch (const std::bad_alloc&) {
        return Error{static_cast<Code>(ERROR_NOT_ENOUGH_MEMORY), {}};
    }
}

void Association::cancel() noexcept { state_->cancelled = true; }

} // namespace ntdsb::service
