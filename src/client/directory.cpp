#include "client/directory.h"

#include "platform/process.h"

namespace ntdsb::client {

namespace {

// The process's state: made on first use and never destroyed (design point 10).
struct Process {
    HandleTable handles;
    std::mutex identity_mutex;
    std::shared_ptr<const transport::AuthIdentity> identity;
};

Process& process() {
    static auto* const instance = new Process;
    return *instance;
}

std::shared_ptr<const transport::AuthIdentity> current_identity() {
    const std::lock_guard lock(process().identity_mutex);
    return process().identity;
}

Result<transport::Route> connect(std::u16string_view server, wire::Interface interface_of) {
    return transport::connect(server, interface_of, current_identity());
}

// A context handle that was not kept is run down with its connection, so nothing is left behind if
// this fails.
Result<Handle> keep(SessionKind kind, std::shared_ptr<Session> session) {
    platform::pin_module();
    return process().handles.add(kind, std::move(session));
}

} // namespace

void start_log() noexcept {
    static std::once_flag once;
    // Nothing is thrown through call_once, which mingw's libstdc++ does not survive.
    std::call_once(once, [] {
        try {
            static_cast<void>(load_config());
        } catch (...) { // out of memory: the calls that need the configuration will tell
        }
    });
}

Result<bool> is_directory_online(std::u16string_view server) {
    NTDSB_TRY(const auto route, connect(server, wire::Interface::restore));
    NTDSB_TRY(const auto reply,
              invoke<wire::IsDirectoryOnline>(*route.connection, {route.instance}));
    return reply.online != 0;
}

Result<void> set_current_log_number(std::u16string_view server, std::uint32_t number) {
    NTDSB_TRY(const auto route, connect(server, wire::Interface::restore));
    NTDSB_TRY(const auto reply,
              invoke<wire::SetCurrentLogNumber>(*route.connection, {route.instance, number}));
    static_cast<void>(reply);
    return ok();
}

// Which names no server: this computer's default directory is asked.
Result<void> check_expiry_token(wire::Bytes token) {
    NTDSB_TRY(const auto route, connect(u"localhost", wire::Interface::restore));
    NTDSB_TRY(const auto reply, invoke<wire::CheckExpiryToken>(*route.connection,
                                                               {route.instance, std::move(token)}));
    static_cast<void>(reply);
    return ok();
}

Result<PreparedBackup> prepare_backup(std::u16string_view server, std::uint32_t grbit,
                                      std::uint32_t type) {
    NTDSB_TRY(auto route, connect(server, wire::Interface::backup));
    NTDSB_TRY(auto reply,
              invoke<wire::BackupPrepare>(*route.connection, {route.instance, grbit, type}));
    if (!reply.token)
        return fail(hrCommunicationError, "the service answered without an expiry token");
    NTDSB_TRY(const Handle handle, keep(SessionKind::backup, std::make_shared<BackupSession>(
                                                                 std::move(route), reply.session)));
    return PreparedBackup{handle, std::move(*reply.token)};
}

Result<Handle> prepare_restore(std::u16string_view server, std::uint32_t flags,
                               std::optional<wire::Bytes> token) {
    const bool restricted = !token;
    NTDSB_TRY(auto route, connect(server, wire::Interface::restore));
    NTDSB_TRY(const auto reply, invoke<wire::RestorePrepare>(
                                    *route.connection, {route.instance, flags, std::move(token)}));
    return keep(SessionKind::restore,
                std::make_shared<RestoreSession>(std::move(route), reply.session, restricted));
}

Result<std::shared_ptr<RestoreSession>> find_restore(Handle handle) {
    NTDSB_TRY(const auto session, process().handles.find(handle, SessionKind::restore));
    return std::static_pointer_cast<RestoreSession>(session);
}

Result<std::shared_ptr<BackupSession>> find_backup(Handle handle) {
    NTDSB_TRY(const auto session, process().handles.find(handle, SessionKind::backup));
    return std::static_pointer_cast<BackupSession>(session);
}

Result<void> end_session(Handle handle, SessionKind kind) {
    NTDSB_TRY(const auto session, process().handles.remove(handle, kind));
    return session->end();
}

void set_identity(std::optional<transport::AuthIdentity> identity) {
    std::shared_ptr<const transport::AuthIdentity> next;
    if (identity) next = std::make_shared<const transport::AuthIdentity>(std::move(*identity));
    const std::lock_guard lock(process().identity_mutex);
    process().identity.swap(next);
}

} // namespace ntdsb::client
