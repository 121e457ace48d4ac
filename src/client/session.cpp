#include "client/session.h"

#include "core/log.h"
#include "wire/read_reply.h"

#include <algorithm>

namespace ntdsb::client {

Session::Turn::Turn(Session& session) : session_(session) {
    std::unique_lock lock(session.mutex_);
    session.changed_.wait(lock, [&] { return !session.busy_ || session.ended_; });
    granted_ = !session.ended_;
    if (granted_) session.busy_ = true;
}

Session::Turn::~Turn() {
    if (!granted_) return;
    {
        const std::lock_guard lock(session_.mutex_);
        session_.busy_ = false;
    }
    session_.changed_.notify_all();
}

Result<void> Session::end(std::chrono::milliseconds patience) {
    bool idle = false;
    {
        std::unique_lock lock(mutex_);
        ended_ = true; // the calls that wait give up
        changed_.notify_all();
        if (busy_) connection_->cancel();
        idle = changed_.wait_until(lock, std::chrono::steady_clock::now() + patience,
                                   [&] { return !busy_; });
    }
    if (!idle) {
        log::warn("COM-11: a call still ran ", patience.count(),
                  " ms after its handle was ended; its connection is abandoned");
        connection_->abandon();
        return ok();
    }
    connection_->limit(std::chrono::steady_clock::now() + patience);
    if (const auto ended = end_on_service(); !ended)
        log::warn("COM-8: the session was not ended on the service: ", ended.error().what,
                  "; it will be run down there");
    return ok();
}

namespace {

template <class Reply>
Result<std::u16string> list_of(Result<Reply> reply) {
    NTDSB_TRY(auto value, std::move(reply));
    if (!value.list) return fail(hrCommunicationError, "the service answered without a list");
    return std::move(*value.list);
}

template <class Reply>
Result<void> status_of(const Result<Reply>& reply) {
    if (!reply) return reply.error();
    return ok();
}

} // namespace

Result<void> RestoreSession::check_unrestricted() const {
    if (!restricted_) return ok();
    return fail(hrMissingExpiryToken, "PREP-2: the handle was prepared without an expiry token; "
                                      "prepare it with the token that DsBackupPrepare gave");
}

Result<std::u16string> RestoreSession::database_locations() {
    return list_of(call<wire::RestoreGetDatabaseLocations>({context()}));
}

Result<void> RestoreSession::register_restore(wire::RestoreRegister::Request request) {
    request.session = context();
    return status_of(call<wire::RestoreRegister>(request));
}

Result<void> RestoreSession::complete(Code restore_state) {
    return status_of(call<wire::RestoreRegisterComplete>({context(), restore_state}));
}

Result<void> RestoreSession::end_on_service() {
    return status_of(invoke<wire::RestoreEnd>(connection(), {context()}));
}

Result<std::u16string> BackupSession::database_locations() {
    return list_of(call<wire::BackupGetDatabaseLocations>({context()}));
}
Result<std::u16string> BackupSession::database_names() {
    return list_of(call<wire::BackupGetDatabaseNames>({context()}));
}
Result<std::u16string> BackupSession::backup_logs() {
    return list_of(call<wire::BackupGetBackupLogs>({context()}));
}

Result<std::uint64_t> BackupSession::open_file(std::u16string name, std::uint32_t read_hint) {
    NTDSB_TRY(const auto reply,
              call<wire::BackupOpenFile>({context(), std::move(name), read_hint}));
    return reply.size;
}

Result<std::uint32_t> BackupSession::read(std::span<std::byte> buffer) {
    const auto size =
        static_cast<std::uint32_t>(std::min<std::size_t>(buffer.size(), wire::max_read_bytes));
    return exclusively([&]() -> Result<std::uint32_t> {
        wire::ReadReplySink sink(buffer.first(size));
        NTDSB_CHECK(connection().call(wire::BackupRead::opnum,
                                      wire::encode(wire::BackupRead::Request{context(), size}),
                                      sink));
        NTDSB_TRY(const auto outcome, sink.outcome());
        if (outcome.status != S_OK)
            return fail(outcome.status, "the service refused (its log says why)");
        return outcome.count;
    });
}

Result<void> BackupSession::close_file() { return status_of(call<wire::BackupClose>({context()})); }
Result<void> BackupSession::truncate_logs() {
    return status_of(call<wire::BackupTruncateLogs>({context()}));
}
Result<void> BackupSession::end_on_service() {
    return status_of(invoke<wire::BackupEnd>(connection(), {context()}));
}

} // namespace ntdsb::client
