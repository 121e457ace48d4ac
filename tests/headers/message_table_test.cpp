// The table behind `ntdsbctl explain` beside the public headers: every code that has a name there
// has its value, its name and words in the table. The names come from def/ntdsbmsg.mc and
// def/system_codes.txt, the values from the headers (on Windows, from the system's own).
#include "core/codes.h"
#include "message_names.h"
#include "messages/message_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <string>

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

// Every ERROR_* and RPC_* that the sources know by name can be returned, and so be asked for.
TEST(MessageTable, NamesEveryCodeOfTheSystemsFailures) {
    std::ifstream file(NTDSB_SOURCE_DIR "/src/core/codes.h");
    const std::string source{std::istreambuf_iterator<char>(file), {}};
    const std::regex definition("#define ((ERROR|RPC)_[A-Z_]+) ([0-9]+)L");
    int found = 0;
    for (std::sregex_iterator row(source.begin(), source.end(), definition), end; row != end;
         ++row, ++found) {
        const auto* const entry = find_message(static_cast<std::uint32_t>(std::stoul(row->str(3))));
        ASSERT_NE(entry, nullptr) << row->str(1);
        EXPECT_EQ(entry->name, row->str(1));
    }
    EXPECT_GT(found, 5);
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
