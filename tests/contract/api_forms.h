// The A and the W form of the API behind one shape, so that a contract test is written once and
// holds for both. Public headers only.
#pragma once

#ifdef _WIN32
#include <windows.h>
#endif
#include <ntdsbcli.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace contract {

using WideString = std::basic_string<WCHAR>;

inline WideString wide(std::string_view ascii) { return WideString(ascii.begin(), ascii.end()); }

struct AnsiForm {
    using Char = char;
    using String = std::string;
    using Map = EDB_RSTMAPA;
    static constexpr const char* name = "A";
    static String text(std::string_view ascii) { return String(ascii); }
    static std::string ascii(const String& text) { return text; }
    static unsigned prefix(Char first) { return static_cast<unsigned char>(first); }
    static void set(Map& map, String& source, String& target) {
        map.szDatabaseName = source.data();
        map.szNewDatabaseName = target.data();
    }
    static HRESULT is_online(const Char* server, BOOL* online) {
        return DsIsNTDSOnlineA(server, online);
    }
    static HRESULT backup_prepare(const Char* server, ULONG grbit, ULONG type, PVOID* token,
                                  DWORD* size, HBC* hbc) {
        return DsBackupPrepareA(server, grbit, type, token, size, hbc);
    }
    static HRESULT database_names(HBC hbc, Char** list, DWORD* size) {
        return DsBackupGetDatabaseNamesA(hbc, list, size);
    }
    static HRESULT backup_logs(HBC hbc, Char** list, DWORD* size) {
        return DsBackupGetBackupLogsA(hbc, list, size);
    }
    static HRESULT open_file(HBC hbc, const Char* file, DWORD hint, LARGE_INTEGER* size) {
        return DsBackupOpenFileA(hbc, file, hint, size);
    }
    static HRESULT restore_prepare(const Char* server, ULONG flags, PVOID token, DWORD size,
                                   HBC* hbc) {
        return DsRestorePrepareA(server, flags, token, size, hbc);
    }
    static HRESULT locations(HBC hbc, Char** list, DWORD* size) {
        return DsRestoreGetDatabaseLocationsA(hbc, list, size);
    }
    static HRESULT restore_register(HBC hbc, const Char* checkpoint, const Char* logs, Map* map,
                                    LONG count, const Char* backup_logs, ULONG low, ULONG high) {
        return DsRestoreRegisterA(hbc, checkpoint, logs, map, count, backup_logs, low, high);
    }
    static HRESULT set_current_log(const Char* server, DWORD number) {
        return DsSetCurrentBackupLogA(server, number);
    }
    static HRESULT set_identity(const Char* user, const Char* domain, const Char* password) {
        return DsSetAuthIdentityA(user, domain, password);
    }
};

struct WideForm {
    using Char = WCHAR;
    using String = WideString;
    using Map = EDB_RSTMAPW;
    static constexpr const char* name = "W";
    static String text(std::string_view ascii) { return wide(ascii); }
    static std::string ascii(const String& text) {
        std::string out;
        for (const WCHAR unit : text) out += static_cast<char>(unit);
        return out;
    }
    static void set(Map& map, String& source, String& target) {
        map.wszDatabaseName = source.data();
        map.wszNewDatabaseName = target.data();
    }
    static unsigned prefix(Char first) { return static_cast<unsigned>(first); }
    static HRESULT is_online(const Char* server, BOOL* online) {
        return DsIsNTDSOnlineW(server, online);
    }
    static HRESULT backup_prepare(const Char* server, ULONG grbit, ULONG type, PVOID* token,
                                  DWORD* size, HBC* hbc) {
        return DsBackupPrepareW(server, grbit, type, token, size, hbc);
    }
    static HRESULT database_names(HBC hbc, Char** list, DWORD* size) {
        return DsBackupGetDatabaseNamesW(hbc, list, size);
    }
    static HRESULT backup_logs(HBC hbc, Char** list, DWORD* size) {
        return DsBackupGetBackupLogsW(hbc, list, size);
    }
    static HRESULT open_file(HBC hbc, const Char* file, DWORD hint, LARGE_INTEGER* size) {
        return DsBackupOpenFileW(hbc, file, hint, size);
    }
    static HRESULT restore_prepare(const Char* server, ULONG flags, PVOID token, DWORD size,
                                   HBC* hbc) {
        return DsRestorePrepareW(server, flags, token, size, hbc);
    }
    static HRESULT locations(HBC hbc, Char** list, DWORD* size) {
        return DsRestoreGetDatabaseLocationsW(hbc, list, size);
    }
    static HRESULT restore_register(HBC hbc, const Char* checkpoint, const Char* logs, Map* map,
                                    LONG count, const Char* backup_logs, ULONG low, ULONG high) {
        return DsRestoreRegisterW(hbc, checkpoint, logs, map, count, backup_logs, low, high);
    }
    static HRESULT set_current_log(const Char* server, DWORD number) {
        return DsSetCurrentBackupLogW(server, number);
    }
    static HRESULT set_identity(const Char* user, const Char* domain, const Char* password) {
        return DsSetAuthIdentityW(user, domain, password);
    }
};

using BothForms = testing::Types<AnsiForm, WideForm>;
struct FormName {
    template <class Form>
    static std::string GetName(int) {
        return Form::name;
    }
};

// One entry of a BFT-prefixed list (contract ABI-5).
struct ListEntry {
    unsigned bft = 0;
    std::string path;
    bool operator==(const ListEntry&) const = default;
};

// Splits a list and checks its shape: `size` is in bytes and counts the last NUL.
template <class Form>
std::vector<ListEntry> split_list(const typename Form::Char* list, DWORD size) {
    using Char = typename Form::Char;
    std::vector<ListEntry> entries;
    const std::size_t count = size / sizeof(Char);
    EXPECT_GE(count, 2u);
    EXPECT_EQ(size % sizeof(Char), 0u);
    std::size_t at = 0;
    while (at < count && list[at] != 0) {
        const typename Form::String text(list + at);
        entries.push_back({Form::prefix(text[0]), Form::ascii(text.substr(1))});
        at += text.size() + 1;
    }
    EXPECT_EQ(at + (entries.empty() ? 2 : 1), count)
        << "the list's size does not end at its last NUL";
    return entries;
}

// As a test prints a code: 0xC7FF0004.
inline std::string hex_code(HRESULT code) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%08lX",
                  static_cast<unsigned long>(static_cast<std::uint32_t>(code)));
    return text;
}

// EXPECT_CODE(DsRestoreEnd(hbc), ERROR_INVALID_PARAMETER)
#define EXPECT_CODE(call, code) \
    EXPECT_EQ(::contract::hex_code(call), ::contract::hex_code(static_cast<HRESULT>(code)))
#define ASSERT_CODE(call, code) \
    ASSERT_EQ(::contract::hex_code(call), ::contract::hex_code(static_cast<HRESULT>(code)))

} // namespace contract
