// The published real databases that ../shared/data holds packed. They are unpacked once, by
// unpack_real_data.py, into the build's real-data folder; tests skip where they are absent.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace ntdsb::test {

// The unpacked database `name` ("page8k" for page8k.edb); none when it is not there.
std::optional<std::filesystem::path> real_database(std::string_view name);

} // namespace ntdsb::test

// In a test body: the path of the database, or the test is skipped and says why.
#define NTDSB_REAL_DATABASE(variable, name)                                        \
    const auto variable##_found = ::ntdsb::test::real_database(name);              \
    if (!variable##_found)                                                         \
        GTEST_SKIP() << "no real database " << (name)                              \
                     << ".edb: set NTDSB_REAL_DATA (packed) when configuring, or " \
                        "NTDSB_REAL_DATA_UNPACKED when running";                   \
    const auto& variable = *variable##_found
