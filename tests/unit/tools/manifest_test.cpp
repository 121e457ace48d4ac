// The manifest of a backup, and how far a command has come: both without a directory.
#include "tools/manifest.h"
#include "tools/sha256.h"

#include "support/ese_builder.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <sstream>

namespace ntdsb::tools {
namespace {

const std::string sum(64, 'a');

Manifest made() {
    Manifest manifest;
    manifest.taken_at = "2026-11-23T05:55:45Z";
    manifest.server = "localhost";
    manifest.gen_low = 3;
    manifest.gen_high = 4;
    manifest.files = {{"ntds.dit", FileKind::database, "/srv/ntds/ntds.dit", 16384, sum},
                      {"edb00003.log", FileKind::log, "/srv/ntds/edb00003.log", 8192, sum},
                      {"edb00004.log", FileKind::log, "/srv/ntds/edb.log", 8192, sum},
                      {"token.bin", FileKind::token, "", 84, sum}};
    return manifest;
}

Code refusal(const std::string& json) {
    const auto decoded = decode_manifest(json);
    return decoded ? Code{0} : decoded.error().code;
}

// The manifest with one piece of its text exchanged.
Code refusal(const std::string& from, const std::string& to) {
    std::string json = encode_manifest(made());
    const auto at = json.find(from);
    if (at == json.npos) {
        ADD_FAILURE() << from << " is not in " << json;
        return 0;
    }
    return refusal(json.replace(at, from.size(), to));
}

TEST(Manifest, ComesBackAsItWas) {
    const auto back = decode_manifest(encode_manifest(made()));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(encode_manifest(back.value()), encode_manifest(made()));
    EXPECT_EQ(back.value().database().name, "ntds.dit");
    EXPECT_EQ(back.value().token().name, "token.bin");
}

TEST(Manifest, WhatItCannotBeIsRefused) {
    for (const std::string json : {"", "[]", "{}", "{\"format\":\"other\"}", "\xff"})
        EXPECT_EQ(refusal(json), ERROR_INVALID_DATA) << json;
    EXPECT_EQ(refusal("\"version\": 1", "\"version\": 2"), ERROR_NOT_SUPPORTED);
    EXPECT_EQ(refusal("\"version\": 1", "\"version\": -1"), ERROR_INVALID_DATA);
    EXPECT_EQ(refusal("16384", "\"16384\""), ERROR_INVALID_DATA);
    EXPECT_EQ(refusal("16384", "99999999999999999999999"), ERROR_INVALID_DATA);
    EXPECT_EQ(refusal(sum, sum.substr(1)), ERROR_INVALID_DATA);
    EXPECT_EQ(refusal("\"database\"", "\"folder\""), ERROR_INVALID_DATA);
    EXPECT_EQ(refusal("\"gen_low\": 3", "\"gen_low\": 2"), ERROR_INVALID_DATA) << "a log too few";
    EXPECT_EQ(refusal("\"gen_low\": 3", "\"gen_low\": 5"), ERROR_INVALID_DATA);
    EXPECT_EQ(refusal("edb00003.log", "edb00004.log"), ERROR_INVALID_DATA) << "twice";
    EXPECT_EQ(refusal("edb00003.log", "EDB00004.LOG"), ERROR_INVALID_DATA) << "twice on Windows";
    EXPECT_EQ(refusal("ntds.dit", "manifest.json"), ERROR_INVALID_DATA);
}

TEST(Manifest, NamesNothingOutsideItsFolder) {
    for (const std::string name : {"../ntds.dit", "/etc/passwd", "..", "", "C:x", "a\\\\b", "CON",
                                   "nul.dit", "com1", "x.", "x ", "a\\u0001b", "stream:ads"})
        EXPECT_EQ(refusal("\"ntds.dit\"", "\"" + name + "\""), ERROR_INVALID_DATA) << name;
    EXPECT_TRUE(is_plain_name("ntds.dit"));
    EXPECT_TRUE(is_plain_name("console.dit"));
    EXPECT_TRUE(is_plain_name("\xc3\xa9.dit"));
    EXPECT_FALSE(is_plain_name("\xc3.dit"));
}

TEST(Manifest, FilesAreComparedBySizeAndSum) {
    const test::TempFolder folder;
    test::write_file(folder / "a", test::Bytes(3, std::byte{'a'}));
    test::write_file(folder / "b", test::Bytes(4, std::byte{'a'}));
    Manifest manifest;
    const std::string of_aaa = "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0";
    manifest.files = {{"a", FileKind::database, "", 3, of_aaa},
                      {"b", FileKind::log, "", 3, of_aaa},
                      {"c", FileKind::log, "", 3, of_aaa}};
    std::ostringstream err;
    Options options;
    options.err = &err;
    std::atomic<bool> cancelled = false;
    {
        Progress progress(options, "checking");
        const auto faults = check_backup_files(folder.path(), manifest, progress, cancelled);
        ASSERT_EQ(faults.size(), 2u);
        EXPECT_EQ(faults[0].error.code, ERROR_INVALID_DATA) << "b's size";
        EXPECT_EQ(faults[1].error.code, ERROR_FILE_NOT_FOUND);
    }
    manifest.files[0].sha256 = sum;
    Progress progress(options, "checking");
    EXPECT_EQ(check_backup_files(folder.path(), manifest, progress, cancelled).size(), 3u);
    cancelled = true;
    const auto stopped = check_backup_files(folder.path(), manifest, progress, cancelled);
    ASSERT_EQ(stopped.size(), 1u);
    EXPECT_EQ(stopped[0].error.code, ERROR_OPERATION_ABORTED);
}

// FIPS 180-4's own examples.
TEST(Sha256, IsTheStandards) {
    auto empty = Sha256::start().value();
    EXPECT_EQ(empty.finish().value(),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    auto abc = Sha256::start().value();
    for (const char c : {'a', 'b', 'c'}) {
        const std::byte byte{static_cast<unsigned char>(c)};
        ASSERT_TRUE(abc.add({&byte, 1}));
    }
    EXPECT_EQ(abc.finish().value(),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// --- Progress

struct FakeClock {
    Progress::Clock::time_point now{};
    Progress::Now reader() {
        return [this] { return now; };
    }
};

TEST(Progress, SizesAndTimes) {
    EXPECT_EQ(size_text(0), "0 bytes");
    EXPECT_EQ(size_text(1023), "1023 bytes");
    EXPECT_EQ(size_text(1024), "1.0 KiB");
    EXPECT_EQ(size_text(25'690'112), "24.5 MiB");
    EXPECT_EQ(size_text(~std::uint64_t{0}), "16383.9 PiB");
    EXPECT_EQ(duration_text(65), "1:05");
    EXPECT_EQ(duration_text(7384), "2:03:04");
}

TEST(Progress, LinesForAFileAndABarForATerminal) {
    FakeClock clock;
    std::ostringstream err;
    Options options;
    options.err = &err;
    {
        Progress progress(options, "reading", clock.reader());
        clock.now += std::chrono::seconds(1);
        progress.update(1 << 20, 10 << 20);
        progress.update((1 << 20) + 1, 10 << 20); // the same tenth
        clock.now += std::chrono::seconds(9);
        progress.update(10 << 20, 10 << 20);
    }
    EXPECT_EQ(err.str(), "reading: 10% of 10.0 MiB, 1.0 MiB/s, 0:09 left\n"
                         "reading: 100% of 10.0 MiB, 1.0 MiB/s\n");
    err.str({});
    options.err_is_terminal = true;
    {
        Progress progress(options, "reading", clock.reader());
        clock.now += std::chrono::seconds(1);
        progress.update(5 << 20, 10 << 20);
    }
    EXPECT_EQ(err.str(),
              "\rreading [###############...............] 50% of 10.0 MiB, 5.0 MiB/s, 0:01 left\n");
    err.str({});
    options.json = true;
    Progress(options, "reading", clock.reader()).update(1, 1);
    EXPECT_EQ(err.str(), "") << "programs read --json";
}

} // namespace
} // namespace ntdsb::tools
