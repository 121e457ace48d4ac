// See child_roles.h.
#include "child_roles.h"

#include "crash_child.h"

#include <cstdlib>
#include <iostream>

namespace ntdsb::service {

int play_role(const std::vector<std::string>& words) {
    try {
        if (words[0] == "crash-run") return crash_run(words);
        if (words[0] == "crash-look") return crash_look(words);
    } catch (const std::exception& error) {
        std::cerr << words[0] << ": " << error.what() << std::endl;
        return role_threw;
    }
    return -1;
}

bool is_proving() { return std::getenv("NTDSB_PROVE") != nullptr; }

} // namespace ntdsb::service
