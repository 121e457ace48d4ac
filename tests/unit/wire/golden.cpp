// Reads the golden files. NTDSB_GOLDEN_FOLDER comes from the build.
#include "messages.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace ntdsb::wire::test {

Bytes golden(const std::string& name) {
    const auto file = std::string(NTDSB_GOLDEN_FOLDER "/") + name + ".hex";
    std::ifstream in(file);
    if (!in) throw std::runtime_error("cannot read " + file);
    Bytes bytes;
    for (std::string line; std::getline(in, line);) {
        std::istringstream pairs(line.substr(0, line.find('#')));
        for (std::string pair; pairs >> pair;) {
            std::size_t used = 0;
            const auto value = std::stoul(pair, &used, 16);
            if (pair.size() != 2 || used != 2)
                throw std::runtime_error(file + ": not a pair: " + pair);
            bytes.push_back(static_cast<std::byte>(value));
        }
    }
    return bytes;
}

} // namespace ntdsb::wire::test
