// The registry of the test's own Wine prefix: brought to that of a domain controller, so that a
// restore writes all that it writes there (contract MIR-1, DC-2). A real machine's registry is left
// alone; there these tests run without the mirror.
#include "restore_directory.h"

#ifdef _WIN32
#include "platform/windows/wine.h"

#include <windows.h>
#endif

namespace ntdsb::service {

#ifdef _WIN32

void reset_domain_controller() {
    if (!platform::is_wine()) return;
    for (const auto* path :
         {L"SYSTEM\\CurrentControlSet\\Services\\NTDS\\Restore In Progress",
          L"SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters",
          L"SYSTEM\\CurrentControlSet\\Services\\NTDS",
          L"SYSTEM\\CurrentControlSet\\Control\\BackupRestore\\KeysNotToRestore"})
        RegDeleteKeyExW(HKEY_LOCAL_MACHINE, path, KEY_WOW64_64KEY, 0);
}

void make_domain_controller() {
    if (!platform::is_wine()) return;
    HKEY key = nullptr;
    RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters", 0,
                    nullptr, 0, KEY_WRITE | KEY_WOW64_64KEY, nullptr, &key, nullptr);
    RegCloseKey(key);
}

bool is_marked_restored() {
    HKEY key = nullptr;
    DWORD value = 0, size = sizeof value;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters",
                      0, KEY_READ | KEY_WOW64_64KEY, &key) != ERROR_SUCCESS)
        return !platform::is_wine();
    RegQueryValueExW(key, L"Database restored from backup", nullptr, nullptr,
                     reinterpret_cast<BYTE*>(&value), &size);
    RegCloseKey(key);
    return value == 1;
}

#else

void reset_domain_controller() {}
void make_domain_controller() {}
bool is_marked_restored() { return true; }

#endif

} // namespace ntdsb::service
