// platform/process.h on Windows, all but rights and trust, which are in token.cpp and trust.cpp.
#include "platform/process.h"

#include "core/path.h"
#include "core/utf16.h"
#include "platform/windows/registry.h"
#include "platform/windows/wine.h"

#include <ntsecapi.h>

#include <algorithm>
#include <limits>

namespace ntdsb::platform {
namespace {

constexpr wchar_t settings_key[] = L"SOFTWARE\\ntdsbcli";

// A text value below HKEY_LOCAL_MACHINE; empty if there is none or it cannot be read.
std::u16string registry_text(const wchar_t* path, const wchar_t* name) {
    const auto key = RegistryKey::open(path, KEY_QUERY_VALUE);
    if (!key || !key.value()) return {};
    auto value = key.value()->text_value(name);
    return value && value.value() ? *value.value() : std::u16string();
}

std::uint32_t registry_number(const wchar_t* path, const wchar_t* name) {
    const auto key = RegistryKey::open(path, KEY_QUERY_VALUE);
    if (!key || !key.value()) return 0;
    const auto value = key.value()->number_value(name);
    return value ? value.value().value_or(0) : 0;
}

// "C:"
std::u16string system_drive() {
    wchar_t folder[MAX_PATH];
    const UINT length = GetSystemWindowsDirectoryW(folder, MAX_PATH);
    return length >= 2 && length < MAX_PATH && folder[1] == L':'
               ? from_wide(std::wstring_view(folder, 2))
               : u"C:";
}

// Where %ProgramData% leads by the registry: the variable itself belongs to the user, who must not
// choose an elevated process's configuration.
std::u16string program_data() {
    constexpr std::u16string_view drive_variable = u"%SystemDrive%";
    const std::u16string drive = system_drive();
    std::u16string folder = registry_text(
        L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList", L"ProgramData");
    if (folder.starts_with(drive_variable)) folder.replace(0, drive_variable.size(), drive);
    return check_path_grammar(folder, "ProgramData") ? folder : drive + u"\\ProgramData";
}

bool is_elevated() {
    Handle token;
    TOKEN_ELEVATION elevation{};
    DWORD size = 0;
    const bool known =
        OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, token.out()) &&
        GetTokenInformation(token.get(), TokenElevation, &elevation, sizeof elevation, &size);
    return !known || elevation.TokenIsElevated != 0;
}

} // namespace

ThreadStateKeeper::ThreadStateKeeper() noexcept : value_(GetLastError()) {}
ThreadStateKeeper::~ThreadStateKeeper() { SetLastError(value_); }

void pin_module() noexcept {
    static const char inside_this_module = 0;
    HMODULE module = nullptr;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                       reinterpret_cast<LPCWSTR>(&inside_this_module), &module);
}

std::uint32_t process_id() noexcept { return GetCurrentProcessId(); }

std::uint64_t system_filetime() noexcept {
    FILETIME now{};
    GetSystemTimeAsFileTime(&now);
    return (std::uint64_t{now.dwHighDateTime} << 32) | now.dwLowDateTime;
}

Result<void> random_bytes(std::span<std::byte> into) {
    constexpr std::size_t most = (std::numeric_limits<ULONG>::max)();
    if (into.size() > most || !RtlGenRandom(into.data(), static_cast<ULONG>(into.size()))) {
        return fail(ERROR_GEN_FAILURE, "could not get ", into.size(),
                    " random bytes from the system");
    }
    return ok();
}

std::optional<std::u16string> environment(std::string_view name) {
    const std::wstring wide_name(name.begin(), name.end()); // our variables' names are ASCII
    std::wstring value(256, L'\0');
    for (;;) {
        SetLastError(ERROR_SUCCESS);
        const DWORD length = GetEnvironmentVariableW(wide_name.c_str(), value.data(),
                                                     static_cast<DWORD>(value.size()));
        if (length == 0 && GetLastError() == ERROR_ENVVAR_NOT_FOUND) return std::nullopt;
        const bool fits = length < value.size();
        value.resize(length);
        if (fits) return from_wide(value);
    }
}

void set_environment(std::string_view name, std::u16string_view value) {
    const std::wstring wide_name(name.begin(), name.end()); // our variables' names are ASCII
    SetEnvironmentVariableW(wide_name.c_str(), to_wide(value).c_str());
}

bool environment_is_trusted() {
    return !is_elevated() || registry_number(settings_key, L"AllowEnvironment") == 1;
}

std::u16string default_config_file() {
    const std::u16string configured = registry_text(settings_key, L"ConfigFile");
    return configured.empty() ? program_data() + u"\\ntdsbcli\\ntdsbcli.toml" : configured;
}

std::u16string default_state_folder() { return program_data() + u"\\ntdsbcli\\state"; }

std::vector<std::u16string> computer_names() {
    constexpr COMPUTER_NAME_FORMAT kinds[] = {ComputerNameNetBIOS,
                                              ComputerNameDnsHostname,
                                              ComputerNameDnsFullyQualified,
                                              ComputerNamePhysicalNetBIOS,
                                              ComputerNamePhysicalDnsHostname,
                                              ComputerNamePhysicalDnsFullyQualified};
    std::vector<std::u16string> names;
    for (const auto kind : kinds) {
        wchar_t buffer[1024];
        auto size = static_cast<DWORD>(std::size(buffer));
        if (!GetComputerNameExW(kind, buffer, &size)) continue;
        std::u16string name = from_wide(std::wstring_view(buffer, size));
        for (char16_t& c : name) {
            if (c >= u'A' && c <= u'Z') c = static_cast<char16_t>(c - u'A' + u'a');
        }
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(std::move(name));
    }
    return names;
}

std::string platform_marker() {
    if (!is_wine()) return "windows";
    // Wine's own default, where WINEPREFIX is not set, is the user's ~/.wine; it hands its choice
    // to its processes as WINECONFIGDIR.
    for (const auto name : {"WINECONFIGDIR", "WINEPREFIX"}) {
        auto prefix = environment(name).value_or(u"");
        if (prefix.starts_with(u"\\??\\")) prefix.erase(0, 4); // an NT path
        if (!prefix.empty()) return text("wine ", prefix);
    }
    return text("wine ", environment("WINEHOMEDIR").value_or(u""), "\\.wine");
}

} // namespace ntdsb::platform
