// What the exports start from: a server's name, a handle, or the process's identity. The process's
// handle table and identity live here.
#pragma once

#include "client/session.h"

#include <optional>

namespace ntdsb::client {

// Configures the log as soon as the process makes its first call, so that its arguments are traced;
// a wrong configuration is reported by the calls that need it.
void start_log() noexcept;

Result<bool> is_directory_online(std::u16string_view server);
Result<void> set_current_log_number(std::u16string_view server, std::uint32_t number);
Result<void> check_expiry_token(wire::Bytes token);

struct PreparedBackup {
    Handle handle;
    wire::Bytes token;
};
Result<PreparedBackup> prepare_backup(std::u16string_view server, std::uint32_t grbit,
                                      std::uint32_t type);
// Without a token the handle is restricted (contract PREP-2).
Result<Handle> prepare_restore(std::u16string_view server, std::uint32_t flags,
                               std::optional<wire::Bytes> token);

// COM-1: ERROR_INVALID_PARAMETER unless the handle is a live one of that kind.
Result<std::shared_ptr<RestoreSession>> find_restore(Handle handle);
Result<std::shared_ptr<BackupSession>> find_backup(Handle handle);
// Of several callers exactly one ends the session; the others get ERROR_INVALID_PARAMETER.
Result<void> end_session(Handle handle, SessionKind kind);

// AUTH-1: for the handles prepared from now on; std::nullopt returns to the process's own.
void set_identity(std::optional<transport::AuthIdentity> identity);

} // namespace ntdsb::client
