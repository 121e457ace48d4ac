// Association groups (C706 9.3.1): the connections of one client that share its context handles.
// With the last connection of a group's owner its sessions end; a registration stays (contract END-2, END-3).
#pragma once

#include "service/service.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace ntdsb::server {

class Group {
public:
    explicit Group(std::uint32_t id) : id_(id) {}
    std::uint32_t id() const { return id_; }

    // The sessions of `caller`. A group belongs to its first caller (Groups::enter): another one
    // gets ERROR_ACCESS_DENIED, whatever handles it may know.
    Result<std::shared_ptr<service::Association>> sessions_of(const service::Caller& caller,
                                                              const ConfigPtr& config);

private:
    friend class Groups;
    const std::uint32_t id_;
    std::size_t connections_ = 0; // under the registry's lock
    std::mutex mutex_;
    std::size_t callers_ = 0; // of the connections, those of its owner
    std::string owner_;       // empty: nobody's yet
    std::shared_ptr<service::Association> sessions_;
};

class Groups {
public:
    // `asked` 0: a new group. nullptr: there is no such group, or no number for a new one.
    std::shared_ptr<Group> join(std::uint32_t asked);
    // The connection is this caller's, who may call the service: from now on it keeps the group's
    // sessions alive. False where the group is another's: strangers keep nothing alive.
    bool enter(const std::shared_ptr<Group>& group, const service::Caller& caller);
    // Once for each join; `entered` is what `enter` said, false without one. Gives the sessions that
    // end with it, when the last call that runs on them has.
    std::shared_ptr<service::Association> leave(const std::shared_ptr<Group>& group, bool entered);

private:
    std::mutex mutex_;
    std::map<std::uint32_t, std::shared_ptr<Group>> groups_;
};

} // namespace ntdsb::server
