// Association groups (C706 9.3.1): the connections of one client that share its context handles.
// With a group's last connection its sessions end; a registration stays (contract END-2, END-3).
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

    // The sessions of `caller`. A group belongs to whoever made its first call: another caller gets
    // ERROR_ACCESS_DENIED, whatever handles it may know.
    Result<service::Association*> sessions_of(const service::Caller& caller,
                                              const ConfigPtr& config);

private:
    friend class Groups;
    const std::uint32_t id_;
    std::size_t connections_ = 0; // under the registry's lock
    std::mutex mutex_;
    std::string owner_;
    std::unique_ptr<service::Association> sessions_;
};

class Groups {
public:
    // `asked` 0: a new group. nullptr: there is no such group, or no number for a new one.
    std::shared_ptr<Group> join(std::uint32_t asked);
    // Once for each join. The sessions end when the last call that runs on them has.
    void leave(const std::shared_ptr<Group>& group);

private:
    std::mutex mutex_;
    std::map<std::uint32_t, std::shared_ptr<Group>> groups_;
};

} // namespace ntdsb::server
