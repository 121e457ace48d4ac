#include "messages/message_table.h"

namespace ntdsb {

const MessageEntry* find_message(std::uint32_t code) noexcept {
    for (const MessageEntry& entry : message_table())
        if (entry.code == code) return &entry;
    return nullptr;
}

} // namespace ntdsb
