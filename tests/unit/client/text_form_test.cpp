// api/text_form.h: what a service's list becomes in the API's two forms (contract ABI-4, ABI-5). The
// service may be anybody's.
#include "api/text_form.h"

#include <gtest/gtest.h>

namespace ntdsb::api {
namespace {

using namespace std::string_literals;

TEST(ListForm, KeepsPrefixesAsNumbers) { // ABI-4, ABI-5
    const auto list = u"\x82/a\0D/b\0\0"s;
    const auto ansi = write_list<Ansi>(list);
    ASSERT_TRUE(ansi);
    EXPECT_EQ(ansi.value(), "\x82/a\0D/b\0\0"s);
    const auto wide = write_list<Wide>(list);
    ASSERT_TRUE(wide);
    EXPECT_EQ(std::u16string(wide.value().begin(), wide.value().end()), list);
}

TEST(ListForm, EmptyIsTwoNuls) { // ABI-5
    for (const auto& list : {u""s, u"\0"s, u"\0\0"s}) {
        const auto ansi = write_list<Ansi>(list);
        ASSERT_TRUE(ansi);
        EXPECT_EQ(ansi.value(), "\0\0"s);
    }
}

// Found by the fuzzer: cut to an octet, U+0100 became the list's end, and U+0144 a database.
TEST(ListForm, RefusesWhatIsNoPrefix) { // ABI-4
    for (const auto& list : {u"\u0100/a\0D/b\0\0"s, u"D/b\0\u0144/a\0\0"s}) {
        for (const auto code :
             {write_list<Ansi>(list).error().code, write_list<Wide>(list).error().code})
            EXPECT_EQ(code, hrCommunicationError);
    }
}

} // namespace
} // namespace ntdsb::api
