// What the log says: which argument was refused and by which rule, and never a password (AUTH-1).
#include "made_directory.h"

namespace contract {
namespace {

class Log : public testing::Test {
protected:
    void SetUp() override {
        if (std::getenv("NTDSB_TEST_SERVER")) GTEST_SKIP() << "the service has a log of its own";
        set_environment("NTDSBCLI_LOG", "info:" + file.string());
        EXPECT_CODE(Restore({}).prepared(), S_OK); // reads the setting
    }
    void TearDown() override { set_environment("NTDSBCLI_LOG", "off"); }
    // What was written since the last look.
    std::string said() {
        const Bytes all = read_file(file);
        std::string text(reinterpret_cast<const char*>(all.data()), all.size());
        text.erase(0, std::exchange(seen, text.size()));
        return text;
    }
    void expect_said(std::initializer_list<const char*> words) {
        const std::string text = said();
        for (const char* word : words) EXPECT_NE(text.find(word), std::string::npos) << text;
    }

    const MadeDirectory directory;
    const std::filesystem::path file = directory.root() / "tool.log";
    std::size_t seen = 0;
};

TEST_F(Log, NamesTheArgumentAndTheRule) {
    HBC hbc = nullptr;
    EXPECT_CODE(::DsRestorePrepareA(nullptr, 0, nullptr, 0, &hbc), ERROR_INVALID_PARAMETER);
    expect_said({"DsRestorePrepareA", "the server name is NULL"});
    EXPECT_CODE(::DsRestorePrepareA("localhost", 1, nullptr, 0, &hbc), ERROR_INVALID_PARAMETER);
    expect_said({"PREP-1"});
    const Restore restore(directory.back_up());
    said();
    const std::string logs = directory.log_path(), backup = directory.backup_path();
    std::string database = directory.database();
    EDB_RSTMAPA map{database.data(), database.data()};
    const auto call = [&](const char* checkpoint, LONG count, ULONG low, ULONG high) {
        EXPECT_CODE(::DsRestoreRegisterA(restore.handle(), checkpoint, logs.c_str(), &map, count,
                                         backup.c_str(), low, high),
                    ERROR_INVALID_PARAMETER);
    };
    call("relative", 1, 0, 0);
    expect_said({"REG-2", "relative"});
    call(logs.c_str(), 0, 0, 0);
    expect_said({"REG-3", "crstmap"});
    call(logs.c_str(), 1, 0x100000, 0x100000);
    expect_said({"REG-5", "genLow"});
    call(logs.c_str(), 1, 7, 6);
    expect_said({"REG-5"});
    directory.configure("no_such_key = 1");
    EXPECT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &hbc), hrError);
    expect_said({"ntdsbcli.toml", "no_such_key"});
}

TEST_F(Log, HoldsNoPassword_AUTH1) {
    set_environment("NTDSBCLI_LOG", "trace:" + file.string());
    EXPECT_CODE(Restore({}).prepared(), S_OK); // reads the setting
    said();
    EXPECT_CODE(::DsSetAuthIdentityA("user", "EXAMPLE", "open-sesame"), S_OK);
    EXPECT_CODE(::DsSetAuthIdentityW(wide("user").c_str(), wide("EXAMPLE").c_str(),
                                     wide("open-sesame").c_str()),
                S_OK);
    EXPECT_CODE(Restore({}).prepared(), S_OK);
    EXPECT_CODE(::DsSetAuthIdentityA(nullptr, nullptr, nullptr), S_OK);
    const std::string text = said();
    for (const char* word : {"DsSetAuthIdentityA", "DsSetAuthIdentityW", "EXAMPLE"})
        EXPECT_NE(text.find(word), std::string::npos) << text;
    EXPECT_EQ(text.find("sesame"), std::string::npos) << text;
}

} // namespace
} // namespace contract
