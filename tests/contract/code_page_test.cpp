// The A functions in a code page of the process's own (contract ABI-4, ABI-6): a directory whose
// name only that page spells the same way. Windows only. The suite is run once for each page; the
// runner says which one it must find.
#include "api_forms.h"
#include "support/ese_builder.h"
#include "support/temp_folder.h"

#include <windows.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace contract {
namespace {

namespace fs = std::filesystem;
namespace test = ntdsb::test;

struct Page {
    UINT number;
    const wchar_t* folder;    // of the page; in 932 with a trail byte that looks like a backslash
    const char* folder_bytes; // the same in the page
    const wchar_t* beyond;    // not of the page
    const char* malformed;    // bytes that are no text of the page; none if all bytes are
};
constexpr Page pages[] = {
    {1252, L"\u00dcberstra\u00dfe \u20ac",
     "\xdc"
     "berstra\xdf"
     "e \x80",
     L"\u30bd", nullptr},
    {932, L"\u30bd\u8868\u5341", "\x83\x5c\x95\x5c\x8f\x5c", L"\u00dc", "C:\\\x83"},
};

const Page& page() {
    for (const Page& candidate : pages)
        if (candidate.number == GetACP()) return candidate;
    throw std::runtime_error("no test is written for code page " + std::to_string(GetACP()));
}

// A clean directory below a folder of that name, configured for this process. The configuration is
// UTF-8, whatever the code page.
class CodePage : public testing::Test {
protected:
    void make(const std::wstring& folder) {
        ntds_ = folder_.path() / folder;
        fs::create_directory(ntds_);
        fs::create_directory(folder_ / "backup");
        test::EseDatabase{}.pages(16).signature(test::make_signature(7)).write(ntds_ / "ntds.dit");
        const auto line = [](const char* key, const fs::path& path) {
            const std::u8string text = path.u8string();
            return std::string(key) + " = '" + std::string(text.begin(), text.end()) + "'\n";
        };
        const fs::path config = folder_ / "ntdsbcli.toml";
        std::ofstream(config) << "[directory]\nregistry_mirror = false\n"
                              << line("database", ntds_ / "ntds.dit")
                              << line("state_path", folder_ / "state");
        SetEnvironmentVariableW(L"NTDSBCLI_CONFIG", config.c_str());
    }
    // A path below the made folder as the page spells it.
    std::string bytes(const std::string& name) const {
        std::string out = folder_.path().string() + "\\" + page().folder_bytes;
        if (!name.empty()) out += "\\" + name;
        return out;
    }
    static std::vector<char> take_token() {
        PVOID token = nullptr;
        DWORD size = 0;
        HBC hbc = nullptr;
        EXPECT_CODE(DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, &token, &size, &hbc), S_OK);
        std::vector<char> kept(static_cast<char*>(token), static_cast<char*>(token) + size);
        DsBackupFree(token);
        EXPECT_CODE(DsBackupEnd(hbc), S_OK);
        return kept;
    }
    static HBC prepare(const std::vector<char>& token) {
        std::vector<char> copy = token;
        HBC hbc = nullptr;
        EXPECT_CODE(DsRestorePrepareA("localhost", 0, copy.empty() ? nullptr : copy.data(),
                                      static_cast<DWORD>(copy.size()), &hbc),
                    S_OK);
        return hbc;
    }

    test::TempFolder folder_;
    fs::path ntds_;
};

TEST_F(CodePage, IsTheOneThatTheSuiteIsFor) {
    const char* expected = std::getenv("NTDSB_EXPECT_CODE_PAGE");
    ASSERT_NE(expected, nullptr) << "run the suite through tests/support/run_suites.py";
    EXPECT_EQ(std::to_string(GetACP()), expected)
        << "the locale is missing: ./dev setup makes it in out/locales";
}

TEST_F(CodePage, LocationsAreInItAfterPrefixesByNumber_ABI4_ABI5) {
    make(page().folder);
    const HBC hbc = prepare({});
    char* list = nullptr;
    DWORD size = 0;
    ASSERT_CODE(DsRestoreGetDatabaseLocationsA(hbc, &list, &size), S_OK);
    using namespace std::string_literals;
    const std::string expected = "\x44"s + bytes("ntds.dit") + "\0"s + "\x82"s + bytes("") + "\0"s +
                                 "\x83"s + bytes("") + "\0\0"s;
    EXPECT_EQ(std::string(list, size), expected);
    EXPECT_CODE(DsRestoreEnd(hbc), S_OK);
    DsBackupFree(list);
}

TEST_F(CodePage, AWholeBackupAndRestoreGoThroughIt_ABI6) {
    make(page().folder);
    PVOID token = nullptr;
    DWORD size = 0;
    HBC backup = nullptr;
    ASSERT_CODE(DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, &token, &size, &backup), S_OK);
    DsBackupFree(token);
    LARGE_INTEGER length;
    EXPECT_CODE(DsBackupOpenFileA(backup, bytes("ntds.dit").c_str(), 65536, &length), S_OK);
    EXPECT_EQ(static_cast<std::uintmax_t>(length.QuadPart), fs::file_size(ntds_ / "ntds.dit"));
    EXPECT_CODE(DsBackupEnd(backup), S_OK);

    const HBC restore = prepare(take_token());
    std::string database = bytes("ntds.dit");
    EDB_RSTMAPA map{database.data(), database.data()};
    EXPECT_CODE(DsRestoreRegisterA(restore, bytes("").c_str(), bytes("").c_str(), &map, 1,
                                   (folder_ / "backup").string().c_str(), 0, 0),
                S_OK);
    EXPECT_CODE(DsRestoreRegisterComplete(restore, S_OK), S_OK);
    EXPECT_CODE(DsRestoreEnd(restore), S_OK);
}

TEST_F(CodePage, WhatItCannotSayIsNoTranslation_ABI6) { // never a '?' and never the nearest letter
    make(page().beyond);
    const HBC hbc = prepare({});
    char* list = reinterpret_cast<char*>(1);
    DWORD size = 1;
    EXPECT_CODE(DsRestoreGetDatabaseLocationsA(hbc, &list, &size), ERROR_NO_UNICODE_TRANSLATION);
    EXPECT_EQ(list, nullptr);
    EXPECT_EQ(size, 0u);
    WCHAR* wide_list = nullptr;
    ASSERT_CODE(DsRestoreGetDatabaseLocationsW(hbc, &wide_list, &size), S_OK);
    EXPECT_EQ(std::wstring(wide_list + 1), (ntds_ / "ntds.dit").wstring());
    EXPECT_CODE(DsRestoreEnd(hbc), S_OK);
    DsBackupFree(wide_list);
}

TEST_F(CodePage, BytesThatAreNoTextOfItAreNoTranslation_ABI6) {
    make(page().folder);
    const HBC hbc = prepare(take_token());
    std::string database = bytes("ntds.dit");
    EDB_RSTMAPA map{database.data(), database.data()};
    const auto register_with = [&](const char* logs) {
        return DsRestoreRegisterA(hbc, bytes("").c_str(), logs, &map, 1, "C:\\", 0, 0);
    };
    if (page().malformed != nullptr) {
        EXPECT_CODE(register_with(page().malformed), ERROR_NO_UNICODE_TRANSLATION);
    }
    // Text of both pages, but no path of the directory (REG-2).
    EXPECT_CODE(register_with("C:\\\x81\x81"), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(DsRestoreEnd(hbc), S_OK);
}

} // namespace
} // namespace contract
