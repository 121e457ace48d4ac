// ntdsbctl's commands as functions: what they print and their exit statuses. Its command line is
// parsed by the program alone.
#include "tools/commands.h"

#include "restore_directory.h"
#include "roles.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

namespace ntdsb::tools {
namespace {

using service::RecordState;

class Ntdsbctl : public testing::Test {
protected:
    Ntdsbctl() {
        std::ofstream file(config_file());
        const auto key = [&](const char* name, const platform::Path& path) {
            file << name << " = '" << path.string() << "'\n";
        };
        file << "[directory]\n";
        key("database", directory.database());
        key("state_path",
            directory.state().parent_path()); // the default instance's folder is "default"
        options.config_file = wire_path(config_file());
        options.out = &out;
        options.err = &err;
    }
    platform::Path config_file() const { return directory.root() / "ntdsbcli.toml"; }

    nlohmann::json json(int (*command)(const Options&), int expected) {
        options.json = true;
        out.str({});
        EXPECT_EQ(command(options), expected);
        options.json = false;
        return nlohmann::json::parse(out.str());
    }
    std::string printed(int (*command)(const Options&), int expected) {
        out.str({});
        err.str({});
        EXPECT_EQ(command(options), expected);
        return out.str() + err.str();
    }
    void expect_says(const std::string& output, std::string_view what) {
        EXPECT_NE(output.find(what), std::string::npos) << output;
    }

    service::RestoreDirectory directory;
    std::ostringstream out, err;
    Options options;
};

TEST_F(Ntdsbctl, StatusOfADirectoryAtRest) {
    const auto found = json(status, exit_ok);
    EXPECT_EQ(found["database"], text(directory.config.directory.database));
    EXPECT_EQ(found["engine_running"], false);
    EXPECT_EQ(found["backup"], nullptr);
    EXPECT_EQ(found["restore_session_alive"], false);
    EXPECT_EQ(found["record"], nullptr);
    EXPECT_EQ(found["may_start"], true);
    EXPECT_FALSE(found.contains("blocked_by"));
    expect_says(printed(status, exit_ok), "may start     yes");
}

TEST_F(Ntdsbctl, StatusNamesRecordHoldersAndNextStep) {
    const auto registration = directory.enter();
    ASSERT_TRUE(registration);
    const auto found = json(status, exit_ok);
    EXPECT_EQ(found["restore_session_alive"], true);
    EXPECT_NE(found["restore_holder"].get<std::string>().find(text("pid ", platform::process_id())),
              std::string::npos);
    EXPECT_EQ(found["record"]["state"], "registered");
    EXPECT_EQ(found["record"]["map"].size(), 1u);
    EXPECT_EQ(found["may_start"], false);
    EXPECT_EQ(found["blocked_by"]["error"], "hrRestoreInProgress");
    const auto output = printed(status, exit_ok);
    expect_says(output, "restore lock  held by pid ");
    expect_says(output, "record        registered");
    expect_says(output, "next step     wait until the restore session completes");
}

TEST_F(Ntdsbctl, StatusSaysWhatToDoAtEachRecord) {
    { ASSERT_TRUE(directory.enter()); }
    expect_says(printed(status, exit_ok), "next step     run the restore again");
    EXPECT_TRUE(directory.enter().value().record_failure(hrLogFileCorrupt));
    expect_says(printed(status, exit_ok), "record        failed with hrLogFileCorrupt");
    EXPECT_TRUE(directory.enter().value().complete());
    expect_says(printed(status, exit_ok), "next step     start the restored directory");
    test::flip_bit(directory.record_file(), 20);
    expect_says(printed(status, exit_ok), "next step     run the restore again");
    EXPECT_NE(json(status, exit_ok)["record_problem"], nullptr);
}

TEST_F(Ntdsbctl, StatusNamesARunningBackup) {
    const auto claim =
        service::BackupClaim::enter(*directory.instance(), service::BackupSource::live);
    ASSERT_TRUE(claim);
    EXPECT_EQ(json(status, exit_ok)["backup"], "live");
    expect_says(printed(status, exit_ok), "next step     wait until the backup ends");
}

TEST_F(Ntdsbctl, HoldersLineThatIsNoTextIsPrintedAllTheSame) {
    const auto lock =
        platform::try_lock(directory.instance()->state_file("engine.lock"), "\xff\xfe").value();
    EXPECT_EQ(json(status, exit_ok)["engine_running"], true);
}

TEST_F(Ntdsbctl, CheckStartAnswersWithItsExitStatus) {
    EXPECT_EQ(json(check_start, exit_ok)["may_start"], true);
    expect_says(printed(check_start, exit_ok), "may start");
    const auto registration = directory.enter();
    const auto found = json(check_start, exit_no);
    EXPECT_EQ(found["may_start"], false);
    EXPECT_EQ(found["blocked_by"]["code"], static_cast<std::uint32_t>(hrRestoreInProgress));
    expect_says(printed(check_start, exit_no), "hrRestoreInProgress");
}

TEST_F(Ntdsbctl, WhatCannotBeAnsweredIsNeitherYesNorNo) {
    options.config_file = wire_path(directory.root() / "absent.toml");
    for (const auto command : {status, check_start}) {
        EXPECT_NE(printed(command, exit_failed), "");
        EXPECT_TRUE(json(command, exit_failed).contains("what"));
    }
    EXPECT_EQ(run_engine(options, {service::own_program().string(), "exit", "0"}), exit_failed);
}

TEST_F(Ntdsbctl, RunReturnsTheEnginesStatus) {
    EXPECT_EQ(run_engine(options, {service::own_program().string(), "exit", "0"}), 0);
    EXPECT_EQ(run_engine(options, {service::own_program().string(), "exit", "77"}), 77);
    EXPECT_EQ(json(status, exit_ok)["engine_running"], false) << "the gate is free again";
}

TEST_F(Ntdsbctl, EngineHoldsTheGateWhileItRuns) { // design point 9
    EXPECT_EQ(run_engine(options, {service::own_program().string(), "look-as-engine",
                                   directory.root().string()}),
              service::role_looked);
}

TEST_F(Ntdsbctl, RunRefusesWhileTheDirectoryIsBlocked) {
    { ASSERT_TRUE(directory.enter()); }
    EXPECT_EQ(run_engine(options, {service::own_program().string(), "exit", "0"}), exit_no);
    expect_says(err.str(), "hrRestoreInProgress");
}

TEST_F(Ntdsbctl, RunMarksARestoredDirectoryStarted) { // REC-7
    EXPECT_TRUE(directory.enter().value().complete());
    EXPECT_EQ(run_engine(options, {service::own_program().string(), "exit", "0"}), 0);
    EXPECT_EQ(directory.recorded(), RecordState::started);
}

TEST_F(Ntdsbctl, ProgramThatCannotBeRunIsAFailure) {
    EXPECT_EQ(run_engine(options, {(directory.root() / "no-such-program").string()}), exit_failed);
    EXPECT_NE(err.str(), "");
}

} // namespace
} // namespace ntdsb::tools
