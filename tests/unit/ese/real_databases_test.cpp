// The real databases of ../shared/data: what their page of provenance says of them is what the
// verifier finds.
#include "restore_fixture.h"

#include "ese/page_checksum.h"
#include "support/real_data.h"

namespace ntdsb {
namespace {

struct RealDatabase {
    const char* name;
    std::uint32_t page_size;
    bool has_log_signature;
};

class RealDatabases : public RestoreTest {
protected:
    ese::Report verify_real(const std::filesystem::path& file) {
        std::filesystem::copy_file(file, database());
        const auto header = ese::read_database_header(database());
        EXPECT_TRUE(header);
        if (header)
            set.identities = {{header.value().signature, header.value().file_size,
                               header.value().dbtime, header.value().checksum}};
        return verify();
    }
};

class CleanRealDatabases : public RealDatabases,
                           public testing::WithParamInterface<RealDatabase> {};

TEST_P(CleanRealDatabases, AreSound) {
    NTDSB_REAL_DATABASE(file, GetParam().name);
    const auto report = verify_real(file);
    EXPECT_EQ(report.result, sound) << sentences(report);
    EXPECT_TRUE(report.findings.empty()) << sentences(report);
    const auto header = ese::read_database_header(database()).value();
    EXPECT_EQ(header.page_size, GetParam().page_size);
    EXPECT_EQ(header.state, ese::database_state_clean);
    EXPECT_EQ(header.log_signature.is_zero(), !GetParam().has_log_signature);
}

INSTANTIATE_TEST_SUITE_P(Published, CleanRealDatabases,
                         testing::Values(RealDatabase{"clean-basic", 4096, true},
                                         RealDatabase{"clean-default", 4096, true},
                                         RealDatabase{"clean-multi", 4096, true},
                                         RealDatabase{"page8k", 8192, false},
                                         RealDatabase{"page32k", 32768, true}),
                         [](const auto& parameter) {
                             std::string name = parameter.param.name;
                             std::erase(name, '-');
                             return name;
                         });

TEST_F(RealDatabases, DamagedPagesAreFoundEachByItsNumber) {
    NTDSB_REAL_DATABASE(file, "damaged-pages");
    const auto report = verify_real(file);
    EXPECT_EQ(report.result, static_cast<Code>(hrReadVerifyFailure));
    ASSERT_EQ(report.findings.size(), 16u) << sentences(report);
    const auto bytes = test::read_file(file);
    for (const auto& finding : report.findings)
        EXPECT_EQ(finding.code, static_cast<Code>(hrReadVerifyFailure));
    std::set<std::string> numbers;
    for (const auto& finding : report.findings) {
        const auto at = finding.what.find(": page ");
        ASSERT_NE(at, std::string::npos) << finding.what;
        const auto number = std::stoul(finding.what.substr(at + 7));
        EXPECT_FALSE(ese::page_is_sound(std::span(bytes).subspan((number + 1) * 4096, 4096),
                                        static_cast<std::uint32_t>(number)));
        numbers.insert(std::to_string(number));
    }
    EXPECT_EQ(numbers.size(), 16u);
    set.verify_pages = false;
    expect_sound(); // the header is clean
}

TEST_F(RealDatabases, DirtyOneNeedsGeneration14) {
    NTDSB_REAL_DATABASE(file, "dirty-gen14");
    auto report = verify_real(file);
    EXPECT_EQ(codes(report), std::set<Code>{static_cast<Code>(hrRestoreLogTooLow)})
        << sentences(report);
    EXPECT_NE(sentences(report).find(" is 14 where"), std::string::npos) << sentences(report);

    range(14, 14);
    expect_only(hrMissingRestoreLogFiles, "VER-2");

    // A made log of the real stream's signature.
    const auto stream = ese::read_database_header(database()).value().log_signature;
    test::EseLog(stream.bytes, 14).write(backup() / "edb0000E.log");
    expect_sound();
    test::EseLog(signature, 14).write(backup() / "edb0000E.log");
    expect_only(hrBadLogSignature, "VER-3");
}

} // namespace
} // namespace ntdsb
