// What both kinds of sockets share: taking an address apart.
#include "platform/socket.h"

namespace ntdsb::platform {

Result<HostAndPort> split_address(std::string_view address) {
    const auto colon = address.rfind(':');
    std::string_view host = address.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (colon == std::string_view::npos || host.empty() || colon + 1 == address.size() ||
        host.find_first_of(bracketed ? "[] \t" : ":[] \t") != std::string_view::npos)
        return fail(ERROR_INVALID_PARAMETER, "\"", address,
                    "\" is no address; write HOST:PORT or [IPV6]:PORT");
    return HostAndPort{std::string(host), std::string(address.substr(colon + 1))};
}

} // namespace ntdsb::platform
