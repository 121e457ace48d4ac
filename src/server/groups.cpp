// The registry of association groups (groups.h).
#include "server/groups.h"

#include "platform/process.h"

#include <array>
#include <span>

namespace ntdsb::server {

Result<service::Association*> Group::sessions_of(const service::Caller& caller,
                                                 const ConfigPtr& config) {
    const std::lock_guard lock(mutex_);
    if (!sessions_) {
        owner_ = caller.account;
        sessions_ = std::make_unique<service::Association>(config, caller);
    }
    if (owner_ != caller.account)
        return fail(ERROR_ACCESS_DENIED, "the association group ", id_, " belongs to ", owner_);
    return sessions_.get();
}

std::shared_ptr<Group> Groups::join(std::uint32_t asked) {
    const std::lock_guard lock(mutex_);
    if (asked != 0) {
        const auto found = groups_.find(asked);
        if (found == groups_.end()) return nullptr;
        ++found->second->connections_;
        return found->second;
    }
    // Random, so that a group of the past is not met again by chance.
    constexpr int most_attempts = 64;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        std::array<std::uint32_t, 1> id{};
        if (!platform::random_bytes(std::as_writable_bytes(std::span(id)))) return nullptr;
        if (id[0] == 0 || groups_.contains(id[0])) continue;
        auto group = std::make_shared<Group>(id[0]);
        group->connections_ = 1;
        groups_.emplace(id[0], group);
        return group;
    }
    return nullptr;
}

void Groups::leave(const std::shared_ptr<Group>& group) {
    const std::lock_guard lock(mutex_);
    if (--group->connections_ == 0) groups_.erase(group->id());
}

} // namespace ntdsb::server
