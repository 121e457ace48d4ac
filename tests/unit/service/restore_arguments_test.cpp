// What Register demands of its arguments (contract REG-2..REG-5, REG-9..REG-12, PATH-1..4).
#include "service/restore_arguments.h"

#include "restore_directory.h"

namespace ntdsb::service {
namespace {

class RestoreArguments : public testing::Test {
protected:
    Code judge() {
        const auto judged = resolve_register_arguments(request, directory.config.directory);
        refusal = judged ? std::string() : judged.error().what;
        return code_of(judged);
    }
    // Refused with this rule's id in the sentence.
    void expect_refused(std::string_view rule) {
        EXPECT_EQ(judge(), ERROR_INVALID_PARAMETER);
        EXPECT_TRUE(refusal.starts_with(rule)) << refusal;
    }
    std::u16string path(std::string_view name) const { return wire_path(directory.root() / name); }

    RestoreDirectory directory;
    wire::RestoreRegister::Request request = directory.request();
    std::string refusal;
};

TEST_F(RestoreArguments, TheConfiguredPlacesAreTaken) {
    EXPECT_EQ(judge(), S_OK) << refusal;
    EXPECT_EQ(request.log_path, wire_path(directory.ntds()));
}

TEST_F(RestoreArguments, EachPathMustBeAFullPath) { // REG-2, PATH-1..3
    for (const auto member : {&wire::RestoreRegister::Request::checkpoint_path,
                              &wire::RestoreRegister::Request::log_path,
                              &wire::RestoreRegister::Request::backup_log_path}) {
        for (const std::u16string& bad :
             {std::u16string(), std::u16string(u"ntds"), std::u16string(u"/a\nb"),
              std::u16string(max_path_characters + 1, u'/')}) {
            request = directory.request();
            request.*member = bad;
            expect_refused("REG-2");
        }
    }
}

TEST_F(RestoreArguments, LogAndCheckpointPathMustBeTheConfiguredOnes) { // REG-2
    request.log_path = path("elsewhere");
    expect_refused("REG-2");
    request = directory.request();
    request.checkpoint_path = path("elsewhere");
    expect_refused("REG-2");
    request = directory.request();
    request.checkpoint_path = path("ntds/edb.log");
    expect_refused("REG-2");
    request = directory.request();
    request.backup_log_path = path("elsewhere"); // where the backup is, is the caller's business
    EXPECT_EQ(judge(), S_OK) << refusal;
}

TEST_F(RestoreArguments, CheckpointPathMayNameTheFile) { // REG-2
    request.checkpoint_path = path("ntds/edb.chk");
    EXPECT_EQ(judge(), S_OK) << refusal;
}

TEST_F(RestoreArguments, OtherSpellingsOfTheConfiguredPathsAreTaken) { // REG-2: resolved
    request.log_path = path("ntds/") + u"/./x/..";
    EXPECT_EQ(judge(), S_OK) << refusal;
    EXPECT_EQ(request.log_path, wire_path(directory.ntds())) << "recorded in one spelling";
}

TEST_F(RestoreArguments, MapNeedsOneTo1024PairsOfFullPaths) { // REG-3
    request.map.clear();
    expect_refused("REG-3");
    for (const auto member : {&wire::RestoreMapPair::source, &wire::RestoreMapPair::target}) {
        request = directory.request();
        request.map[0].*member = u"ntds.dit";
        expect_refused("REG-3");
        request.map[0].*member = u"";
        expect_refused("REG-3");
    }
    request = directory.request();
    for (int i = 1; i < 1024; ++i)
        request.map.push_back({path(text("old", i)), path(text("new", i))});
    EXPECT_EQ(judge(), S_OK) << refusal;
    EXPECT_EQ(request.map.size(), 1024u);
    request.map.push_back({path("old"), path("new")});
    expect_refused("REG-3");
}

TEST_F(RestoreArguments,
       OneSourceHasOneTargetAndOneTargetOneSource) { // REG-4, REG-11: in any order
    const wire::RestoreMapPair a{path("a"), path("x")};
    const wire::RestoreMapPair other{path("b"), path("y")};
    for (const wire::RestoreMapPair& bad : {wire::RestoreMapPair{path("a"), path("y2")},
                                            wire::RestoreMapPair{path("c"), path("x")}}) {
        for (const auto& map :
             {std::vector{a, other, bad}, std::vector{bad, other, a}, std::vector{a, bad, other}}) {
            request.map = map;
            expect_refused("REG-4");
        }
    }
    request.map = {{path("a"), path("x")}, {path("x"), path("a")}}; // a swap is no conflict
    EXPECT_EQ(judge(), S_OK) << refusal;
}

TEST_F(RestoreArguments, IdenticalPairsAreMerged) { // REG-4: compared as the platform does
    request.map = {{path("a"), path("x")}, {path("b"), path("y")}, {path("a") + u"/", path("./x")}};
    EXPECT_EQ(judge(), S_OK) << refusal;
    const std::vector<wire::RestoreMapPair> merged{{path("a"), path("x")}, {path("b"), path("y")}};
    EXPECT_EQ(request.map, merged);
}

TEST_F(RestoreArguments, CaseCountsAsThePlatformSays) { // REG-4
    request.map = {{path("a"), path("x")}, {path("A"), path("y")}};
    if (host_path_style == PathStyle::windows)
        expect_refused("REG-4");
    else
        EXPECT_EQ(judge(), S_OK) << refusal;
}

TEST_F(RestoreArguments, GenerationsHaveFiveHexDigitsAndAnOrder) { // REG-5, REG-10
    const auto judge_range = [&](std::uint32_t low, std::uint32_t high) {
        request = directory.request();
        request.gen_low = low;
        request.gen_high = high;
        return judge();
    };
    EXPECT_EQ(judge_range(0, 0), S_OK);
    EXPECT_EQ(judge_range(0, 5), S_OK);
    EXPECT_EQ(judge_range(0xFFFFF, 0xFFFFF), S_OK);
    for (const auto& [low, high] : {std::pair{0u, 0x100000u}, std::pair{0x100000u, 0x100000u},
                                    std::pair{6u, 5u}, std::pair{~0u, 0u}}) {
        EXPECT_EQ(judge_range(low, high), ERROR_INVALID_PARAMETER) << low << ".." << high;
        EXPECT_TRUE(refusal.starts_with("REG-5")) << refusal;
    }
}

TEST_F(RestoreArguments, RulesAreJudgedInTheirOrder) {
    request.log_path = u"x";
    request.map.clear();
    request.gen_low = 9;
    expect_refused("REG-2");
    request.log_path = directory.request().log_path;
    expect_refused("REG-3");
    request.map = {{path("a"), path("x")}, {path("a"), path("y")}};
    expect_refused("REG-4");
    request.map.pop_back();
    expect_refused("REG-5");
}

TEST_F(RestoreArguments, NoFileNeedsToBeThere) { // REG-12
    std::filesystem::remove_all(directory.ntds());
    std::filesystem::remove_all(directory.backup());
    EXPECT_EQ(judge(), S_OK) << refusal;
}

TEST_F(RestoreArguments, CheckpointPairsAreToldByFolderOrFileName) { // REG-9
    const auto is_checkpoint = [&](std::string_view target) {
        return is_checkpoint_pair({path("old"), path(target)}, directory.config.directory);
    };
    EXPECT_TRUE(is_checkpoint("ntds"));
    EXPECT_TRUE(is_checkpoint("ntds/edb.chk"));
    EXPECT_TRUE(is_checkpoint("elsewhere/edb.chk"));
    EXPECT_FALSE(is_checkpoint("ntds/ntds.dit"));
    EXPECT_FALSE(is_checkpoint("elsewhere"));
}

#ifdef _WIN32

TEST_F(RestoreArguments, OwnShareIsTheDrive) { // PATH-4
    const auto local = wire_path(directory.ntds());
    ASSERT_EQ(local[1], u':');
    request.log_path = u"\\\\localhost\\" + local.substr(0, 1) + u"$" + local.substr(2);
    EXPECT_EQ(judge(), S_OK) << refusal;
    EXPECT_EQ(request.log_path, local);
}

#else

TEST_F(RestoreArguments, LinkToTheConfiguredFolderIsTheFolder) { // REG-2: resolved
    std::filesystem::create_directory_symlink(directory.ntds(), directory.root() / "link");
    request.log_path = path("link");
    request.checkpoint_path = path("link/edb.chk");
    EXPECT_EQ(judge(), S_OK) << refusal;
    EXPECT_TRUE(is_checkpoint_pair({path("old"), path("link")}, directory.config.directory));
}

#endif

} // namespace
} // namespace ntdsb::service
