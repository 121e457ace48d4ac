// The list of interfaces (interfaces.h).
#include "server/interfaces.h"

namespace ntdsb::server {

const std::array<ServedInterface, 4>& served_interfaces() {
    static const std::array<ServedInterface, 4> served{{
        {{wire::restore_interface_uuid, 1}, "NTDS Restore Interface"},
        {{wire::backup_interface_uuid, 1}, "NTDS Backup Interface"},
        // C706 appendix Q: afa8bd80-7d8a-11c9-bef4-08002b102989 v1.0
        {{{0x80, 0xbd, 0xa8, 0xaf, 0x8a, 0x7d, 0xc9, 0x11, 0xbe, 0xf4, 0x08, 0x00, 0x2b, 0x10, 0x29,
           0x89},
          1},
         {}},
        // C706 appendix O: e1af8308-5d1f-11c9-91a4-08002b14a0fa v3.0
        {{{0x08, 0x83, 0xaf, 0xe1, 0x1f, 0x5d, 0xc9, 0x11, 0x91, 0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0,
           0xfa},
          3},
         {}},
    }};
    return served;
}

} // namespace ntdsb::server
