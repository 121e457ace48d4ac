// platform/socket.h: what is an address. Connections are tested with the server (unit_server).
#include "platform/socket.h"

#include <gtest/gtest.h>

namespace ntdsb::platform {
namespace {

TEST(SplitAddress, TakesHostAndPortApart) {
    for (const auto& [address, host, port] :
         {std::tuple{"dc1.example:49152", "dc1.example", "49152"},
          {"127.0.0.1:0", "127.0.0.1", "0"},
          {"[::1]:49153", "::1", "49153"},
          {"[fe80::1%eth0]:1", "fe80::1%eth0", "1"}}) {
        const auto parts = split_address(address);
        ASSERT_TRUE(parts) << parts.error().what;
        EXPECT_EQ(parts.value().host, host);
        EXPECT_EQ(parts.value().port, port);
    }
}

TEST(SplitAddress, RefusesWhatNamesNoHostOrNoPort) {
    for (const char* address :
         {"", ":", ":1", "dc1", "dc1:", "::1", "::1:1", "[::1]", "[::1]:", "[]:1", "[:1", "]:1",
          "[[::1]]:1", "[::1:1", "a[b]:1", "[ ]:1", "a b:1"}) {
        const auto parts = split_address(address);
        ASSERT_FALSE(parts) << address;
        EXPECT_EQ(parts.error().code, ERROR_INVALID_PARAMETER);
        EXPECT_NE(parts.error().what.find("write HOST:PORT or [IPV6]:PORT"), std::string::npos);
    }
}

} // namespace
} // namespace ntdsb::platform
