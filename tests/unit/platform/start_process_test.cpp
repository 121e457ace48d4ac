// The tests' own help against processes that Wine loses (support/start_process.h).
#include "support/start_process.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace ntdsb::test {
namespace {

// The codes of the starts in turn, the last again and again; counts them.
struct Starts {
    std::vector<DWORD> codes;
    int count = 0;
    DWORD operator()() {
        const auto at = static_cast<std::size_t>(count++);
        return at < codes.size() ? codes[at] : codes.back();
    }
};

TEST(StartProcess, IsTriedAgainWhereTheProcessWasLost) {
    Starts starts{{ERROR_INTERNAL_ERROR, ERROR_INTERNAL_ERROR, 0}};
    EXPECT_EQ(start_again_if_lost(std::ref(starts)), 0u);
    EXPECT_EQ(starts.count, 3);
}

TEST(StartProcess, IsNotTriedForEver) {
    Starts starts{{ERROR_INTERNAL_ERROR}};
    EXPECT_EQ(start_again_if_lost(std::ref(starts)), DWORD{ERROR_INTERNAL_ERROR});
    EXPECT_EQ(starts.count, most_starts);
}

TEST(StartProcess, IsTriedOnceForAnyOtherOutcome) {
    for (const DWORD code : {DWORD{0}, DWORD{ERROR_FILE_NOT_FOUND}, DWORD{ERROR_ACCESS_DENIED}}) {
        Starts starts{{code, 0}};
        EXPECT_EQ(start_again_if_lost(std::ref(starts)), code);
        EXPECT_EQ(starts.count, 1) << code;
    }
}

TEST(StartProcess, SaysWhatCannotBeStarted) {
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    try {
        start_process(L"C:\\no such program.exe", L"x", startup);
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "cannot start C:\\no such program.exe: error 2");
    }
}

} // namespace
} // namespace ntdsb::test
