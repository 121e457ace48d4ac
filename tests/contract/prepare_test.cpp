// DsRestorePrepare, DsRestoreGetDatabaseLocations and DsRestoreCheckExpiryToken: contract PREP,
// LOC, ABI-1.
#include "made_directory.h"

#include <algorithm>

namespace contract {
namespace {

template <class Form>
class DsRestorePrepare : public testing::Test {};
TYPED_TEST_SUITE(DsRestorePrepare, BothForms, FormName);

template <class Form>
HRESULT prepare(std::string_view server, ULONG flags, Bytes token, HBC* hbc) {
    return Form::restore_prepare(Form::text(server).c_str(), flags,
                                 token.empty() ? nullptr : token.data(),
                                 static_cast<DWORD>(token.size()), hbc);
}

HBC garbage() { return reinterpret_cast<HBC>(std::uintptr_t{0x5a5a}); }

TYPED_TEST(DsRestorePrepare, AcceptsFlagZeroAndCatchup_PREP1) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    for (const ULONG flags : {0u, static_cast<unsigned>(RESTORE_TYPE_CATCHUP)}) {
        HBC hbc = nullptr;
        EXPECT_CODE(prepare<TypeParam>("localhost", flags, token, &hbc), S_OK) << flags;
        EXPECT_NE(hbc, nullptr);
        EXPECT_CODE(::DsRestoreEnd(hbc), S_OK);
    }
}

TYPED_TEST(DsRestorePrepare, RejectsOtherFlags_PREP1) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    for (const ULONG flags : {1u, 2u, 3u, 5u, 6u, 8u, 0x80000000u, 0xffffffffu}) {
        HBC hbc = garbage();
        EXPECT_CODE(prepare<TypeParam>("localhost", flags, token, &hbc), ERROR_INVALID_PARAMETER)
            << flags;
        EXPECT_EQ(hbc, nullptr);
    }
}

TYPED_TEST(DsRestorePrepare, RejectsTokenWithoutSizeAndSizeWithoutToken_PREP3) {
    const MadeDirectory directory;
    Bytes token = directory.back_up();
    const auto server = TypeParam::text("localhost");
    HBC hbc = garbage();
    EXPECT_CODE(TypeParam::restore_prepare(server.c_str(), 0, nullptr, 16, &hbc),
                ERROR_INVALID_PARAMETER);
    EXPECT_EQ(hbc, nullptr);
    hbc = garbage();
    EXPECT_CODE(TypeParam::restore_prepare(server.c_str(), 0, token.data(), 0, &hbc),
                ERROR_INVALID_PARAMETER);
    EXPECT_EQ(hbc, nullptr);
}

TYPED_TEST(DsRestorePrepare, RejectsNullHandlePointer_COM2) {
    const MadeDirectory directory;
    EXPECT_CODE(
        TypeParam::restore_prepare(TypeParam::text("localhost").c_str(), 0, nullptr, 0, nullptr),
        ERROR_INVALID_PARAMETER);
}

TYPED_TEST(DsRestorePrepare, JudgesServerNames_COM3_COM4_COM5_COM6) {
    const MadeDirectory directory;
    struct Case {
        const char* server;
        HRESULT code;
    };
    const std::string too_long(256, 'a');
    const Case cases[] = {
        {"localhost", S_OK},
        {"\\\\localhost", S_OK},
        {"LOCALHOST", S_OK},
        {".", S_OK},
        {"127.0.0.1", S_OK},
        {"127.1.2.3", S_OK},
        {"::1", S_OK},
        {"", hrCouldNotConnect},
        {"\\\\", hrCouldNotConnect},
        {"local_host", hrCouldNotConnect},
        {"local host", hrCouldNotConnect},
        {"local*host", hrCouldNotConnect},
        {"local/host", hrCouldNotConnect},
        {too_long.c_str(), hrCouldNotConnect},
        {"another-computer.example", static_cast<HRESULT>(RPC_S_INVALID_BINDING)},
        {"192.0.2.1", static_cast<HRESULT>(RPC_S_INVALID_BINDING)},
    };
    for (const Case& row : cases) {
        HBC hbc = garbage();
        EXPECT_CODE(prepare<TypeParam>(row.server, 0, {}, &hbc), row.code) << row.server;
        EXPECT_EQ(hbc != nullptr, row.code == S_OK) << row.server;
        if (row.code == S_OK) {
            EXPECT_CODE(::DsRestoreEnd(hbc), S_OK);
        }
    }
    HBC hbc = garbage();
    EXPECT_CODE(TypeParam::restore_prepare(nullptr, 0, nullptr, 0, &hbc), ERROR_INVALID_PARAMETER);
    EXPECT_EQ(hbc, nullptr);
}

