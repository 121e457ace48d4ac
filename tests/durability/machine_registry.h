// The registry of the test's own Wine prefix as that of a domain controller; nothing elsewhere.
#pragma once

namespace ntdsb::service {

// So that a restore writes all that it writes there (contract MIR-1, DC-2). The next
// reset_domain_controller (restore_directory.h) removes it.
void make_domain_controller();
// DC-2: "Database restored from backup". True where there is no such registry.
bool is_marked_restored();

} // namespace ntdsb::service
