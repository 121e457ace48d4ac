// What each return code means, in words: the texts of ntdsbmsg.dll and of the Win32 and RPC codes
// that the contract names, for the tools and the log on every platform. The table is generated from
// def/ntdsbmsg.mc and def/system_codes.txt.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ntdsb {

struct MessageEntry {
    std::uint32_t code;
    std::string_view name; // "hrRestoreInProgress"
    std::string_view text; // what happened, and what to do next
};

std::span<const MessageEntry> message_table() noexcept;

// The entry of a code; nullptr if it is none of ours.
const MessageEntry* find_message(std::uint32_t code) noexcept;

} // namespace ntdsb
