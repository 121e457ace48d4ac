// ntdsbmsg.dll as a tool uses it: FormatMessage finds the words of every hr code in it, and they
// are those of the table that the rest of the project uses.
#include "messages/message_table.h"
#include "ntdsb/win32.h"

#include <gtest/gtest.h>

#include <string>

namespace ntdsb {
namespace {

class MessageDll : public testing::TestWithParam<DWORD> {
protected:
    void SetUp() override {
        library_ = LoadLibraryExW(L"ntdsbmsg.dll", nullptr, GetParam());
        ASSERT_NE(library_, nullptr) << "error " << GetLastError();
    }

    void TearDown() override {
        if (library_ != nullptr) FreeLibrary(library_);
    }

    // What the DLL says, without the line's end; empty if it says nothing.
    std::string text_of(std::uint32_t code, DWORD more_flags) const {
        char buffer[1024];
        const DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_HMODULE | more_flags, library_,
                                            code, MAKELANGID(LANG_NEUTRAL, SUBLANG_NEUTRAL), buffer,
                                            sizeof buffer, nullptr);
        std::string text(buffer, length);
        if (text.ends_with("\r\n")) text.resize(text.size() - 2);
        return text;
    }

    HMODULE library_ = nullptr;
};

TEST_P(MessageDll, SaysOfEveryHrCodeWhatTheTableSays) {
    std::size_t count = 0;
    for (const MessageEntry& entry : message_table()) {
        if (!entry.name.starts_with("hr")) continue;
        ++count;
        EXPECT_EQ(text_of(entry.code, FORMAT_MESSAGE_IGNORE_INSERTS), entry.text) << entry.name;
        EXPECT_EQ(text_of(entry.code, 0), entry.text) << entry.name;
    }
    EXPECT_GT(count, 180u);
}

TEST_P(MessageDll, SaysNothingOfOtherCodes) {
    EXPECT_EQ(text_of(0xC7FF00FF, FORMAT_MESSAGE_IGNORE_INSERTS), "");
    EXPECT_EQ(text_of(ERROR_INVALID_PARAMETER, FORMAT_MESSAGE_IGNORE_INSERTS), "");
}

INSTANTIATE_TEST_SUITE_P(Loaded, MessageDll, testing::Values(0u, DWORD{LOAD_LIBRARY_AS_DATAFILE}),
                         [](const auto& given) {
                             return std::string(given.param == 0 ? "AsLibrary" : "AsData");
                         });

} // namespace
} // namespace ntdsb
