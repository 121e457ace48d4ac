// Associations and their sessions (service.h); the operations are in operations.cpp.
#include "service/service.h"

#include "platform/process.h"
#include "service/operations.h"

#include <new>

namespace ntdsb::service {

Result<wire::ContextHandle> Association::State::add(std::unique_ptr<Session> session) {
    wire::ContextHandle handle;
    NTDSB_CHECK(platform::random_bytes(std::as_writable_bytes(std::span(handle.uuid))));
    auto entry = std::make_shared<SessionEntry>();
    entry->session = std::move(session);
    const std::lock_guard lock(mutex);
    sessions.emplace(handle.uuid, std::move(entry));
    return handle;
}

std::shared_ptr<SessionEntry> Association::State::find(const wire::ContextHandle& handle) {
    if (handle.attributes != 0) return nullptr; // never issued
    const std::lock_guard lock(mutex);
    const auto found = sessions.find(handle.uuid);
    return found == sessions.end() ? nullptr : found->second;
}

Result<void> Association::State::end(const wire::ContextHandle& handle, SessionKind kind) {
    const auto entry = find(handle);
    if (!entry) return no_session();
    {
        const std::lock_guard lock(entry->mutex); // waits for a running call
        if (!entry->session || entry->session->kind() != kind) return no_session();
        entry->session.reset();
    }
    const std::lock_guard lock(mutex);
    sessions.erase(handle.uuid);
    return ok();
}

namespace {
Result<void> check_allowed(const Caller& caller, const Operation& operation) {
    if (caller.is_local) return ok();
    const bool allowed = operation.need == Need::backup ? caller.may_backup
                         : operation.need == Need::restore
                             ? caller.may_restore
                             : caller.may_backup || caller.may_restore;
    if (allowed) return ok();
    return fail(ERROR_ACCESS_DENIED, "ACC-5: ", caller.name, " may not call ", operation.name,
                "; [service] ",
                operation.need == Need::backup    ? "allow_backup does"
                : operation.need == Need::restore ? "allow_restore does"
                                                  : "allow_backup and allow_restore do",
                " not name it");
}
} // namespace

Association::Association(ConfigPtr config, Caller caller) : state_(std::make_unique<State>()) {
    state_->config = std::move(config);
    state_->caller = std::move(caller);
}

Association::~Association() = default;

Result<void> Association::call(wire::Interface interface_of, std::uint16_t opnum,
                               std::span<const std::byte> request, wire::ReplySink& reply) {
    return call(state_->caller, interface_of, opnum, request, reply, state_->cancelled);
}

Result<void> Association::call(const Caller& caller, wire::Interface interface_of,
                               std::uint16_t opnum, std::span<const std::byte> request,
                               wire::ReplySink& reply, const std::atomic<bool>& cancelled) {
    const Operation* operation = find_operation(interface_of, opnum);
    if (operation == nullptr)
        return fail(RPC_S_PROCNUM_OUT_OF_RANGE, "operation ", opnum, " does not exist");
    NTDSB_CHECK(check_allowed(caller, *operation));
    try {
        return operation->serve(*state_, {caller, cancelled}, operation->name, request, reply);
    } catch (const std::bad_alloc&) {
        return Error{static_cast<Code>(ERROR_NOT_ENOUGH_MEMORY), {}}; // COM-10
    }
}

void Association::cancel() noexcept { state_->cancelled = true; }

std::string_view operation_name(wire::Interface interface_of, std::uint16_t opnum) noexcept {
    const Operation* operation = find_operation(interface_of, opnum);
    return operation == nullptr ? std::string_view() : operation->name;
}

} // namespace ntdsb::service
