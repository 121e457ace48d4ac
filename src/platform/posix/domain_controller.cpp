// Off Windows there is no NTDS service of the vendor's and no registry.
#include "platform/domain_controller.h"

namespace ntdsb::platform {
namespace {

Error no_registry() {
    return fail(ERROR_NOT_SUPPORTED,
                "there is no registry on this platform to mirror a restore in");
}

} // namespace

Result<ServiceState> ntds_service_state() { return ServiceState::absent; }
Result<std::optional<DirectoryPlaces>> domain_controller_places() {
    return std::optional<DirectoryPlaces>();
}
bool has_registry() noexcept { return false; }
Result<void> write_restore_mirror(const RestoreMirror&) { return no_registry(); }
Result<void> remove_restore_mirror() { return ok(); }
Result<bool> restore_mirror_exists() { return false; }
Result<void> keep_restored_mark_over_restore() { return ok(); }
Result<void> set_restored_from_backup() { return ok(); }

} // namespace ntdsb::platform
