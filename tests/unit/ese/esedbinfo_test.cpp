// The builder's databases as an independent reader sees them: libesedb's esedbinfo, which reads
// the header and the catalog's pages.
#include "support/ese_builder.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

namespace ntdsb::test {
namespace {

// What esedbinfo prints of the file; empty where the tool is not there.
std::string esedbinfo(const Path& file) {
    const std::string command = "esedbinfo '" + file.string() + "' 2>&1";
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return {};
    std::string output;
    std::array<char, 4096> piece{};
    while (const auto got = std::fread(piece.data(), 1, piece.size(), pipe))
        output.append(piece.data(), got);
    ::pclose(pipe);
    return output.starts_with("esedbinfo ") ? output : std::string();
}

TEST(EseBuilder, EsedbinfoReadsItsDatabases) {
    const TempFolder folder;
    const Path file = folder / "made.edb";
    for (const auto checksum : {PageChecksum::ecc, PageChecksum::legacy}) {
        for (const std::uint32_t size : {2048u, 4096u, 8192u, 16384u, 32768u}) {
            EseDatabase{}.pages(24).page_size(size).page_checksum(checksum).write(file);
            const auto output = esedbinfo(file);
            if (output.empty()) GTEST_SKIP() << "esedbinfo is not there (libesedb-utils)";
            EXPECT_NE(output.find("File type:\t\tDatabase"), output.npos) << size << output;
            EXPECT_NE(output.find("Page size:\t\t" + std::to_string(size) + " bytes"), output.npos)
                << size << output;
        }
    }
}

TEST(EseBuilder, EsedbinfoRefusesWhatIsNoDatabase) { // so that the test above can fail
    const TempFolder folder;
    const Path file = folder / "made.edb";
    write_file(file, Bytes(26 * 8192, std::byte{0x55}));
    const auto output = esedbinfo(file);
    if (output.empty()) GTEST_SKIP() << "esedbinfo is not there (libesedb-utils)";
    EXPECT_EQ(output.find("File type:\t\tDatabase"), output.npos) << output;
}

} // namespace
} // namespace ntdsb::test
