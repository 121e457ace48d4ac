// locations, online, explain, token, doctor and the command line itself.
#include "tools_fixture.h"

#include <regex>
#include <set>

namespace ntdsb::tools {
namespace {

TEST_F(Ntdsbctl, LocationsAreTheDllsOwn) {
    const auto found = json({"locations"}, exit_ok);
    EXPECT_EQ(found["database"], utf8(directory.database()));
    EXPECT_EQ(found["log_path"], utf8(directory.ntds()));
    EXPECT_EQ(found["checkpoint_path"], utf8(directory.ntds()));
    expect_says(run({"locations"}).out, utf8(directory.database()));
}

TEST_F(Ntdsbctl, LocationsOfAnInstanceNeedAServerNameForIt) {
    const auto other = directory.root() / "lds";
    std::filesystem::create_directories(other);
    directory.made().write(other / "adamntds.dit");
    const auto instances = text("[instances.lds1]\ndatabase = '", utf8(other / "adamntds.dit"),
                                "'\nstate_path = '", utf8(directory.state().parent_path()), "'\n");
    configure(instances);
    const auto refused = run({"--instance", "lds1", "locations"});
    EXPECT_EQ(refused.status, exit_failed);
    expect_says(refused.err, "[transport.servers.lds1]");
    configure(instances + "[transport.servers.lds1]\ntransport = 'embedded'\ninstance = 'lds1'\n");
    EXPECT_EQ(json({"--instance", "lds1", "locations"}, exit_ok)["database"],
              utf8(other / "adamntds.dit"));
}

TEST_F(Ntdsbctl, OnlineIsTheExitStatus) {
    EXPECT_EQ(json({"online"}, exit_no)["online"], false);
    const auto engine = service::start_directory(*directory.instance());
    ASSERT_TRUE(engine);
    EXPECT_EQ(json({"online"}, exit_ok)["online"], true);
}

TEST_F(Ntdsbctl, UnknownServerIsSaid) {
    const auto printed = run({"--server", "nowhere.example", "locations"});
    EXPECT_EQ(printed.status, exit_failed);
    expect_says(printed.err, "RPC_S_INVALID_BINDING");
}

TEST_F(Ntdsbctl, ExplainTakesNumbersAndNames) {
    for (const std::string code :
         {"0xC7FF0004", "3355377668", "-939589628", "hrRestoreInProgress", "HRRESTOREINPROGRESS"}) {
        const auto found = json({"explain", code}, exit_ok);
        EXPECT_EQ(found["name"], "hrRestoreInProgress") << code;
        EXPECT_EQ(found["code"], 0xC7FF0004u);
        EXPECT_NE(found["text"], "");
    }
    EXPECT_EQ(json({"explain", "87"}, exit_ok)["name"], "ERROR_INVALID_PARAMETER");
    expect_says(run({"explain", "0xC7FF0004"}).out, "hrRestoreInProgress (0xC7FF0004");
    for (const std::string code : {"0xFFFFFFFFF", "hrNoSuchThing", "", "12x", "0x"})
        EXPECT_EQ(run({"explain", code}).status, exit_no) << code;
}

TEST_F(Ntdsbctl, TokenShowsWhatItCarries) {
    const auto file = directory.root() / "token.bin";
    test::write_file(file, directory.token());
    const auto found = json({"token", "show", utf8(file)}, exit_ok);
    EXPECT_EQ(found["databases"][0]["size"], directory.made().facts().size);
    EXPECT_EQ(found["tombstone_lifetime_days"], 180);
    expect_says(run({"token", "show", utf8(file)}).out, "180 days");
    test::flip_bit(file, 15);
    EXPECT_EQ(json({"token", "show", utf8(file)}, exit_failed)["error"],
              "hrUnknownExpiryTokenFormat");
}

// --- doctor

TEST_F(Ntdsbctl, DoctorTellsEachSettingsOrigin) {
    const auto found = json({"doctor"}, exit_ok);
    EXPECT_EQ(found["healthy"], true);
    EXPECT_EQ(found["settings"]["directory.database"]["value"], utf8(directory.database()));
    EXPECT_EQ(found["settings"]["directory.database"]["origin"], utf8(config_file()) + ":2");
    EXPECT_EQ(found["settings"]["directory.tombstone_lifetime_days"]["origin"], "default");
    EXPECT_EQ(found["settings"]["transport.default"]["value"], "embedded");
    const auto printed = run({"doctor"});
    expect_says(printed.out, "directory.verify = full  [default]");
    expect_says(printed.out, "ok     nothing keeps the directory from starting");
}

TEST_F(Ntdsbctl, DoctorKnowsEverySettingOfTheService) {
    const auto settings = json({"doctor"}, exit_ok)["settings"];
    for (const char* key : {"listen",
                            "allow_anonymous",
                            "allow_backup",
                            "allow_restore",
                            "restore_roots",
                            "metrics",
                            "max_connections",
                            "max_calls",
                            "max_authentications",
                            "bind_timeout_s",
                            "fragment_timeout_s",
                            "unread_timeout_s",
                            "max_calls_per_connection",
                            "max_request_bytes",
                            "max_unsent_bytes",
                            "max_held_bytes",
                            "stop_timeout_s",
                            "hang_up_timeout_s",
                            "max_waiting_calls_per_connection",
                            "max_open_calls_per_connection",
                            "max_presentation_contexts",
                            "max_stranger_bytes",
                            "max_metrics_requests",
                            "metrics_timeout_s"})
        EXPECT_TRUE(settings.contains(text("service.", key))) << key;
}

TEST_F(Ntdsbctl, DoctorFindsWhatIsMissing) {
    std::filesystem::remove(directory.database());
    const auto found = json({"doctor"}, exit_no);
    EXPECT_EQ(found["healthy"], false);
    expect_says(found["checks"].dump(), "hrDatabaseNotFound");
}

TEST_F(Ntdsbctl, DoctorTellsALogThatCannotBeWritten) {
    configure(text("[log]\nlevel = 'warn'\nfile = '", utf8(directory.root() / "absent" / "x.log"),
                   "'\n"));
    EXPECT_EQ(run({"doctor"}).status, exit_no);
}

TEST_F(Ntdsbctl, DoctorTellsWhyATransportIsTaken) {
    configure("[transport.servers.lds]\ntransport = 'embedded'\n");
    expect_says(run({"--server", "LDS", "doctor"}).out, "[transport.servers.lds]");
    expect_says(run({"doctor"}).out, "transport.default");
    EXPECT_EQ(run({"--server", "nowhere", "doctor"}).status, exit_no);
}

TEST_F(Ntdsbctl, DoctorOfAWrongConfigurationNamesLineAndKey) {
    configure("colour = 'red'\n");
    const auto printed = run({"doctor"});
    EXPECT_EQ(printed.status, exit_no);
    expect_says(printed.err, "ntdsbcli.toml:5: [directory] colour");
}

TEST_F(Ntdsbctl, DoctorOfAnInstanceThatIsNotConfiguredSaysSo) {
    const auto other = directory.root() / "lds";
    std::filesystem::create_directories(other);
    directory.made().write(other / "adamntds.dit");
    configure(text("[instances.lds1]\ndatabase = '", utf8(other / "adamntds.dit"),
                   "'\nstate_path = '", utf8(directory.state().parent_path()), "'\n"));
    const auto found = json({"--instance", "ldsl", "doctor"}, exit_no);
    EXPECT_EQ(found["healthy"], false);
    const auto of_others = json({"--instance", "ldsl", "status"}, exit_failed);
    expect_says(found["checks"].dump(), of_others["error"].get<std::string>());
    expect_says(found["checks"].dump(), "known are lds1");
    EXPECT_EQ(run({"--instance", "lds1", "doctor"}).status, exit_ok);
}

// --- The command line

TEST_F(Ntdsbctl, WrongCommandLinesAreTold) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                  {"frobnicate"},
                                                  {"verify"},
                                                  {"backup"},
                                                  {"--colour", "status"},
                                                  {"token"},
                                                  {"backup", "a", "b"}}) {
        EXPECT_EQ(run_bare(words).status, exit_usage);
    }
    EXPECT_EQ(run_bare({"--help"}).status, exit_ok);
    EXPECT_EQ(run_bare({"--version"}).status, exit_ok);
}

