// What only a Windows machine has: the vendor's NTDS service and its registry keys (contract ONL-1,
// MIR-1..4, DC-1..2). Elsewhere every function answers "there is none". Registry access is always
// to the 64-bit view.
#pragma once

#include "core/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ntdsb::platform {

enum class ServiceState { absent, stopped, running }; // anything but stopped counts as running
// The state of the service named NTDS, from the service manager.
Result<ServiceState> ntds_service_state();

struct DirectoryPlaces {
    std::u16string database;
    std::u16string log_path;
    std::u16string checkpoint_path;
};
// DC-1: Services\NTDS\Parameters; std::nullopt where the key or a value is absent.
Result<std::optional<DirectoryPlaces>> domain_controller_places();

// MIR-1: the values of Services\NTDS\Restore In Progress.
struct RestoreMirror {
    std::u16string backup_log_path;
    std::u16string checkpoint_path;
    std::u16string log_path;
    std::uint32_t gen_low = 0;
    std::uint32_t gen_high = 0;
    std::vector<std::pair<std::u16string, std::u16string>> map; // old, new
};
bool has_registry() noexcept;
// Writes all values and flushes the key; on failure removes what it wrote.
Result<void> write_restore_mirror(const RestoreMirror& mirror);
Result<void> remove_restore_mirror(); // none there is success
Result<bool> restore_mirror_exists();

// DC-2: adds our value to BackupRestore\KeysNotToRestore; sets `Database restored from backup` and
// flushes it. Both do nothing where the NTDS Parameters key is absent.
Result<void> keep_restored_mark_over_restore();
Result<void> set_restored_from_backup();

} // namespace ntdsb::platform
