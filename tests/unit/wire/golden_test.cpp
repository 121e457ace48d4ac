// Each message against its golden octets, and what becomes of goldens that are cut off or altered.
#include "messages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace ntdsb::wire::test {

namespace {

// Octets that were not refused must mean something that survives being written and read again.
void expect_consistent(const Message& message, const Understood& understood) {
    const auto again = message.understand(understood.again);
    ASSERT_TRUE(again) << message.name << ": " << again.error().what;
    EXPECT_EQ(again.value().meaning, understood.meaning) << message.name;
    EXPECT_EQ(again.value().again, understood.again) << message.name;
}

class WireMessage : public testing::TestWithParam<Message> {};

} // namespace

TEST_P(WireMessage, EncodesAsItsGolden) { EXPECT_EQ(GetParam().sample(), golden(GetParam().name)); }

TEST_P(WireMessage, IsUnderstoodFromItsGolden) {
    const auto understood = GetParam().understand(golden(GetParam().name));
    ASSERT_TRUE(understood) << understood.error().what;
    expect_consistent(GetParam(), understood.value());
}

TEST_P(WireMessage, IsRefusedWhenCutOff) {
    const auto whole = golden(GetParam().name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto understood = GetParam().understand(cut);
        ASSERT_FALSE(understood) << size;
        EXPECT_EQ(understood.error().code, RPC_X_BAD_STUB_DATA) << size;
    }
}

TEST_P(WireMessage, IsRefusedWhenLonger) {
    auto stub = golden(GetParam().name);
    const std::size_t padded = (stub.size() + 3) / 4 * 4;
    for (int more = 0; more < 8; ++more) {
        stub.push_back(std::byte{});
        if (stub.size() == padded) { // what stands before a verification trailer (MS-RPCE 2.2.2.13)
            EXPECT_TRUE(GetParam().understand(stub));
            continue;
        }
        const auto understood = GetParam().understand(stub);
        ASSERT_FALSE(understood);
        EXPECT_EQ(understood.error().code, RPC_X_BAD_STUB_DATA);
    }
}

TEST_P(WireMessage, IsRefusedOrConsistentWhenAltered) {
    auto stub = golden(GetParam().name);
    // Every value of every octet; in the long ones, each value at every fifth octet.
    const unsigned step = stub.size() > 256 ? 5 : 1;
    for (std::size_t at = 0; at < stub.size(); ++at) {
        const auto original = stub[at];
        for (unsigned value = static_cast<unsigned>(at) % step; value < 256; value += step) {
            stub[at] = static_cast<std::byte>(value);
            const auto understood = GetParam().understand(stub);
            if (understood) {
                expect_consistent(GetParam(), understood.value());
            } else {
                ASSERT_EQ(understood.error().code, RPC_X_BAD_STUB_DATA) << at << ' ' << value;
            }
            if (HasFatalFailure()) return;
        }
        stub[at] = original;
    }
}

TEST_P(WireMessage, MakesTheRoundTripWithAnyValues) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        const auto understood = GetParam().understand(GetParam().random(seed));
        ASSERT_TRUE(understood) << "seed " << seed << ": " << understood.error().what;
        ASSERT_EQ(understood.value().meaning, GetParam().random_meaning(seed)) << "seed " << seed;
        expect_consistent(GetParam(), understood.value());
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, WireMessage, testing::ValuesIn(messages()), [](const auto& row) {
    auto name = row.param.name;
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
});

TEST(WireGoldens, AreThoseOfTheTable) {
    std::set<std::string> of_table;
    for (const auto& message : messages()) of_table.insert(message.name + ".hex");
    std::set<std::string> of_folder;
    for (const auto& entry : std::filesystem::directory_iterator(NTDSB_GOLDEN_FOLDER)) {
        of_folder.insert(entry.path().filename().string());
    }
    EXPECT_EQ(of_table, of_folder);
}

} // namespace ntdsb::wire::test
