// status, check-start and run: what they print and their exit statuses.
#include "tools_fixture.h"

#include "../service/roles.h"

namespace ntdsb::tools {
namespace {

using service::RecordState;

std::string this_program() { return utf8(service::own_program()); }

TEST_F(Ntdsbctl, StatusOfADirectoryAtRest) {
    const auto found = json({"status"}, exit_ok);
    EXPECT_EQ(found["database"], text(directory.config.directory.database));
    EXPECT_EQ(found["engine_running"], false);
    EXPECT_EQ(found["backup"], nullptr);
    EXPECT_EQ(found["restore_session_alive"], false);
    EXPECT_EQ(found["record"], nullptr);
    EXPECT_EQ(found["may_start"], true);
    EXPECT_FALSE(found.contains("blocked_by"));
    expect_says(run({"status"}).out, "may start     yes");
}

TEST_F(Ntdsbctl, StatusNamesRecordHoldersAndNextStep) {
    const auto registration = directory.enter();
    ASSERT_TRUE(registration);
    const auto found = json({"status"}, exit_ok);
    EXPECT_EQ(found["restore_session_alive"], true);
    EXPECT_NE(found["restore_holder"].get<std::string>().find(text("pid ", platform::process_id())),
              std::string::npos);
    EXPECT_EQ(found["record"]["state"], "registered");
    EXPECT_EQ(found["record"]["map"].size(), 1u);
    EXPECT_EQ(found["may_start"], false);
    EXPECT_EQ(found["blocked_by"]["error"], "hrRestoreInProgress");
    const auto output = run({"status"}).out;
    expect_says(output, "restore lock  held by pid ");
    expect_says(output, "record        registered");
    expect_says(output, "next step     wait until the restore session completes");
}

TEST_F(Ntdsbctl, StatusSaysWhatToDoAtEachRecord) {
    { ASSERT_TRUE(directory.enter()); }
    expect_says(run({"status"}).out, "next step     run the restore again");
    EXPECT_TRUE(directory.enter().value().record_failure(hrLogFileCorrupt));
    expect_says(run({"status"}).out, "record        failed with hrLogFileCorrupt");
    EXPECT_TRUE(directory.enter().value().complete());
    expect_says(run({"status"}).out, "next step     start the restored directory");
    test::flip_bit(directory.record_file(), 20);
    expect_says(run({"status"}).out, "next step     run the restore again");
    EXPECT_NE(json({"status"}, exit_ok)["record_problem"], nullptr);
}

TEST_F(Ntdsbctl, StatusNamesARunningBackup) {
    const auto claim =
        service::BackupClaim::enter(*directory.instance(), service::BackupSource::live);
    ASSERT_TRUE(claim);
    EXPECT_EQ(json({"status"}, exit_ok)["backup"], "live");
    expect_says(run({"status"}).out, "next step     wait until the backup ends");
}

TEST_F(Ntdsbctl, HoldersLineThatIsNoTextIsPrintedAllTheSame) {
    const auto lock =
        platform::try_lock(directory.instance()->state_file("engine.lock"), "\xff\xfe").value();
    EXPECT_EQ(json({"status"}, exit_ok)["engine_running"], true);
}

TEST_F(Ntdsbctl, CheckStartAnswersWithItsExitStatus) {
    EXPECT_EQ(json({"check-start"}, exit_ok)["may_start"], true);
    expect_says(run({"check-start"}).out, "may start");
    const auto registration = directory.enter();
    const auto found = json({"check-start"}, exit_no);
    EXPECT_EQ(found["may_start"], false);
    EXPECT_EQ(found["blocked_by"]["code"], static_cast<std::uint32_t>(hrRestoreInProgress));
    expect_says(run({"check-start"}).err, "hrRestoreInProgress");
}

TEST_F(Ntdsbctl, WhatCannotBeAnsweredIsNeitherYesNorNo) {
    std::filesystem::remove(config_file());
    for (const std::string command : {"status", "check-start"}) {
        const auto printed = run({command});
        EXPECT_EQ(printed.status, exit_failed);
        expect_says(printed.err, "ntdsbcli.toml");
        EXPECT_TRUE(json({command}, exit_failed).contains("what"));
    }
    EXPECT_EQ(run({"run", "--", this_program(), "exit", "0"}).status, exit_failed);
}

TEST_F(Ntdsbctl, RunReturnsTheEnginesStatus) {
    EXPECT_EQ(run({"run", "--", this_program(), "exit", "0"}).status, 0);
    EXPECT_EQ(run({"run", "--", this_program(), "exit", "77"}).status, 77);
    EXPECT_EQ(json({"status"}, exit_ok)["engine_running"], false) << "the gate is free again";
}

TEST_F(Ntdsbctl, EngineHoldsTheGateWhileItRuns) { // design point 9
    EXPECT_EQ(run({"run", "--", this_program(), "look-as-engine", utf8(directory.root())}).status,
              service::role_looked);
}

TEST_F(Ntdsbctl, RunRefusesWhileTheDirectoryIsBlocked) {
    { ASSERT_TRUE(directory.enter()); }
    const auto refused = run({"run", "--", this_program(), "exit", "0"});
    EXPECT_EQ(refused.status, exit_no);
    expect_says(refused.err, "hrRestoreInProgress");
}

TEST_F(Ntdsbctl, RunMarksARestoredDirectoryStarted) { // REC-7
    EXPECT_TRUE(directory.enter().value().complete());
    EXPECT_EQ(run({"run", "--", this_program(), "exit", "0"}).status, 0);
    EXPECT_EQ(directory.recorded(), RecordState::started);
    const auto events = json({"history"}, exit_ok)["events"];
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0]["event"], "registered");
    EXPECT_EQ(events[1]["event"], "completed");
    EXPECT_EQ(events[2]["event"], "started");
}

TEST_F(Ntdsbctl, ProgramThatCannotBeRunIsAFailure) {
    const auto failed = run({"run", "--", utf8(directory.root() / "no-such-program")});
    EXPECT_EQ(failed.status, exit_failed);
    expect_says(failed.err, "no-such-program");
}

TEST_F(Ntdsbctl, ProgramThatCannotBeRunStartsNoRestoredDirectory) { // REC-7
    EXPECT_TRUE(directory.enter().value().complete());
    const std::string absent = utf8(directory.root() / "no-such-program");
    EXPECT_EQ(run({"run", "--", absent}).status, exit_failed);
    EXPECT_EQ(directory.recorded(), RecordState::completed);
    EXPECT_EQ(json({"history"}, exit_ok)["events"].back()["event"], "not-started");
    EXPECT_EQ(json({"status"}, exit_ok)["engine_running"], false);

    EXPECT_EQ(run({"run", "--", this_program(), "exit", "0"}).status, 0);
    EXPECT_EQ(run({"run", "--", absent}).status, exit_failed);
    EXPECT_EQ(directory.recorded(), RecordState::started) << "an earlier start stays one";
}

} // namespace
} // namespace ntdsb::tools
