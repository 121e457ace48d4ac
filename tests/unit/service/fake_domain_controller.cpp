// Every function of platform/domain_controller.h, so that the linker takes none of the real ones.
#include "fake_domain_controller.h"

#include "restore_directory.h"

namespace ntdsb::service {

void reset_domain_controller() { fake_domain_controller() = {}; }

FakeDomainController& fake_domain_controller() {
    static FakeDomainController instance;
    return instance;
}

} // namespace ntdsb::service

namespace ntdsb::platform {
namespace {

service::FakeDomainController& fake() { return service::fake_domain_controller(); }

Result<void> about_to_change(Code fails) {
    if (fake().before_change) fake().before_change();
    if (fails != 0) return fail(fails, "the test's registry refused");
    return ok();
}

} // namespace

Result<ServiceState> ntds_service_state() { return fake().service; }
Result<std::optional<DirectoryPlaces>> domain_controller_places() { return fake().places; }
bool has_registry() noexcept { return false; }

Result<void> write_restore_mirror(const RestoreMirror& mirror) {
    NTDSB_CHECK(about_to_change(fake().write_mirror_fails));
    fake().mirror = mirror;
    return ok();
}
Result<void> remove_restore_mirror() {
    NTDSB_CHECK(about_to_change(fake().remove_mirror_fails));
    fake().mirror.reset();
    return ok();
}
Result<bool> restore_mirror_exists() { return fake().mirror.has_value(); }
Result<void> keep_restored_mark_over_restore() {
    NTDSB_CHECK(about_to_change(fake().keep_mark_fails));
    fake().mark_is_kept = true;
    return ok();
}
Result<void> set_restored_from_backup() {
    NTDSB_CHECK(about_to_change(fake().mark_fails));
    fake().is_marked = true;
    return ok();
}

} // namespace ntdsb::platform
