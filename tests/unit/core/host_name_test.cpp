// Names of this computer (contract COM-6, PATH-4).
#include "core/host_name.h"
#include "core/text.h"

#include <gtest/gtest.h>

#include <vector>

namespace ntdsb {
namespace {

TEST(HostName, KnowsThisComputer_COM6) {
    const std::vector<std::u16string> own{u"dc1", u"dc1.example.com"};
    for (const std::u16string_view name : {u"dc1", u"DC1.Example.com", u"localhost", u"LocalHost",
                                           u".", u"127.0.0.1", u"127.255.0.9", u"::1"})
        EXPECT_TRUE(is_this_computer(name, own)) << text(name);
    for (const std::u16string_view name :
         {u"", u"dc2", u"dc1.example.org", u"128.0.0.1", u"127.0.0", u"127.0.0.1.5", u"127.0.0.256",
          u"127.0.0.", u"127.a.0.1", u"::2", u"localhost.example"})
        EXPECT_FALSE(is_this_computer(name, own)) << text(name);
}

} // namespace
} // namespace ntdsb