TYPED_TEST(DsRestorePrepare, RejectsEveryDamagedOrForeignToken_PREP4) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    for (std::size_t at = 0; at < token.size(); ++at) {
        Bytes damaged = token;
        damaged[at] ^= std::byte{0x20};
        HBC hbc = garbage();
        EXPECT_CODE(prepare<TypeParam>("localhost", 0, damaged, &hbc), hrUnknownExpiryTokenFormat)
            << "byte " << at;
        EXPECT_EQ(hbc, nullptr);
    }
    for (const std::size_t size : {std::size_t{1}, token.size() / 2, token.size() - 1}) {
        HBC hbc = garbage();
        EXPECT_CODE(prepare<TypeParam>(
                        "localhost", 0,
                        Bytes(token.begin(), token.begin() + static_cast<std::ptrdiff_t>(size)),
                        &hbc),
                    hrUnknownExpiryTokenFormat)
            << size;
    }
    Bytes longer = token;
    longer.push_back(std::byte{0});
    HBC hbc = garbage();
    EXPECT_CODE(prepare<TypeParam>("localhost", 0, longer, &hbc), hrUnknownExpiryTokenFormat);
    EXPECT_CODE(prepare<TypeParam>("localhost", 0, Bytes(1 << 20), &hbc),
                hrUnknownExpiryTokenFormat);
}

TYPED_TEST(DsRestorePrepare, GivesARestrictedHandleWithoutToken_PREP2) {
    const MadeDirectory directory;
    const Restore restore({});
    ASSERT_CODE(restore.prepared(), S_OK);
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    EXPECT_CODE(TypeParam::locations(restore.handle(), &list, &size), S_OK);
    ::DsBackupFree(list);
    EXPECT_CODE(restore.register_whole(directory), hrMissingExpiryToken);
    EXPECT_CODE(restore.complete(), hrMissingExpiryToken);
    EXPECT_CODE(restore.complete(hrError), hrMissingExpiryToken);
}

// No code page has them.
TEST(DsRestorePrepareServerName, OfLoneSurrogatesCannotConnect_COM5) {
    const MadeDirectory directory;
    for (const WideString& name :
         {WideString{0xd800}, WideString{'d', 'c', 0xdc00}, WideString{0xdc00, 0xd800, 'x'}}) {
        HBC hbc = garbage();
        EXPECT_CODE(::DsRestorePrepareW(name.c_str(), 0, nullptr, 0, &hbc), hrCouldNotConnect);
        EXPECT_EQ(hbc, nullptr);
        BOOL online = TRUE;
        EXPECT_CODE(::DsIsNTDSOnlineW(name.c_str(), &online), hrCouldNotConnect);
        EXPECT_CODE(::DsSetCurrentBackupLogW(name.c_str(), 1), hrCouldNotConnect);
    }
}

TEST(DsRestorePrepareWithoutDirectory, CannotConnect_COM5) {
    const MadeDirectory directory;
    write_file(directory.config_file(), {});
    HBC hbc = garbage();
    EXPECT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &hbc), hrCouldNotConnect);
    EXPECT_EQ(hbc, nullptr);
}

TEST(DsRestorePrepareConfiguration, AnErrorInItIsHrErrorAndNothingIsGuessed_COM13) {
    const MadeDirectory directory;
    for (const char* wrong :
         {"verify = \"ful\"", "tombstone_lifetime_days = \"many\"", "no_such_key = 1",
          "log_path = \"relative\"", "online = [", "tombstone_lifetime_days = -1"}) {
        directory.configure(wrong);
        HBC hbc = garbage();
        EXPECT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &hbc), hrError) << wrong;
        EXPECT_EQ(hbc, nullptr);
    }
}

TEST(DsRestorePrepareConfiguration, ReachesFurtherInstancesByServerName_COM6) {
    const MadeDirectory directory;
    std::filesystem::create_directory(directory.root() / "lds1");
    directory.configure(
        "",
        "[instances.lds1]\ndatabase = '" + (directory.root() / "lds1" / "adamntds.dit").string() +
            "'\n[transport.servers.lds-server]\ntransport = \"embedded\"\ninstance = \"lds1\"\n");
    const Restore restore({}, "LDS-Server");
    ASSERT_CODE(restore.prepared(), S_OK);
    char* list = nullptr;
    DWORD size = 0;
    ASSERT_CODE(::DsRestoreGetDatabaseLocationsA(restore.handle(), &list, &size), S_OK);
    EXPECT_EQ(split_list<AnsiForm>(list, size).front().path,
              (directory.root() / "lds1" / "adamntds.dit").string());
    ::DsBackupFree(list);
}

