// The registry of association groups (groups.h).
#include "server/groups.h"

#include "platform/process.h"

#include <array>
#include <span>

namespace ntdsb::server {

Result<std::shared_ptr<service::Association>> Group::sessions_of(const service::Caller& caller,
                                                                 const ConfigPtr& config) {
    const std::lock_guard lock(mutex_);
    if (owner_ != caller.account || callers_ == 0)
        return fail(ERROR_ACCESS_DENIED, "the association group ", id_, " belongs to ",
                    owner_.empty() ? "nobody any more" : owner_);
    if (!sessions_) sessions_ = std::make_shared<service::Association>(config, caller);
    return sessions_;
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

bool Groups::enter(const std::shared_ptr<Group>& group, const service::Caller& caller) {
    const std::lock_guard lock(group->mutex_);
    if (group->owner_.empty()) group->owner_ = caller.account;
    if (group->owner_ != caller.account) return false;
    ++group->callers_;
    return true;
}

std::shared_ptr<service::Association> Groups::leave(const std::shared_ptr<Group>& group,
                                                    bool entered) {
    const std::lock_guard lock(mutex_);
    if (--group->connections_ == 0) groups_.erase(group->id());
    const std::lock_guard group_lock(group->mutex_);
    if (!entered || --group->callers_ != 0) return nullptr;
    group->owner_.clear();
    return std::move(group->sessions_);
}

} // namespace ntdsb::server
