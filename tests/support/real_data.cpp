// See real_data.h.
#include "support/real_data.h"

#include <cstdlib>
#include <string>

namespace ntdsb::test {

std::optional<std::filesystem::path> real_database(std::string_view name) {
    const char* const chosen = std::getenv("NTDSB_REAL_DATA_UNPACKED");
    const std::filesystem::path folder =
        chosen != nullptr && *chosen != '\0' ? chosen : NTDSB_REAL_DATA_FOLDER;
    const auto file = folder / (std::string(name) + ".edb");
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
    return file;
}

} // namespace ntdsb::test
