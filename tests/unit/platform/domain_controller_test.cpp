// platform/domain_controller.h off domain controllers: there is none, and the mirror is written and
// removed whole (contract MIR-1). Registry writes are tried under Wine only, whose registry is the
// test's own; a real machine's is left alone.
#include "platform/domain_controller.h"

#include "platform/process.h"

#include <gtest/gtest.h>

#ifdef _WIN32
#include "platform/windows/wine.h"
#endif

namespace ntdsb::platform {
namespace {

#ifndef _WIN32

TEST(DomainController, ThereIsNoneOffWindows) {
    EXPECT_EQ(ntds_service_state().value(), ServiceState::absent);
    EXPECT_FALSE(domain_controller_places().value());
    EXPECT_FALSE(has_registry());
    EXPECT_FALSE(restore_mirror_exists().value());
    EXPECT_TRUE(remove_restore_mirror());
    EXPECT_TRUE(keep_restored_mark_over_restore());
    EXPECT_TRUE(set_restored_from_backup());
    EXPECT_EQ(write_restore_mirror({}).error().code, ERROR_NOT_SUPPORTED);
}

#else

constexpr wchar_t ntds_key[] = L"SYSTEM\\CurrentControlSet\\Services\\NTDS";
constexpr wchar_t mirror_key[] = L"SYSTEM\\CurrentControlSet\\Services\\NTDS\\Restore In Progress";
constexpr wchar_t parameters_key[] = L"SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters";
constexpr wchar_t kept_key[] =
    L"SYSTEM\\CurrentControlSet\\Control\\BackupRestore\\KeysNotToRestore";

// A value's type and bytes, read by the plain API, not by our own code.
struct Value {
    DWORD type = REG_NONE;
    std::u16string text; // its bytes as characters
};

HKEY open_key(const wchar_t* path, REGSAM access) {
    HKEY key = nullptr;
    return RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, access | KEY_WOW64_64KEY, &key) ==
                   ERROR_SUCCESS
               ? key
               : nullptr;
}

Value value_of(const wchar_t* path, const wchar_t* name) {
    Value value;
    wchar_t buffer[1024] = {};
    DWORD size = sizeof buffer;
    const HKEY key = open_key(path, KEY_READ);
    if (!key) return value;
    if (RegQueryValueExW(key, name, nullptr, &value.type, reinterpret_cast<BYTE*>(buffer), &size) ==
        ERROR_SUCCESS) {
        value.text.assign(buffer, buffer + size / sizeof(wchar_t));
    }
    RegCloseKey(key);
    return value;
}

bool key_exists(const wchar_t* path) {
    const HKEY key = open_key(path, KEY_READ);
    if (key) RegCloseKey(key);
    return key != nullptr;
}

void make_parameters(const wchar_t* name, std::u16string_view value) {
    HKEY key = nullptr;
    ASSERT_EQ(RegCreateKeyExW(HKEY_LOCAL_MACHINE, parameters_key, 0, nullptr, 0,
                              KEY_WRITE | KEY_WOW64_64KEY, nullptr, &key, nullptr),
              ERROR_SUCCESS);
    const std::u16string text(value);
    RegSetValueExW(key, name, 0, REG_SZ, reinterpret_cast<const BYTE*>(text.c_str()),
                   static_cast<DWORD>((text.size() + 1) * 2));
    RegCloseKey(key);
}

class WindowsRegistry : public testing::Test {
protected:
    void SetUp() override {
        if (!is_wine()) GTEST_SKIP() << "a real machine's registry is left alone";
        remove_all();
    }
    void TearDown() override {
        if (is_wine()) remove_all();
    }
    static void remove_all() {
        for (const auto* path : {mirror_key, parameters_key, ntds_key, kept_key})
            RegDeleteKeyExW(HKEY_LOCAL_MACHINE, path, KEY_WOW64_64KEY, 0);
    }
};

TEST_F(WindowsRegistry, ServiceIsAbsent) {
    EXPECT_EQ(ntds_service_state().value(), ServiceState::absent);
}

TEST_F(WindowsRegistry, PlacesNeedAllThreeValues) { // DC-1
    EXPECT_FALSE(domain_controller_places().value());
    make_parameters(L"DSA Database file", u"C:\\NTDS\\ntds.dit");
    make_parameters(L"Database log files path", u"C:\\Logs");
    EXPECT_FALSE(domain_controller_places().value());
    make_parameters(L"DSA Working Directory", u"C:\\Work");
    const auto places = domain_controller_places().value();
    ASSERT_TRUE(places);
    EXPECT_EQ(places->database, u"C:\\NTDS\\ntds.dit");
    EXPECT_EQ(places->log_path, u"C:\\Logs");
    EXPECT_EQ(places->checkpoint_path, u"C:\\Work");
}

TEST_F(WindowsRegistry, MirrorHasTheDocumentedValues) { // MIR-1
    using namespace std::string_view_literals;
    ASSERT_TRUE(write_restore_mirror(
        {u"C:\\b", u"C:\\c", u"C:\\l", 3, 0x1f, {{u"C:\\old", u"D:\\new"}, {u"C:\\c", u"D:\\c"}}}));
    EXPECT_TRUE(restore_mirror_exists().value());
    EXPECT_EQ(value_of(mirror_key, L"BackupLogPath").type, static_cast<DWORD>(REG_SZ));
    EXPECT_EQ(value_of(mirror_key, L"BackupLogPath").text, u"C:\\b\0"sv);
    EXPECT_EQ(value_of(mirror_key, L"CheckpointFilePath").text, u"C:\\c\0"sv);
    EXPECT_EQ(value_of(mirror_key, L"LogPath").text, u"C:\\l\0"sv);
    EXPECT_EQ(value_of(mirror_key, L"LowLog Number").type, static_cast<DWORD>(REG_DWORD));
    EXPECT_EQ(value_of(mirror_key, L"LowLog Number").text, u"\x0003\0"sv);
    EXPECT_EQ(value_of(mirror_key, L"HighLog Number").text, u"\x001f\0"sv);
    EXPECT_EQ(value_of(mirror_key, L"EDB_RstMap").type, static_cast<DWORD>(REG_MULTI_SZ));
    EXPECT_EQ(value_of(mirror_key, L"EDB_RstMap").text, u"C:\\old\0D:\\new\0C:\\c\0D:\\c\0\0"sv);
    EXPECT_EQ(value_of(mirror_key, L"EDB_RstMap Size").text, u"\x0002\0"sv);
}

TEST_F(WindowsRegistry, RemovedMirrorLeavesNothing) {
    ASSERT_TRUE(write_restore_mirror({u"C:\\b", u"C:\\c", u"C:\\l", 0, 0, {}}));
    ASSERT_TRUE(remove_restore_mirror());
    EXPECT_FALSE(restore_mirror_exists().value());
    EXPECT_FALSE(key_exists(ntds_key));
    EXPECT_TRUE(remove_restore_mirror()); // none there is success
}

TEST_F(WindowsRegistry, RemovedMirrorLeavesTheServiceKeyAlone) {
    make_parameters(L"x", u"y");
    ASSERT_TRUE(write_restore_mirror({u"C:\\b", u"C:\\c", u"C:\\l", 0, 0, {}}));
    ASSERT_TRUE(remove_restore_mirror());
    EXPECT_TRUE(key_exists(parameters_key));
}

TEST_F(WindowsRegistry, RestoredMarkIsSetOnlyOnADomainController) { // DC-2
    EXPECT_TRUE(keep_restored_mark_over_restore());
    EXPECT_TRUE(set_restored_from_backup());
    EXPECT_FALSE(key_exists(parameters_key));
    EXPECT_EQ(value_of(kept_key, L"ntdsbcli").type, static_cast<DWORD>(REG_NONE));
}

TEST_F(WindowsRegistry, RestoredMarkIsKeptAndSet) { // DC-2
    using namespace std::string_view_literals;
    make_parameters(L"x", u"y");
    ASSERT_TRUE(keep_restored_mark_over_restore());
    ASSERT_TRUE(set_restored_from_backup());
    EXPECT_EQ(value_of(kept_key, L"ntdsbcli").type, static_cast<DWORD>(REG_MULTI_SZ));
    EXPECT_EQ(
        value_of(kept_key, L"ntdsbcli").text,
        u"CurrentControlSet\\Services\\NTDS\\Parameters\\Database restored from backup\0\0"sv);
    EXPECT_EQ(value_of(parameters_key, L"Database restored from backup").text, u"\x0001\0"sv);
}

#endif

} // namespace
} // namespace ntdsb::platform
