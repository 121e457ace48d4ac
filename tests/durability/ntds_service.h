// This program as the service NTDS, when the service manager starts it so. Windows only.
#pragma once

#ifdef _WIN32
#include <windows.h>
#endif

namespace ntdsb::service {

int be_ntds_service();

} // namespace ntdsb::service
