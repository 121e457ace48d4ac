// Server names, row by row: contract COM-3, COM-5.
#include "transport/server_name.h"

#include <gtest/gtest.h>

#include <vector>

namespace ntdsb::transport {
namespace {

TEST(ServerName, DropsLeadingBackslashesAndCase_COM3) {
    EXPECT_EQ(check_server_name(u"dc1").value(), "dc1");
    EXPECT_EQ(check_server_name(u"\\dc1").value(), "dc1");
    EXPECT_EQ(check_server_name(u"\\\\DC1.Example.COM").value(), "dc1.example.com");
    EXPECT_EQ(check_server_name(u"::1").value(), "::1");
    EXPECT_EQ(check_server_name(u"sch\u00F6n").value(), "sch\xC3\xB6n");
}

TEST(ServerName, RefusesWhatCannotBeAHost_COM5) {
    const std::u16string longest(255, u'a'), too_long(256, u'a');
    EXPECT_TRUE(check_server_name(longest));
    for (const std::u16string& name :
         std::vector<std::u16string>{u"", u"\\\\", u"dc_1", u"dc 1", u"dc\\1", u"dc/1", u"dc*",
                                     u"dc\t", u"dc1\u0080", std::u16string(1, 0xD800), too_long}) {
        const auto result = check_server_name(name);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, hrCouldNotConnect);
    }
}

} // namespace
} // namespace ntdsb::transport
