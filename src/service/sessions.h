// The sessions behind context handles, one class a kind, each method one operation. They own the
// state machine (design decision 5); the dispatcher (service.cpp) decodes, looks up, locks the
// session and calls. Methods of one session are never called at the same time.
#pragma once

#include "service/backup_reader.h"
#include "service/expiry_token.h"
#include "service/interlock.h"
#include "service/remote_paths.h"
#include "service/service.h"
#include "wire/read_reply.h"

#include <atomic>
#include <optional>

namespace ntdsb::service {

enum class SessionKind { restore, backup };

class Session {
public:
    virtual ~Session() = default;
    SessionKind kind() const noexcept { return kind_; }
    // LOC-1, LOC-2: both kinds, restricted ones too.
    std::u16string locations() const;

protected:
    Session(SessionKind kind, InstancePtr instance) : instance_(std::move(instance)), kind_(kind) {}
    InstancePtr instance_;

private:
    SessionKind kind_;
};

class RestoreSession final : public Session {
public:
    // PREP-1..6; access: ACC-1.
    static Result<std::unique_ptr<RestoreSession>>
    prepare(const ConfigPtr& config, const wire::RestorePrepare::Request& request);
    // REG-1..13 (handle and kind are judged by the dispatcher).
    // `remote_roots`: of a remote caller (ACC-4), null for a local one.
    Result<void> register_restore(wire::RestoreRegister::Request request,
                                  const std::vector<std::u16string>* remote_roots = nullptr);
    // CMPL-1..5. `cancelled` ends the verification.
    Result<void> complete(Code restore_state, const std::atomic<bool>& cancelled);

private:
    RestoreSession(InstancePtr instance, std::optional<ExpiryToken> token);
    Result<void> check_unrestricted() const;
    Result<ese::RestoreSet> restored_set() const;
    Result<void> verify_and_place(const std::atomic<bool>& cancelled) const;

    std::optional<ExpiryToken> token_;                // none: restricted
    std::optional<RestoreRegistration> registration_; // none: prepared, completed or failed
    std::optional<RemotePlaces> remote_;              // none: a local caller's registration
};

class BackupSession final : public Session {
public:
    struct Prepared;
    // BPREP-1..6.
    static Result<Prepared> prepare(const ConfigPtr& config,
                                    const wire::BackupPrepare::Request& request);
    Result<std::u16string> database_names() const;             // BLIST-1
    Result<std::u16string> backup_logs() const;                // BLIST-1
    Result<std::uint64_t> open_file(std::u16string_view name); // BOPEN-1..3
    // BREAD-1..4: writes the whole reply, failures included; an error is the sink's.
    Result<void> read(std::uint32_t size, wire::ReplySink& reply);
    Result<void> close_file();    // BCLOSE-1
    Result<void> truncate_logs(); // BTRUNC-1, BTRUNC-2

private:
    BackupSession(InstancePtr instance, BackupClaim claim, BackupFiles files);
    BackupClaim claim_;
    BackupFiles files_;
    std::optional<BackupReader> reader_;
};

struct BackupSession::Prepared {
    std::unique_ptr<BackupSession> session;
    ExpiryToken token;
};

// ONL-1, ONL-2
Result<bool> is_directory_online(const ConfigPtr& config, std::u16string_view name);
// CURLOG-1
Result<void> set_current_log_number(const ConfigPtr& config,
                                    const wire::SetCurrentLogNumber::Request& request);
// ABI-1: PREP-4 and PREP-5 alone.
Result<void> check_expiry_token(const ConfigPtr& config,
                                const wire::CheckExpiryToken::Request& request);

} // namespace ntdsb::service
