// Windows' errors as sentences (platform/windows/system_error.h).
#include "platform/windows/system_error.h"

#include <gtest/gtest.h>

namespace ntdsb::platform {
namespace {

TEST(SystemError, HasTheSystemsSentenceAndTheNumber) {
    const Error error = system_error(ERROR_FILE_NOT_FOUND, "open it");
    EXPECT_EQ(error.code, ERROR_FILE_NOT_FOUND);
    EXPECT_TRUE(error.what.starts_with("could not open it: ")) << error.what;
    EXPECT_TRUE(error.what.ends_with(" (error 2)")) << error.what;
}

// A code without a sentence of the system's.
TEST(SystemError, ShowsCodesBeyondWin32InHexadecimal) {
    EXPECT_EQ(system_error(0xA0090302, "sign").what, "could not sign (error 0xA0090302)");
}

} // namespace
} // namespace ntdsb::platform
