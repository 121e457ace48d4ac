#include "client/handle_table.h"

namespace ntdsb::client {

namespace {

constexpr std::size_t most_slots = 1 << 16;
constexpr std::size_t slots_kept_free = 64;
constexpr std::uint32_t generation_mask = (1 << 14) - 1;

Handle make_handle(std::uint32_t index, std::uint32_t generation, SessionKind kind) {
    return index << 16 | generation << 2 | static_cast<std::uint32_t>(kind);
}

Error unknown() {
    return fail(
        ERROR_INVALID_PARAMETER,
        "COM-1: the handle is NULL, was never given out, is ended, or is of the wrong kind");
}

} // namespace

Result<Handle> HandleTable::add(SessionKind kind, std::shared_ptr<Session> session) {
    const std::lock_guard lock(mutex_);
    std::uint32_t index = 0;
    if (free_count_ > slots_kept_free || slots_.size() == most_slots) {
        if (free_count_ == 0)
            return fail(ERROR_NOT_ENOUGH_MEMORY, "all ", most_slots, " handles are open");
        index = first_free_;
        first_free_ = slots_[index].next_free;
        --free_count_;
    } else {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    }
    Slot& slot = slots_[index];
    slot.generation = (slot.generation + 1) & generation_mask;
    slot.kind = kind;
    slot.session = std::move(session);
    return make_handle(index, slot.generation, kind);
}

HandleTable::Slot* HandleTable::slot_of(Handle handle, SessionKind kind) {
    const std::uint32_t index = handle >> 16;
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    const bool is_it =
        slot.session && slot.kind == kind && handle == make_handle(index, slot.generation, kind);
    return is_it ? &slot : nullptr;
}

Result<std::shared_ptr<Session>> HandleTable::find(Handle handle, SessionKind kind) {
    const std::lock_guard lock(mutex_);
    const Slot* slot = slot_of(handle, kind);
    if (slot == nullptr) return unknown();
    return slot->session;
}

Result<std::shared_ptr<Session>> HandleTable::remove(Handle handle, SessionKind kind) {
    const std::lock_guard lock(mutex_);
    Slot* slot = slot_of(handle, kind);
    if (slot == nullptr) return unknown();
    const std::uint32_t index = handle >> 16;
    (free_count_ == 0 ? first_free_ : slots_[last_free_].next_free) = index;
    last_free_ = index;
    ++free_count_;
    return std::exchange(slot->session, nullptr);
}

} // namespace ntdsb::client