std::string content_of(const std::string& name) {
    std::ifstream file(std::string(NTDSB_SOURCE_DIR "/") + name);
    if (!file) ADD_FAILURE() << "cannot read " << name;
    return {std::istreambuf_iterator<char>(file), {}};
}

// Every command and every --option of the help.
TEST_F(Ntdsbctl, ManPageAndCompletionKnowEveryCommandAndOption) {
    const std::string man = content_of("dist/man/ntdsbctl.1");
    const std::string completion = content_of("dist/bash-completion/ntdsbctl");
    const auto expect_known = [&](const std::string& word) {
        std::string in_man = word; // troff writes a hyphen as \-
        for (std::size_t at = 0; (at = in_man.find('-', at)) != in_man.npos; at += 2)
            in_man.replace(at, 1, "\\-");
        EXPECT_NE(man.find(in_man), man.npos) << word << " is not in the man page";
        EXPECT_NE(completion.find(word), completion.npos) << word << " is not completed";
    };
    std::set<std::string> commands;
    const auto look_at = [&](const std::string& help) {
        const std::regex option("(--[a-z-]+)"), command("\n  ([a-z-]+) {2,}");
        for (std::sregex_iterator found(help.begin(), help.end(), option), end; found != end;
             ++found)
            expect_known(found->str(1));
        const auto list = help.substr(std::min(help.find("Subcommands:"), help.size()));
        for (std::sregex_iterator found(list.begin(), list.end(), command), end; found != end;
             ++found)
            commands.insert(found->str(1));
    };
    look_at(run_bare({"--help"}).out);
    EXPECT_EQ(commands.size(), 14u);
    for (const auto& command : std::set<std::string>(commands)) {
        expect_known(command);
        look_at(run_bare({command, "--help"}).out);
    }
}

} // namespace
} // namespace ntdsb::tools
