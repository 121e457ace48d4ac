// The handles that callers hold: opaque numbers, never pointers (design decision 4). Knows nothing
// of what a session does.
#pragma once

#include "core/result.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace ntdsb::client {

class Session;
enum class SessionKind : std::uint32_t { restore = 1, backup = 2 };

// {index: 16 bits, generation: 14, kind: 2}; never 0. Fits a 32-bit pointer.
using Handle = std::uint32_t;

// Thread-safe. A freed slot waits until `slots_kept_free` others are free before it is used again,
// and then has another generation.
class HandleTable {
public:
    // ERROR_NOT_ENOUGH_MEMORY when 65,536 handles are open.
    Result<Handle> add(SessionKind kind, std::shared_ptr<Session> session);
    // The session behind a handle of that kind; otherwise ERROR_INVALID_PARAMETER (COM-1).
    Result<std::shared_ptr<Session>> find(Handle handle, SessionKind kind);
    // Takes the handle out of the table: of several callers exactly one gets the session, the
    // others ERROR_INVALID_PARAMETER.
    Result<std::shared_ptr<Session>> remove(Handle handle, SessionKind kind);

    static SessionKind kind_of(Handle handle) noexcept {
        return static_cast<SessionKind>(handle & 3);
    }

private:
    struct Slot {
        std::uint32_t generation = 0;
        SessionKind kind{};
        std::shared_ptr<Session> session; // empty: free
        std::uint32_t next_free = 0;
    };
    Slot* slot_of(Handle handle, SessionKind kind);

    std::mutex mutex_;
    std::vector<Slot> slots_;
    // The free slots, the first freed first, linked in place: End frees a handle whatever memory is
    // left (contract END-1).
    std::uint32_t first_free_ = 0;
    std::uint32_t last_free_ = 0;
    std::size_t free_count_ = 0;
};

} // namespace ntdsb::client
