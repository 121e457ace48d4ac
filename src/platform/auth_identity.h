// Credentials of DsSetAuthIdentity (contract AUTH-1).
#pragma once

#include "platform/secret.h"

#include <string>

namespace ntdsb::platform {

struct AuthIdentity {
    std::u16string user;
    std::u16string domain; // may be empty
    Secret password;
};

} // namespace ntdsb::platform
