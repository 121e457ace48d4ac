// Server names, row by row: contract COM-3, COM-5, COM-6.
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

TEST(ServerName, KnowsThisComputer_COM6) {
    const std::vector<std::u16string> own{u"dc1", u"dc1.example.com"};
    for (const char* name :
         {"dc1", "dc1.example.com", "localhost", ".", "127.0.0.1", "127.255.0.9", "::1"})
        EXPECT_TRUE(is_this_computer(name, own)) << name;
    for (const char* name : {"dc2", "dc1.example.org", "128.0.0.1", "127.0.0", "127.0.0.1.5",
                             "127.0.0.256", "127.0.0.", "127.a.0.1", "::2", "localhost.example"})
        EXPECT_FALSE(is_this_computer(name, own)) << name;
}

} // namespace
} // namespace ntdsb::transport
