// Inside of the dispatcher: what an association holds, and how an operation reaches its session.
// Knows no operation.
#pragma once

#include "service/service.h"
#include "service/sessions.h"

#include <map>
#include <mutex>

namespace ntdsb::service {

// A session and the lock that serialises its calls (COM-11). `session` is empty once it was ended
// while a call waited.
struct SessionEntry {
    std::mutex mutex;
    std::unique_ptr<Session> session;
};

struct Association::State {
    ConfigPtr config;
    Caller caller;
    std::atomic<bool> cancelled{false};
    std::mutex mutex;
    std::map<wire::Uuid, std::shared_ptr<SessionEntry>> sessions;

    // Under a new random handle.
    Result<wire::ContextHandle> add(std::unique_ptr<Session> session);
    // Frees the session; of several calls at once exactly one succeeds.
    Result<void> end(const wire::ContextHandle& handle, SessionKind kind);

    // Run `action` on the session behind `handle`, if it is one of that kind, else
    // ERROR_INVALID_PARAMETER (COM-1).
    template <class Action>
    Result<void> with_restore(const wire::ContextHandle& handle, Action action) {
        return with<RestoreSession>(handle, SessionKind::restore, action);
    }
    template <class Action>
    Result<void> with_backup(const wire::ContextHandle& handle, Action action) {
        return with<BackupSession>(handle, SessionKind::backup, action);
    }

private:
    std::shared_ptr<SessionEntry> find(const wire::ContextHandle& handle);
    static Error no_session() {
        return fail(ERROR_INVALID_PARAMETER,
                    "COM-1: the context handle names no session of this kind");
    }

    template <class Kind, class Action>
    Result<void> with(const wire::ContextHandle& handle, SessionKind kind, Action action) {
        const auto entry = find(handle);
        if (!entry) return no_session();
        const std::lock_guard lock(entry->mutex);
        if (!entry->session || entry->session->kind() != kind) return no_session();
        return action(static_cast<Kind&>(*entry->session));
    }
};

} // namespace ntdsb::service
