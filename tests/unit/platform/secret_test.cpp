// platform/secret.h (contract AUTH-1).
#include "platform/secret.h"

#include <gtest/gtest.h>

#include <string>

namespace ntdsb::platform {
namespace {

using namespace std::string_view_literals;

std::u16string revealed(const Secret& secret) {
    std::u16string plain;
    EXPECT_TRUE(secret.reveal([&](std::u16string_view text) { plain = text; }));
    return plain;
}

TEST(Secret, ComesBackAsOftenAsAsked) {
    const auto secret = Secret::protect(u"p\u00e4ss\xd800\0word"sv);
    ASSERT_TRUE(secret);
    EXPECT_EQ(revealed(secret.value()), u"p\u00e4ss\xd800\0word"sv);
    EXPECT_EQ(revealed(secret.value()), u"p\u00e4ss\xd800\0word"sv);
}

TEST(Secret, MayBeEmptyOrLong) {
    EXPECT_EQ(revealed(Secret::protect(u"").value()), u"");
    for (const std::size_t size :
         {7u, 8u, 9u, 2047u, 2048u, 5000u}) { // around the sizes of blocks and pages
        const std::u16string plain(size, u'x');
        EXPECT_EQ(revealed(Secret::protect(plain).value()), plain);
    }
}

TEST(Secret, MovesWithItsText) {
    Secret first = Secret::protect(u"one").value();
    Secret second = std::move(first);
    EXPECT_EQ(revealed(second), u"one");
    second = Secret::protect(u"two").value();
    EXPECT_EQ(revealed(second), u"two");
}

TEST(Secret, WipeOverwrites) {
    char memory[] = "secret";
    wipe(memory, sizeof memory);
    EXPECT_EQ(std::string_view(memory, sizeof memory), std::string(sizeof memory, '\0'));
    wipe(nullptr, 0);
}

} // namespace
} // namespace ntdsb::platform
