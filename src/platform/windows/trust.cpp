// Owners and access lists on Windows, as facts for the rule of trust (design point 8).
#include "platform/trust.h"

#include "platform/windows/system_error.h"
#include "platform/windows/wine.h"

#include <algorithm>

#include <aclapi.h>
#include <sddl.h>

namespace ntdsb::platform {
namespace {

constexpr DWORD writing_rights = GENERIC_WRITE | FILE_WRITE_DATA | FILE_APPEND_DATA |
                                 FILE_WRITE_EA |
                                 FILE_WRITE_ATTRIBUTES; // in folders: to add files and folders
constexpr DWORD replacing_rights =
    GENERIC_ALL | FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER;

// Frees what the system allocated with LocalAlloc.
struct LocalMemory {
    void* memory = nullptr;
    ~LocalMemory() {
        if (memory) LocalFree(memory);
    }
};

// Administrators, SYSTEM, TrustedInstaller; and "owner rights", which are the owner's, who is
// judged by himself.
bool is_trusted(PSID sid) {
    static constexpr const wchar_t* trusted[] = {
        L"S-1-5-32-544", L"S-1-5-18",
        L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", L"S-1-3-4"};
    wchar_t* text = nullptr;
    if (!sid || !ConvertSidToStringSidW(sid, &text)) return false;
    const LocalMemory owner{text};
    return std::ranges::any_of(
        trusted, [&](const wchar_t* name) { return std::wstring_view(name) == text; });
}

// Adds up what the entry lets others do. Entries that deny are left out of account: they only take
// away.
void count_entry(ACE_HEADER* header, TrustFacts& facts) {
    const bool allows = header->AceType == ACCESS_ALLOWED_ACE_TYPE ||
                        header->AceType == ACCESS_ALLOWED_CALLBACK_ACE_TYPE ||
                        header->AceType == ACCESS_ALLOWED_OBJECT_ACE_TYPE ||
                        header->AceType == ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE;
    if (!allows || (header->AceFlags & INHERIT_ONLY_ACE)) return;
    auto* const entry =
        reinterpret_cast<ACCESS_ALLOWED_ACE*>(header); // the mask is at the same place in all four
    const bool has_plain_sid = header->AceType == ACCESS_ALLOWED_ACE_TYPE ||
                               header->AceType == ACCESS_ALLOWED_CALLBACK_ACE_TYPE;
    if (has_plain_sid && is_trusted(&entry->SidStart)) return;
    if (entry->Mask & (writing_rights | GENERIC_ALL)) facts.others_may_write = true;
    if (entry->Mask & replacing_rights) facts.others_may_replace = true;
}

} // namespace

Result<std::optional<TrustFacts>> trust_facts(const std::filesystem::path& path) {
    const Handle handle(
        CreateFileW(long_form(path).c_str(), READ_CONTROL,
                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                    FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr));
    if (!handle) {
        const DWORD error = GetLastError();
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
            return std::optional<TrustFacts>();
        return system_error(error, "examine the owner of", path);
    }
    PSID owner = nullptr;
    PACL list = nullptr;
    LocalMemory descriptor;
    const DWORD error = GetSecurityInfo(handle.get(), SE_FILE_OBJECT,
                                        OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                                        &owner, nullptr, &list, nullptr, &descriptor.memory);
    if (error != ERROR_SUCCESS) return system_error(error, "read the access list of", path);
    TrustFacts facts;
    facts.owner_trusted = is_trusted(owner);
    // No list: everybody may do everything.
    facts.others_may_write = facts.others_may_replace = list == nullptr;
    for (DWORD i = 0; list && i < list->AceCount; ++i) {
        void* entry = nullptr;
        if (GetAce(list, i, &entry)) count_entry(static_cast<ACE_HEADER*>(entry), facts);
    }
    return std::optional<TrustFacts>(facts);
}

bool is_wine() noexcept {
    const HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    return ntdll && GetProcAddress(ntdll, "wine_get_version") != nullptr;
}

bool trust_is_knowable() { return !is_wine(); }

std::string trust_mend(const std::filesystem::path& path, TrustRole role) {
    const auto name = wire_path(path);
    // The access list of a folder above is others' business, too: it is only shown.
    if (role == TrustRole::parent)
        return text("Let only Administrators, SYSTEM and TrustedInstaller own it, rename it and "
                    "delete in it; what it allows now: icacls \"",
                    name, "\"");
    const DWORD attributes = GetFileAttributesW(long_form(path).c_str());
    const bool is_folder =
        attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    // A folder is the state's, a file the configuration or a plug-in, which every user reads.
    const std::string_view rights = is_folder ? "*S-1-5-32-544:(OI)(CI)F *S-1-5-18:(OI)(CI)F"
                                              : "*S-1-5-32-544:F *S-1-5-18:F *S-1-5-32-545:RX";
    return text("Make Administrators its owner and let only Administrators and SYSTEM write it: "
                "icacls \"",
                name, "\" /setowner *S-1-5-32-544, icacls \"", name, "\" /reset, icacls \"", name,
                "\" /inheritance:r /grant:r ", rights);
}

} // namespace ntdsb::platform
