// The rule of trust (design point 8), on facts, for every platform; and on real folders where
// owners mean something.
#include "platform/trust.h"

#include "platform/process.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace ntdsb::platform {
namespace {

namespace fs = std::filesystem;

bool is_trusted(const TrustFacts& facts, TrustRole role) {
    return trust_fault(facts, role).empty();
}

// Every combination of facts, in both roles, against the rule written as a formula.
TEST(Trust, RuleOverAllFacts) {
    for (int bits = 0; bits < 8; ++bits) {
        const TrustFacts facts{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
        EXPECT_EQ(is_trusted(facts, TrustRole::parent),
                  facts.owner_trusted && !facts.others_may_replace)
            << bits;
        EXPECT_EQ(is_trusted(facts, TrustRole::itself),
                  facts.owner_trusted && !facts.others_may_replace && !facts.others_may_write)
            << bits;
    }
}

TEST(Trust, EachFaultIsNamed) {
    EXPECT_NE(trust_fault({false, false, false}, TrustRole::itself).find("owned"),
              std::string_view::npos);
    EXPECT_NE(trust_fault({true, false, true}, TrustRole::parent).find("changed"),
              std::string_view::npos);
    EXPECT_NE(trust_fault({true, true, false}, TrustRole::itself).find("written"),
              std::string_view::npos);
}

TEST(Trust, OwnFolderIsTrusted) {
    const test::TempFolder folder;
    std::ofstream(folder / "file") << "x";
    fs::permissions(folder / "file", fs::perms::owner_read | fs::perms::owner_write);
    const auto parent = check_trusted(folder.path().parent_path());
    if (!parent)
        GTEST_SKIP() << "the tests run below a folder that is not trusted: " << parent.error().what;
    EXPECT_TRUE(check_trusted(folder.path()));
    EXPECT_TRUE(check_trusted(folder / "file"));
}

TEST(Trust, MissingPathIsJudgedByItsParents) {
    const test::TempFolder folder;
    EXPECT_EQ(check_trusted(folder / "not-there-yet").has_value(),
              check_trusted(folder.path()).has_value());
}

#ifndef _WIN32

TrustFacts facts_of(const fs::path& path) { return *trust_facts(path).value(); }

class PosixTrust : public testing::Test {
protected:
    PosixTrust() { fs::create_directory(inner_); }
    void mode(fs::perms permissions) { fs::permissions(inner_, permissions); }

    test::TempFolder folder_;
    fs::path inner_ = folder_ / "inner";
};

TEST_F(PosixTrust, OwnPrivateFolderHasNoFault) {
    mode(fs::perms::owner_all);
    const auto facts = facts_of(inner_);
    EXPECT_TRUE(facts.owner_trusted);
    EXPECT_FALSE(facts.others_may_write);
    EXPECT_FALSE(facts.others_may_replace);
}

TEST_F(PosixTrust, GroupAndOthersCountAsOthers) {
    for (const auto bit : {fs::perms::group_write, fs::perms::others_write}) {
        mode(fs::perms::owner_all | bit);
        EXPECT_TRUE(facts_of(inner_).others_may_write);
        EXPECT_TRUE(facts_of(inner_).others_may_replace);
        const auto trusted = check_trusted(inner_);
        ASSERT_FALSE(trusted);
        EXPECT_EQ(trusted.error().code, ERROR_ACCESS_DENIED);
        EXPECT_NE(trusted.error().what.find("inner"), std::string::npos) << trusted.error().what;
    }
}

TEST_F(PosixTrust, StickyParentIsAccepted) {
    mode(fs::perms::all | fs::perms::sticky_bit);
    EXPECT_TRUE(facts_of(inner_).others_may_write);
    EXPECT_FALSE(facts_of(inner_).others_may_replace);
    fs::create_directory(inner_ / "mine");
    fs::permissions(inner_ / "mine", fs::perms::owner_all);
    EXPECT_EQ(check_trusted(inner_ / "mine").has_value(),
              check_trusted(folder_.path()).has_value());
    EXPECT_FALSE(check_trusted(inner_));
}

TEST_F(PosixTrust, LinkThroughAnOpenFolderIsRefused) {
    const fs::path open = folder_ / "open";
    fs::create_directories(open / "inner");
    fs::permissions(open, fs::perms::all);
    fs::create_directory_symlink(open / "inner", folder_ / "link");
    const auto trusted = check_trusted(folder_ / "link");
    ASSERT_FALSE(trusted);
    EXPECT_NE(trusted.error().what.find("open"), std::string::npos) << trusted.error().what;
}

TEST_F(PosixTrust, ForeignOwnerIsRefused) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
    ASSERT_EQ(::chown(inner_.c_str(), 12345, 12345), 0);
    EXPECT_FALSE(facts_of(inner_).owner_trusted);
    EXPECT_FALSE(check_trusted(inner_));
}

TEST_F(PosixTrust, NothingThereHasNoFacts) { EXPECT_FALSE(trust_facts(inner_ / "none").value()); }

#endif

} // namespace
} // namespace ntdsb::platform
