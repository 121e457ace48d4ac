// A folder with a small sound restore set, which each test breaks in one way. All files are made
// (ese_builder.h) unless a test says they are real.
#pragma once

#include "ese/restore_set.h"
#include "support/ese_builder.h"
#include "support/temp_folder.h"

#include "core/path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

namespace ntdsb {

inline constexpr Code sound = S_OK;

class RestoreTest : public testing::Test {
protected:
    RestoreTest() {
        for (const auto& path : {logs(), backup()}) std::filesystem::create_directory(path);
    }

    test::Path database() const { return root / "ntds.dit"; }
    test::Path logs() const { return root / "logs"; }
    test::Path backup() const { return root / "backup"; }
    test::Path checkpoint() const { return logs() / "edb.chk"; }

    // Dirty, needs the logs 3 to 7.
    test::EseDatabase dirty_database() const {
        return test::EseDatabase{}.dirty().log_signature(signature).required(3, 7);
    }
    test::EseDatabase clean_database() const {
        return test::EseDatabase{}.log_signature(signature);
    }
    test::LogChain chain(std::uint32_t from, std::uint32_t to) const {
        return test::LogChain{signature}.from(from).to(to);
    }
    test::EseLog log(std::uint32_t generation) const { return test::EseLog(signature, generation); }

    void write(const test::EseDatabase& made) {
        made.write(database());
        tell_token(made);
    }
    // The expiry token knows the database as it is made here.
    void tell_token(const test::EseDatabase& made) {
        const auto facts = made.facts();
        set.identities.push_back(
            {ese::Signature{facts.signature}, facts.size, facts.dbtime, facts.header_checksum});
    }
    // The sound set that most tests start from: the logs 3..7 in the backup log path.
    void write_sound_set() {
        write(dirty_database());
        chain(3, 7).write(backup());
        range(3, 7);
    }
    void range(std::uint32_t low, std::uint32_t high) {
        set.gen_low = low;
        set.gen_high = high;
    }

    ese::Report verify() {
        set.configured_database = database();
        if (set.databases.empty()) set.databases = {database()};
        set.log_path = logs();
        set.backup_log_path = one_log_folder ? logs() : backup();
        if (set.checkpoint_path.empty()) set.checkpoint_path = logs();
        return ese::verify_restore_set(set, cancelled);
    }
    // The codes found, each once.
    static std::set<Code> codes(const ese::Report& report) {
        std::set<Code> found;
        for (const auto& finding : report.findings) found.insert(finding.code);
        return found;
    }
    static std::string sentences(const ese::Report& report) {
        std::string all;
        for (const auto& finding : report.findings) all += finding.what + "\n";
        return all;
    }
    // Exactly this one fault is found, and its sentences cite the rule.
    void expect_only(long code, const char* rule) {
        const auto report = verify();
        EXPECT_EQ(report.result, static_cast<Code>(code)) << sentences(report);
        EXPECT_EQ(codes(report), std::set<Code>{static_cast<Code>(code)}) << sentences(report);
        for (const auto& finding : report.findings) {
            EXPECT_NE(finding.what.find(text("(", rule, ")")), std::string::npos) << finding.what;
            EXPECT_FALSE(finding.file.empty()) << finding.what;
        }
    }
    // The first code in the order of VER-8, others beside it.
    void expect_first(long code) {
        const auto report = verify();
        EXPECT_EQ(report.result, static_cast<Code>(code)) << sentences(report);
    }
    void expect_sound() {
        const auto report = verify();
        EXPECT_EQ(report.result, sound) << sentences(report);
        EXPECT_TRUE(report.findings.empty()) << sentences(report);
    }
    // The files that would be placed in the log path, by name.
    std::set<std::string> placed_names() {
        const auto report = verify();
        EXPECT_EQ(report.result, sound) << sentences(report);
        std::set<std::string> names;
        for (const auto& placement : report.placements) {
            EXPECT_EQ(placement.to.parent_path(), logs());
            names.insert(placement.to.filename().string());
        }
        return names;
    }

    const test::Signature signature = test::make_signature(7, "DC1");
    const test::Signature foreign = test::make_signature(8, "DC2");
    const test::TempFolder temp_folder;
    const test::Path root = temp_folder.path();
    bool one_log_folder = false;
    ese::RestoreSet set;
    std::atomic<bool> cancelled{false};
};

} // namespace ntdsb
