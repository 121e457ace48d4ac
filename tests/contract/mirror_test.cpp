// The registry mirror (contract MIR-1..4), as backup programs see it: Windows only. The key is one
// for the whole machine, so each test begins and ends without it.
#include "made_directory.h"

#ifdef _WIN32

namespace contract {
namespace {

constexpr const char* services_ntds = "SYSTEM\\CurrentControlSet\\Services\\NTDS";
constexpr const char* mirror_name = "Restore In Progress";

class RegistryMirror : public testing::Test {
protected:
    RegistryMirror() { remove(); }
    ~RegistryMirror() override { remove(); }

    static HKEY open_service() {
        HKEY key = nullptr;
        RegCreateKeyExA(HKEY_LOCAL_MACHINE, services_ntds, 0, nullptr, 0,
                        KEY_ALL_ACCESS | KEY_WOW64_64KEY, nullptr, &key, nullptr);
        return key;
    }
    static void remove() {
        const HKEY service = open_service();
        RegDeleteKeyExA(service, mirror_name, KEY_WOW64_64KEY, 0);
        RegCloseKey(service);
    }
    static bool exists() {
        const HKEY service = open_service();
        HKEY mirror = nullptr;
        const bool found = RegOpenKeyExA(service, mirror_name, 0, KEY_READ | KEY_WOW64_64KEY,
                                         &mirror) == ERROR_SUCCESS;
        if (found) RegCloseKey(mirror);
        RegCloseKey(service);
        return found;
    }
    // A value's type and bytes.
    static std::pair<DWORD, std::string> value(const char* name) {
        const HKEY service = open_service();
        HKEY mirror = nullptr;
        RegOpenKeyExA(service, mirror_name, 0, KEY_READ | KEY_WOW64_64KEY, &mirror);
        DWORD type = 0, size = 65536;
        std::string bytes(size, '\0');
        const LSTATUS status = RegQueryValueExA(mirror, name, nullptr, &type,
                                                reinterpret_cast<BYTE*>(bytes.data()), &size);
        RegCloseKey(mirror);
        RegCloseKey(service);
        bytes.resize(status == ERROR_SUCCESS ? size : 0);
        return {type, bytes};
    }
    static std::string number(DWORD n) {
        return std::string(reinterpret_cast<const char*>(&n), sizeof n);
    }

    MadeDirectory directory{Shape::dirty_with_logs, "registry_mirror = true"};
};

TEST_F(RegistryMirror, HoldsTheRegisteredRestore_MIR1) {
    Restore restore(directory.back_up());
    EXPECT_FALSE(exists());
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    using Value = std::pair<DWORD, std::string>;
    const std::string nul(1, '\0');
    EXPECT_EQ(value("BackupLogPath"), Value(REG_SZ, directory.backup_path() + nul));
    EXPECT_EQ(value("CheckpointFilePath"), Value(REG_SZ, directory.log_path() + nul));
    EXPECT_EQ(value("LogPath"), Value(REG_SZ, directory.log_path() + nul));
    EXPECT_EQ(value("LowLog Number"), Value(REG_DWORD, number(3)));
    EXPECT_EQ(value("HighLog Number"), Value(REG_DWORD, number(5)));
    EXPECT_EQ(value("EDB_RstMap"),
              Value(REG_MULTI_SZ, directory.database() + nul + directory.database() + nul + nul));
    EXPECT_EQ(value("EDB_RstMap Size"), Value(REG_DWORD, number(1)));
}

TEST_F(RegistryMirror, OutlivesSessionAndCompletionUntilTheDirectoryStarts_MIR3_MIR4) {
    Restore restore(directory.back_up());
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    ASSERT_CODE(restore.complete(), S_OK);
    EXPECT_TRUE(exists());
    EXPECT_CODE(Backup().prepared(), S_OK) << "beside 'completed' it does not block";
}

TEST_F(RegistryMirror, BlocksWithoutARecord_MIR4) {
    directory.back_up();
    const HKEY service = open_service();
    HKEY mirror = nullptr;
    ASSERT_EQ(RegCreateKeyExA(service, mirror_name, 0, nullptr, 0, KEY_ALL_ACCESS | KEY_WOW64_64KEY,
                              nullptr, &mirror, nullptr),
              ERROR_SUCCESS);
    RegCloseKey(mirror);
    RegCloseKey(service);
    EXPECT_CODE(Backup().prepared(), hrRestoreInProgress);
    Restore restore(read_file(directory.backup() / "token.bin"));
    EXPECT_CODE(restore.register_whole(directory), S_OK) << "a restore can be run";
}

TEST_F(RegistryMirror, IsOffForNamedInstances_MIR2) {
    std::filesystem::create_directory(directory.root() / "lds1");
    directory.configure(
        "registry_mirror = true",
        "[instances.lds1]\ndatabase = '" + (directory.root() / "lds1" / "adamntds.dit").string() +
            "'\n[transport.servers.lds]\ntransport = \"embedded\"\ninstance = \"lds1\"\n");
    directory.back_up();
    const Restore restore(read_file(directory.backup() / "token.bin"), "lds");
    ASSERT_CODE(restore.prepared(), S_OK);
    std::string database = (directory.root() / "lds1" / "adamntds.dit").string(),
                logs = (directory.root() / "lds1").string();
    EDB_RSTMAPA map{database.data(), database.data()};
    ASSERT_CODE(::DsRestoreRegisterA(restore.handle(), logs.c_str(), logs.c_str(), &map, 1,
                                     logs.c_str(), 0, 0),
                S_OK);
    EXPECT_FALSE(exists());
}

} // namespace
} // namespace contract

#endif
