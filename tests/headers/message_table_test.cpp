// The table behind `ntdsbctl explain` beside the public headers: every code that has a name there
// has its value, its name and words in the table. The names come from def/ntdsbmsg.mc and
// def/system_codes.txt, the values from the headers (on Windows, from the system's own).
#include "message_names.h"
#include "messages/message_table.h"
#include "ntdsb/win32.h"
#include "ntdsbmsg.h"

#include <gtest/gtest.h>

#include <set>

namespace ntdsb {
namespace {

struct NamedCode {
    const char* name;
    std::uint32_t code;
};

constexpr NamedCode named_codes[] = {
#define MESSAGE(name) {#name, static_cast<std::uint32_t>(name)},
    NTDSB_MESSAGE_NAMES(MESSAGE)
#undef MESSAGE
};

TEST(MessageTable, NamesEveryCodeWithTheValueOfTheHeaders) {
    for (const NamedCode& named : named_codes) {
        const MessageEntry* entry = find_message(named.code);
        ASSERT_NE(entry, nullptr) << named.name;
        EXPECT_EQ(entry->name, named.name);
    }
    EXPECT_EQ(message_table().size(), std::size(named_codes));
}

TEST(MessageTable, HasOneEntryForACode) {
    std::set<std::uint32_t> codes;
    for (const MessageEntry& entry : message_table())
        EXPECT_TRUE(codes.insert(entry.code).second) << entry.name;
}

TEST(MessageTable, SaysSentences) {
    for (const MessageEntry& entry : message_table()) {
        ASSERT_GT(entry.text.size(), 1u) << entry.name;
        EXPECT_EQ(entry.text.back(), '.') << entry.name;
        // FormatMessage would replace what follows a percent sign.
        EXPECT_EQ(entry.text.find_first_of("%\r\n"), std::string_view::npos) << entry.name;
    }
}

TEST(MessageTable, KnowsNoOtherCodes) {
    EXPECT_EQ(find_message(0xC7FF00FF), nullptr);
    EXPECT_EQ(find_message(1), nullptr);
    EXPECT_EQ(find_message(0xFFFFFFFF), nullptr);
}

} // namespace
} // namespace ntdsb