TEST(DsRestorePrepareConfiguration, ServiceThatNobodyRunsCannotBeReached_COM7) {
    const MadeDirectory directory;
    directory.configure("", "[transport.servers.far-away]\ntransport = 'rpc'\n"
                            "address = '127.0.0.1:1'\nconnect_timeout_s = 5\n");
    const Restore restore({}, "far-away");
    EXPECT_CODE(restore.prepared(), hrCouldNotConnect);
    EXPECT_EQ(restore.handle(), nullptr);
}

TEST(DsRestorePrepareTombstone, AcceptsATokenYoungerThanTheConfiguredLifetime_PREP5) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    directory.configure("tombstone_lifetime_days = 1");
    EXPECT_CODE(Restore(token).prepared(), S_OK); // made just now; the ages themselves are tested
                                                  // where the clock can be set (unit/service)
}

template <class Form>
class DsRestoreGetDatabaseLocations : public testing::Test {};
TYPED_TEST_SUITE(DsRestoreGetDatabaseLocations, BothForms, FormName);

TYPED_TEST(DsRestoreGetDatabaseLocations, ListsDatabaseLogAndCheckpointFolder_LOC2_ABI4_ABI5) {
    const MadeDirectory directory;
    const Restore restore({});
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    ASSERT_CODE(TypeParam::locations(restore.handle(), &list, &size), S_OK);
    auto entries = split_list<TypeParam>(list, size);
    ::DsBackupFree(list);
    const std::vector<ListEntry> expected = {
        {0x44, directory.database()}, {0x82, directory.log_path()}, {0x83, directory.log_path()}};
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_TRUE(
        std::is_permutation(entries.begin(), entries.end(), expected.begin(), expected.end()));
}

TYPED_TEST(DsRestoreGetDatabaseLocations, TakesBackupHandlesToo_LOC1) {
    const MadeDirectory directory;
    const Backup backup;
    ASSERT_CODE(backup.prepared(), S_OK);
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    ASSERT_CODE(TypeParam::locations(backup.handle(), &list, &size), S_OK);
    EXPECT_EQ(split_list<TypeParam>(list, size).size(), 3u);
    ::DsBackupFree(list);
}

TYPED_TEST(DsRestoreGetDatabaseLocations, DefinesOutParametersOnFailure_COM1_COM2_ABI10) {
    const MadeDirectory directory;
    const Restore restore({});
    auto* list = reinterpret_cast<typename TypeParam::Char*>(garbage());
    DWORD size = 77;
    EXPECT_CODE(TypeParam::locations(nullptr, &list, &size), ERROR_INVALID_PARAMETER);
    EXPECT_EQ(list, nullptr);
    EXPECT_EQ(size, 0u);
    size = 77;
    EXPECT_CODE(TypeParam::locations(restore.handle(), nullptr, &size), ERROR_INVALID_PARAMETER);
    EXPECT_EQ(size, 0u);
    list = reinterpret_cast<typename TypeParam::Char*>(garbage());
    EXPECT_CODE(TypeParam::locations(restore.handle(), &list, nullptr), ERROR_INVALID_PARAMETER);
    EXPECT_EQ(list, nullptr);
}

TEST(DsRestoreCheckExpiryToken, IsTheTokenCheckOfPrepareAlone_ABI1) {
    const MadeDirectory directory;
    Bytes token = directory.back_up();
    const auto size = static_cast<DWORD>(token.size());
    EXPECT_CODE(::DsRestoreCheckExpiryToken(token.data(), size), S_OK);
    EXPECT_CODE(::DsRestoreCheckExpiryToken(nullptr, 0), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsRestoreCheckExpiryToken(token.data(), 0), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsRestoreCheckExpiryToken(nullptr, size), ERROR_INVALID_PARAMETER);
    token[token.size() / 2] ^= std::byte{1};
    EXPECT_CODE(::DsRestoreCheckExpiryToken(token.data(), size), hrUnknownExpiryTokenFormat);
}

} // namespace
} // namespace contract
