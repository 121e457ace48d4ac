// load_config: which file counts, whether it is trusted, and what NTDSBCLI_LOG does (design point
// 8).
#include "core/config.h"

#include "core/path.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace ntdsb {
namespace {

namespace fs = std::filesystem;

// Tests set the environment by this alone; empty removes.
void set_environment(const char* name, const std::string& value) {
#ifdef _WIN32
    ASSERT_TRUE(SetEnvironmentVariableA(name, value.empty() ? nullptr : value.c_str()));
#else
    ASSERT_EQ(value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1), 0);
#endif
}

class LoadConfig : public testing::Test {
protected:
    LoadConfig() { clear(); }
    ~LoadConfig() override {
        clear();
        (void)log::configure({});
    }
    static void clear() {
        set_environment("NTDSBCLI_CONFIG", "");
        set_environment("NTDSBCLI_LOG", "");
    }

    fs::path write(std::string_view name, std::string_view content) const {
        const fs::path file = folder_ / name;
        std::ofstream(file, std::ios::binary) << content;
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        return file;
    }

    test::TempFolder folder_;
};

TEST_F(LoadConfig, ReadsTheExplicitFile) {
    const auto file = write("a.toml", "[directory]\ntombstone_lifetime_days = 7\n");
    const auto config = load_config(wire_path(file));
    ASSERT_TRUE(config) << config.error().what;
    EXPECT_EQ(config.value()->directory.tombstone_lifetime_days, 7u);
    EXPECT_EQ(config.value()->file, wire_path(file));
}

TEST_F(LoadConfig, ExplicitFileMustExist) {
    const auto config = load_config(wire_path(folder_ / "none.toml"));
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, hrError);
    EXPECT_NE(config.error().what.find("none.toml"), std::string::npos) << config.error().what;
}

TEST_F(LoadConfig, ErrorsNameFileAndLine) {
    const auto file = write("bad.toml", "\n[log]\nlevel = 3\n");
    const auto config = load_config(wire_path(file));
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, hrError);
    EXPECT_EQ(config.error().what.find(text(wire_path(file), ":3: [log] level: ")), 0u)
        << config.error().what;
}

TEST_F(LoadConfig, RefusesHugeFiles) {
    const auto file = write("huge.toml", std::string((1u << 20) + 1, '#'));
    EXPECT_EQ(load_config(wire_path(file)).error().code, hrError);
}

TEST_F(LoadConfig, RefusesAFolder) {
    EXPECT_EQ(load_config(wire_path(folder_.path())).error().code, hrError);
}

TEST_F(LoadConfig, EnvironmentNamesTheFileWhereItIsTrusted) {
    const auto file = write("env.toml", "directory.tombstone_lifetime_days = 9");
    set_environment("NTDSBCLI_CONFIG", file.string());
    const auto config = load_config();
#ifdef _WIN32
    if (config && config.value()->file.empty()) GTEST_SKIP() << "this process is elevated";
#endif
    ASSERT_TRUE(config) << config.error().what;
    EXPECT_EQ(config.value()->directory.tombstone_lifetime_days, 9u);
}

#ifndef _WIN32
TEST_F(LoadConfig, RefusesAFileThatOthersMayWrite) {
    const auto file = write("open.toml", "");
    fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
    const auto config = load_config(wire_path(file));
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, hrError);
    EXPECT_NE(config.error().what.find("open.toml"), std::string::npos) << config.error().what;
    EXPECT_NE(config.error().what.find("chmod"), std::string::npos) << config.error().what;
}

TEST_F(LoadConfig, RefusesAFileInAFolderThatOthersMayChange) {
    const auto inner = folder_ / "inner";
    fs::create_directory(inner);
    const auto file = write("inner/a.toml", "");
    fs::permissions(inner, fs::perms::all);
    const auto config = load_config(wire_path(file));
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().what.find("inner"), std::string::npos) << config.error().what;
}

TEST_F(LoadConfig, StatePathThatLeadsIntoADirectoryByALinkIsRefused) {
    fs::create_directory(folder_ / "ntds");
    fs::create_directory_symlink(folder_ / "ntds", folder_ / "state");
    const auto file =
        write("a.toml", "[directory]\ndatabase = \"" + (folder_ / "ntds/ntds.dit").string() +
                            "\"\nstate_path = \"" + (folder_ / "state").string() + "\"\n");
    const auto config = load_config(wire_path(file));
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, hrError);
    EXPECT_NE(config.error().what.find("state_path"), std::string::npos) << config.error().what;
}

TEST_F(LoadConfig, LogVariableWinsOverTheFile) {
    const auto file = write("a.toml", "log.level = \"error\"");
    const auto log_file = folder_ / "x.log";
    set_environment("NTDSBCLI_LOG", "debug:" + log_file.string());
    const auto config = load_config(wire_path(file));
    ASSERT_TRUE(config) << config.error().what;
    EXPECT_EQ(config.value()->log.level, log::Level::debug);
    EXPECT_EQ(config.value()->log.file, wire_path(log_file));
    EXPECT_TRUE(log::enabled(log::Level::debug));
    EXPECT_TRUE(fs::exists(log_file));
}

TEST_F(LoadConfig, UnknownLevelOfTheLogVariableIsAnError) {
    set_environment("NTDSBCLI_LOG", "loud");
    const auto config = load_config(wire_path(write("a.toml", "")));
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, hrError);
    EXPECT_NE(config.error().what.find("NTDSBCLI_LOG"), std::string::npos);
}

TEST_F(LoadConfig, FailuresAreLogged) {
    const auto log_file = folder_ / "x.log";
    set_environment("NTDSBCLI_LOG", "error:" + log_file.string());
    EXPECT_FALSE(load_config(wire_path(write("bad.toml", "x = 1"))));
    std::ifstream in(log_file);
    const std::string content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_NE(content.find("bad.toml:1: x: is no setting"), std::string::npos) << content;
}
#endif

TEST_F(LoadConfig, MistakeElsewhereIsToldInTheFilesOwnLog) {
    const auto log_file = folder_ / "own.log";
    const std::string toml =
        "[log]\nlevel = 'error'\nfile = '" + log_file.string() + "'\n[directory]\nx = 1\n";
    EXPECT_FALSE(load_config(wire_path(write("bad.toml", toml))));
    std::ifstream in(log_file);
    const std::string content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_NE(content.find("bad.toml:5: [directory] x: is no setting"), std::string::npos)
        << content;
}

TEST_F(LoadConfig, LogThatCannotBeOpenedIsNoFailure) {
    const auto missing = (folder_ / "missing" / "x.log").generic_string();
    EXPECT_TRUE(load_config(
        wire_path(write("a.toml", "log = {level = \"error\", file = \"" + missing + "\"}"))));
}

} // namespace
} // namespace ntdsb
