// Stands in for platform/domain_controller.h in this test program, on every platform: a registry
// and an NTDS service that tests set up, make fail and look at. So the service's rules about them
// (MIR-1..4, DC-1..2, REG-6) are tested everywhere, and no test writes to a machine's registry.
#pragma once

#include "platform/domain_controller.h"

namespace ntdsb::service {

struct FakeDomainController {
    platform::ServiceState service = platform::ServiceState::absent;
    std::optional<platform::DirectoryPlaces> places;
    std::optional<platform::RestoreMirror> mirror;
    bool mark_is_kept = false; // DC-2: our value of KeysNotToRestore
    bool is_marked = false;    // DC-2: `Database restored from backup`
    // Each change fails with the code if it is not 0.
    Code write_mirror_fails = 0, remove_mirror_fails = 0, keep_mark_fails = 0, mark_fails = 0;
    // Called before each change.
    void (*before_change)() = nullptr;
};

FakeDomainController& fake_domain_controller();

} // namespace ntdsb::service
