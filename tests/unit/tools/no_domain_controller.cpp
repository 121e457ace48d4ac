// These tests' directories are no domain controller's: there is nothing to reset.
#include "../service/restore_directory.h"

namespace ntdsb::service {

void reset_domain_controller() {}

} // namespace ntdsb::service
