// backup, restore and verify of whole folders: through the DLL's public functions, as old tools
// do it. A backup taken and restored is the same bytes.
#include "tools_fixture.h"

#include "core/utf16.h"
#include "support/real_data.h"
#include "tools/manifest.h"
#include "tools/sha256.h"

namespace ntdsb::tools {
namespace {

using test::read_file;

class NtdsbctlBackup : public Ntdsbctl {
protected:
    // A stopped directory that needs its logs 3..5, the last one as edb.log.
    void make_dirty() {
        directory.with_logs = true;
        directory.made().write(directory.database());
        test::LogChain{directory.signature}.from(3).to(5).current().write(directory.ntds());
        test::EseCheckpoint{directory.signature}.generation(3).write(directory.ntds() / "edb.chk");
    }
    void back_up() {
        const auto printed = run({"backup", utf8(folder())});
        ASSERT_EQ(printed.status, exit_ok) << printed.all();
    }
    void ruin() { test::write_file(directory.database(), test::Bytes(10'000, std::byte{'x'})); }
    platform::Path folder() const { return directory.root() / "taken"; }
    platform::Path in_folder(std::string_view name) const { return folder() / name; }
    Manifest manifest() const { return load_manifest(folder()).value(); }
    static void save_manifest(const platform::Path& place, const Manifest& altered) {
        std::ofstream(place / manifest_name, std::ios::binary) << encode_manifest(altered);
    }
    std::size_t files_in_folder() const { return platform::list_folder(folder()).value().size(); }
};

TEST_F(NtdsbctlBackup, BackupIsTheFilesTheTokenAndAManifestOfSums) {
    make_dirty();
    back_up();
    EXPECT_EQ(read_file(in_folder("ntds.dit")), read_file(directory.database()));
    EXPECT_EQ(read_file(in_folder("edb00005.log")), read_file(directory.ntds() / "edb.log"));
    EXPECT_EQ(files_in_folder(), 6u) << "database, three logs, token, manifest";
    const auto found = manifest();
    EXPECT_EQ(found.gen_low, 3u);
    EXPECT_EQ(found.gen_high, 5u);
    EXPECT_EQ(found.files.size(), 5u);
    EXPECT_EQ(found.database().live_path, utf8(directory.database()));
    EXPECT_EQ(json({"verify", utf8(folder())}, exit_ok)["sound"], true);
    EXPECT_EQ(json({"token", "show", utf8(in_folder("token.bin"))}, exit_ok)["expired"], false);
}

TEST_F(NtdsbctlBackup, RestoreGivesBackTheBytesAndKeepsWhatWasThere) {
    make_dirty();
    const auto original = read_file(directory.database());
    back_up();
    ruin();
    const auto ruined = read_file(directory.database());
    const auto done = json({"restore", utf8(folder()), "--yes"}, exit_ok);
    EXPECT_EQ(read_file(directory.database()), original);
    EXPECT_EQ(read_file(directory.ntds() / "edb.log"), read_file(in_folder("edb00005.log")));
    EXPECT_EQ(read_file(directory.ntds() / "edb00003.log"), read_file(in_folder("edb00003.log")));
    ASSERT_EQ(done["moved_aside"].size(), 1u);
    const platform::Path aside =
        native_path(wtf8_to_utf16(done["moved_aside"][0].get<std::string>()));
    EXPECT_EQ(read_file(aside / "ntds.dit"), ruined);
    EXPECT_TRUE(std::filesystem::exists(aside / "edb.chk"));
    EXPECT_EQ(directory.recorded(), service::RecordState::completed);
    EXPECT_EQ(json({"verify", utf8(directory.ntds())}, exit_ok)["sound"], true);
}

TEST_F(NtdsbctlBackup, RestoreForAnotherComputerIsRefused) {
    back_up();
    configure("[transport.servers.far]\ntransport = 'rpc'\naddress = 'dc9.example:49152'\n");
    for (const std::string name : {"far", "FAR", "\\\\far"}) {
        const auto printed = run({"--server", name, "restore", utf8(folder()), "--yes"});
        EXPECT_EQ(printed.status, exit_failed) << name;
        expect_says(printed.err, "dc9.example:49152");
        expect_says(printed.err, "run this command on that computer");
    }
    EXPECT_FALSE(directory.recorded());
}

TEST_F(NtdsbctlBackup, BackupThatHasExpiredIsNotSound) { // PREP-5
    back_up();
    platform::set_clock([] {
        constexpr std::uint64_t day = std::uint64_t{24} * 3600 * 10'000'000;
        return platform::system_filetime() + 181 * day;
    });
    const auto found = json({"verify", utf8(folder())}, exit_no);
    platform::set_clock(nullptr);
    EXPECT_EQ(found["paths"][0]["findings"][0]["error"], "hrContentsExpired");
    EXPECT_EQ(found["paths"][0]["findings"].size(), 1u);
    EXPECT_EQ(json({"verify", utf8(folder())}, exit_ok)["sound"], true);
}

TEST_F(NtdsbctlBackup, LostFoldersAreMadeAgain) {
    make_dirty();
    const auto logs = directory.root() / "lost" / "logs";
    configure(text("log_path = '", utf8(logs), "'\n"));
    std::filesystem::create_directories(logs);
    for (const char* log : {"edb00003.log", "edb00004.log", "edb.log"})
        std::filesystem::rename(directory.ntds() / log, logs / log);
    std::filesystem::rename(directory.ntds() / "edb.chk", logs / "edb.chk");
    const auto original = read_file(directory.database());
    back_up();
    std::filesystem::remove_all(directory.ntds());
    std::filesystem::remove_all(logs.parent_path());
    const auto done = json({"restore", utf8(folder()), "--yes"}, exit_ok);
    EXPECT_EQ(read_file(directory.database()), original);
    EXPECT_EQ(read_file(logs / "edb.log"), read_file(in_folder("edb00005.log")));
    ASSERT_EQ(done["folders_made"].size(), 2u);
    EXPECT_EQ(done["folders_made"][0], utf8(directory.ntds()));
    EXPECT_EQ(done["folders_made"][1], utf8(logs));
    EXPECT_EQ(done["moved_aside"].size(), 0u);
    EXPECT_EQ(directory.start_blocked(), S_OK);
}

TEST_F(NtdsbctlBackup, RealDatabaseComesBackByteForByte) {
    NTDSB_REAL_DATABASE(real, "page8k");
    test::write_file(directory.database(), read_file(real));
    back_up();
    ruin();
    ASSERT_EQ(run({"restore", utf8(folder()), "--yes"}).status, exit_ok);
    EXPECT_EQ(read_file(directory.database()), read_file(real));
}

// Wine has no administrative shares: a restore that needed them would fail there.
TEST_F(NtdsbctlBackup, LocationsThatAreSharesAreRestoredWithoutThem) { // PATH-4
    make_dirty();
    configure("path_style = 'unc'\n");
    const auto original = read_file(directory.database());
    back_up();
    ruin();
    const auto done = run({"restore", utf8(folder()), "--yes"});
    ASSERT_EQ(done.status, exit_ok) << done.all();
    EXPECT_EQ(read_file(directory.database()), original);
    EXPECT_EQ(directory.recorded(), service::RecordState::completed);
}

TEST_F(NtdsbctlBackup, TruncationFollowsACompleteBackup) { // BTRUNC-1
    directory.with_logs = true;
    directory.made().write(directory.database()); // needs 3..5
    test::LogChain{directory.signature}.from(1).to(5).current().write(directory.ntds());
    test::EseCheckpoint{directory.signature}.generation(3).write(directory.ntds() / "edb.chk");
    const auto done = run({"backup", "--truncate-logs", utf8(folder())});
    ASSERT_EQ(done.status, exit_ok) << done.all();
    EXPECT_FALSE(std::filesystem::exists(directory.ntds() / "edb00002.log"));
    EXPECT_TRUE(std::filesystem::exists(directory.ntds() / "edb00003.log"));
}

TEST_F(NtdsbctlBackup, FolderThatHoldsSomethingIsRefused) {
    std::filesystem::create_directories(folder());
    test::write_file(in_folder("mine.txt"), test::Bytes(1));
    const auto refused = run({"backup", utf8(folder())});
    EXPECT_EQ(refused.status, exit_failed);
    expect_says(refused.err, "mine.txt");
    EXPECT_EQ(files_in_folder(), 1u);
}

TEST_F(NtdsbctlBackup, FailedBackupLeavesNothing) {
    directory.made().damaged_page(3).write(directory.database()); // BREAD-4
    const auto failed = run({"backup", utf8(folder())});
    EXPECT_EQ(failed.status, exit_no) << "not sound, as verify says";
    expect_says(failed.err, "hrReadVerifyFailure");
    EXPECT_FALSE(std::filesystem::exists(folder()));
}

platform::Path taken_meanwhile;

// Another backup into the same new folder gets to a name first: nothing of it is touched.
TEST_F(NtdsbctlBackup, FailedBackupLeavesWhatAnotherMade) {
    for (const char* name : {"ntds.dit.part", "ntds.dit", "token.bin", "manifest.json"}) {
        taken_meanwhile = in_folder(name);
        platform::set_disk_hook([](platform::DiskOperation operation, const platform::Path& path) {
            const bool gets_name = operation == platform::DiskOperation::create ||
                                   operation == platform::DiskOperation::rename;
            if (gets_name && path == taken_meanwhile)
                test::write_file(path, test::Bytes(3, std::byte{'x'}));
            return Code{0};
        });
        const auto failed = run({"backup", utf8(folder())});
        platform::set_disk_hook(nullptr);
        EXPECT_EQ(failed.status, exit_failed) << name;
        expect_says(failed.err, name);
        expect_says(failed.err, "nothing of this backup is kept");
        ASSERT_TRUE(std::filesystem::exists(in_folder(name)));
        EXPECT_EQ(files_in_folder(), 1u) << name;
        EXPECT_EQ(read_file(in_folder(name)), test::Bytes(3, std::byte{'x'}));
        std::filesystem::remove_all(folder());
    }
}

TEST_F(NtdsbctlBackup, BackupIsRefusedWhileARestoreIsRegistered) { // BPREP-6
    { ASSERT_TRUE(directory.enter()); }
    const auto refused = run({"backup", utf8(folder())});
    EXPECT_EQ(refused.status, exit_no);
    expect_says(refused.err, "hrRestoreInProgress");
}

TEST_F(NtdsbctlBackup, RestoreAsksFirst) {
    back_up();
    ruin();
    const auto ruined = read_file(directory.database());
    answer = "n\n";
    EXPECT_EQ(run({"restore", utf8(folder())}).status, exit_no);
    EXPECT_EQ(read_file(directory.database()), ruined);
    EXPECT_EQ(directory.recorded(), std::nullopt) << "nothing was registered";
    answer = "";
    const auto no_terminal = run({"restore", utf8(folder())});
    EXPECT_NE(no_terminal.status, exit_ok);
    expect_says(no_terminal.err, "--yes");
    answer = "y\n";
    EXPECT_EQ(run({"restore", utf8(folder())}).status, exit_ok);
}

// Its own files would be what is moved aside.
TEST_F(NtdsbctlBackup, BackupThatLiesInTheDirectorysFoldersIsNotRestored) {
    make_dirty();
    const auto logs = directory.root() / "logs", checkpoints = directory.root() / "checkpoints";
    std::filesystem::create_directories(logs);
    std::filesystem::create_directories(checkpoints);
    for (const char* log : {"edb00003.log", "edb00004.log", "edb.log"})
        std::filesystem::rename(directory.ntds() / log, logs / log);
    std::filesystem::rename(directory.ntds() / "edb.chk", checkpoints / "edb.chk");
    configure(text("log_path = '", utf8(logs), "'\ncheckpoint_path = '", utf8(checkpoints), "'\n"));
    back_up();
    for (const auto& place : {directory.ntds(), logs, checkpoints}) {
        for (const auto& file : std::filesystem::directory_iterator(folder()))
            test::write_file(place / file.path().filename(), read_file(file.path()));
        const auto before = platform::list_folder(place).value().size();
        answer = "y\n";
        meanwhile = [&] { ADD_FAILURE() << "it asks"; };
        const auto refused = run({"restore", utf8(place)});
        EXPECT_EQ(refused.status, exit_failed) << refused.all();
        expect_says(refused.err, utf8(place));
        expect_says(refused.err, "copy the backup to another folder");
        EXPECT_EQ(platform::list_folder(place).value().size(), before);
        EXPECT_EQ(directory.recorded(), std::nullopt) << "nothing was registered";
    }
    EXPECT_EQ(run({"restore", utf8(folder()), "--yes"}).status, exit_ok);
}

TEST_F(NtdsbctlBackup, AlteredBackupIsNotRestored) {
    back_up();
    test::flip_bit(in_folder("ntds.dit"), 50'000);
    const auto before = read_file(directory.database());
    const auto refused = run({"restore", utf8(folder()), "--yes"});
    EXPECT_EQ(refused.status, exit_no) << "not sound, as verify says";
    expect_says(refused.err, "SHA-256");
    EXPECT_EQ(read_file(directory.database()), before);
    EXPECT_EQ(directory.recorded(), std::nullopt);
    const auto verified = json({"verify", utf8(folder())}, exit_no);
    EXPECT_EQ(verified["paths"][0]["findings"][0]["file"], utf8(in_folder("ntds.dit")));
}

TEST_F(NtdsbctlBackup, FolderWithoutAManifestIsNoBackup) {
    back_up();
    std::filesystem::remove(in_folder("manifest.json"));
    const auto refused = run({"restore", utf8(folder()), "--yes"});
    EXPECT_EQ(refused.status, exit_failed);
    expect_says(refused.err, "manifest.json");
}

TEST_F(NtdsbctlBackup, UnsoundRestoreLeavesTheDirectoryBlockedAndSaysWhereTheOldFilesAre) {
    make_dirty();
    back_up();
    // A database and a token that are not of one moment, under sums that fit.
    directory.made().dbtime(9999).write(in_folder("ntds.dit"));
    auto altered = manifest();
    const platform::Path other = directory.root() / "other";
    std::filesystem::create_directories(other);
    for (const auto& file : altered.files)
        std::filesystem::copy_file(file_in(folder(), file.name), file_in(other, file.name));
    for (auto& file : altered.files) {
        if (file.kind != FileKind::database) continue;
        const auto bytes = read_file(file_in(other, file.name));
        auto sum = Sha256::start().value();
        ASSERT_TRUE(sum.add(bytes));
        file.sha256 = sum.finish().value();
    }
    save_manifest(other, altered);
    const auto failed = run({"restore", utf8(other), "--yes"});
    EXPECT_EQ(failed.status, exit_no);
    expect_says(failed.err, "hrContentsExpired");
    expect_says(failed.err, "before-restore-");
    expect_says(failed.err, "stays blocked");
    EXPECT_EQ(directory.start_blocked(), hrRestoreInProgress);
    EXPECT_EQ(run({"restore", utf8(folder()), "--yes"}).status, exit_no)
        << "its database was altered";
}

// Of a backup that is damaged, and of one that Complete refuses.
TEST_F(NtdsbctlBackup, UnsoundFilesHaveVerifysExitStatus) {
    make_dirty();
    back_up();
    const auto log = read_file(in_folder("edb00004.log"));
    std::filesystem::remove(in_folder("edb00004.log"));
    EXPECT_EQ(run({"verify", utf8(folder())}).status, exit_no);
    EXPECT_EQ(run({"restore", utf8(folder()), "--yes"}).status, exit_no) << "a missing file";
    test::write_file(in_folder("edb00004.log"), log);
    test::EseLog(directory.signature, 4).damaged_header().write(in_folder("edb00004.log"));
    auto altered = manifest();
    for (auto& file : altered.files) {
        if (file.name != "edb00004.log") continue;
        const auto bytes = read_file(in_folder(file.name));
        auto sum = Sha256::start().value();
        ASSERT_TRUE(sum.add(bytes));
        file.size = bytes.size();
        file.sha256 = sum.finish().value();
    }
    save_manifest(folder(), altered);
    EXPECT_EQ(run({"verify", utf8(folder())}).status, exit_no);
    const auto failed = run({"restore", utf8(folder()), "--yes"});
    EXPECT_EQ(failed.status, exit_no);
    expect_says(failed.err, "hrLogFileCorrupt");
}

// The library's reason stands in its log, which is off: the commands find it out.
TEST_F(NtdsbctlBackup, ErrorWithoutACodeOfItsOwnSaysWhy) { // COM-13
    back_up();
    const auto expect_reason = [&](std::string_view reason) {
        for (const auto& words :
             {std::vector<std::string>{"backup", utf8(directory.root() / "new")},
              {"restore", utf8(folder()), "--yes"},
              {"locations"}}) {
            const auto failed = run(words);
            EXPECT_EQ(failed.status, exit_failed) << words[0];
            expect_says(failed.err, reason);
            expect_says(failed.err, "(hrError)");
        }
        expect_says(json({"backup", utf8(directory.root() / "new")}, exit_failed)["what"]
                        .get<std::string>(),
                    reason);
    };
    test::write_file(directory.state() / "platform", test::Bytes(3, std::byte{'x'}));
    expect_reason("set another state_path");
    configure("colour = 'red'\n");
    expect_reason("ntdsbcli.toml:5: [directory] colour");
    EXPECT_FALSE(std::filesystem::exists(directory.root() / "new"));
    expect_says(run({"online"}).err, "ntdsbcli.toml:5: [directory] colour");
}

// --- verify of other things

TEST_F(NtdsbctlBackup, VerifyNamesEveryFaultOfEveryPath) {
    directory.made().damaged_page(2).damaged_page(5).write(directory.database());
    const auto log = directory.ntds() / "edb00003.log";
    test::EseLog(directory.signature, 3).damaged_header().write(log);
    const auto found = json({"verify", utf8(directory.database()), utf8(log)}, exit_no);
    EXPECT_EQ(found["sound"], false);
    EXPECT_EQ(found["paths"][0]["findings"].size(), 2u);
    EXPECT_EQ(found["paths"][0]["findings"][0]["error"], "hrReadVerifyFailure");
    EXPECT_EQ(found["paths"][1]["findings"][0]["error"], "hrLogFileCorrupt");
    const auto printed = run({"verify", "--headers", utf8(directory.database())});
    EXPECT_EQ(printed.status, exit_ok) << printed.all();
    expect_says(printed.out, "sound");
}

TEST_F(NtdsbctlBackup, VerifyOfADirectoryFindsAMissingLog) {
    directory.with_logs = true;
    directory.made().write(directory.database());
    test::LogChain{directory.signature}.from(3).to(5).without(4).write(directory.ntds());
    const auto found = json({"verify", utf8(directory.ntds())}, exit_no);
    EXPECT_EQ(found["paths"][0]["findings"][0]["error"], "hrMissingRestoreLogFiles");
}

TEST_F(NtdsbctlBackup, VerifyOfWhatIsNotThereIsNoVerdict) {
    EXPECT_EQ(run({"verify", utf8(directory.root() / "absent")}).status, exit_failed);
    EXPECT_EQ(run({"verify", utf8(directory.backup())}).status, exit_failed) << "an empty folder";
}

// One that cannot be judged takes nothing from the others: exit status 3, and every verdict.
TEST_F(NtdsbctlBackup, VerifyJudgesThePathsBehindOneThatIsNotThere) {
    const auto bad = directory.root() / "bad.dit";
    directory.made().damaged_page(2).write(bad);
    const auto absent = directory.root() / "absent.dit";
    const std::vector<std::string> words{"verify", utf8(directory.database()), utf8(absent),
                                         utf8(bad)};
    const auto found = json(words, exit_failed);
    EXPECT_EQ(found["sound"], false);
    ASSERT_EQ(found["paths"].size(), 3u);
    EXPECT_EQ(found["paths"][0]["sound"], true);
    EXPECT_EQ(found["paths"][1]["path"], utf8(absent));
    EXPECT_EQ(found["paths"][1]["error"], "ERROR_FILE_NOT_FOUND");
    EXPECT_FALSE(found["paths"][1].contains("sound")) << "no verdict";
    EXPECT_EQ(found["paths"][2]["sound"], false);
    EXPECT_EQ(found["paths"][2]["findings"].size(), 1u);
    const auto printed = run(words);
    EXPECT_EQ(printed.status, exit_failed);
    expect_says(printed.out, utf8(directory.database()) + ": sound");
    expect_says(printed.err, utf8(absent));
    expect_says(printed.out, utf8(bad) + ": not sound, 1 fault");
    EXPECT_EQ(json({"verify", utf8(directory.database()), utf8(absent)}, exit_failed)["sound"],
              false)
        << "not all is known to be sound";
}

// The file is sound; that it cannot be recovered alone is said beside.
TEST_F(NtdsbctlBackup, VerifyOfALoneDirtyDatabaseNamesTheLogsItNeeds) { // VER-3
    make_dirty();
    const auto found = json({"verify", utf8(directory.database())}, exit_ok)["paths"][0];
    EXPECT_EQ(found["sound"], true);
    EXPECT_EQ(found["needs_logs"]["gen_low"], 3u);
    EXPECT_EQ(found["needs_logs"]["gen_high"], 5u);
    expect_says(run({"verify", utf8(directory.database())}).out,
                "needs its logs edb00003.log to edb00005.log");
    const auto whole = json({"verify", utf8(directory.ntds())}, exit_ok)["paths"][0];
    EXPECT_FALSE(whole.contains("needs_logs")) << "they were looked at";
    directory.with_logs = false;
    directory.made().write(directory.database());
    const auto clean = run({"verify", utf8(directory.database())});
    EXPECT_EQ(clean.out, utf8(directory.database()) + ": sound\n");
}

TEST_F(NtdsbctlBackup, VerifyShowsHowFarItHasCome) {
    const auto printed = run({"verify", utf8(directory.database())});
    expect_says(printed.err, "100%");
}

} // namespace
} // namespace ntdsb::tools
