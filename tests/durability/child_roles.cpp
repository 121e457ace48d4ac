// See child_roles.h.
#include "child_roles.h"

#include "big_file.h"
#include "crash_child.h"
#include "full_disk.h"
#include "ntds_service.h"
#include "races.h"

#include <cstdlib>
#include <iostream>

namespace ntdsb::service {

int play_role(const std::vector<std::string>& words) {
    try {
        if (words[0] == "crash-run") return crash_run(words);
        if (words[0] == "crash-look") return crash_look(words);
        if (words[0] == "verify-memory") return verify_in_little_memory(words);
        if (words[0] == "race") return race(words);
#ifdef _WIN32
        if (words[0] == "be-ntds-service") return be_ntds_service();
#else
        if (words[0] == "full-disk" || words[0] == "full-disk-logs") return full_disk(words);
        if (words[0] == "limited-files") return limited_files(words);
#endif
    } catch (const std::exception& error) {
        std::cerr << words[0] << ": " << error.what() << std::endl;
        return role_threw;
    }
    return -1;
}

bool is_proving() { return std::getenv("NTDSB_PROVE") != nullptr; }

} // namespace ntdsb::service
