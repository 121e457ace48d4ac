// See big_database.h.
#include "support/big_database.h"

#include "support/ese_builder.h"

#include <cstring>
#include <fstream>
#include <stdexcept>

namespace ntdsb::test {

// From a few different pages: a page's number is in its first dword alone.
void write_big_database(const Path& path, std::uint64_t size) {
    constexpr std::uint32_t kinds = 64;
    constexpr std::size_t page_size = 8192;
    auto made = EseDatabase{}.page_size(page_size).pages(kinds).bytes();
    std::ofstream out(path, std::ios::binary);
    const auto write = [&](const std::byte* bytes, std::size_t count) {
        out.write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(count));
    };
    write(made.data(), 2 * page_size);
    for (std::uint32_t number = 1; number + 1 < size / page_size; ++number) {
        const std::uint32_t kind = (number - 1) % kinds + 1;
        std::byte* const page = made.data() + (kind + 1) * page_size;
        std::uint32_t dword = 0;
        std::memcpy(&dword, page, sizeof dword);
        const std::uint32_t numbered = dword ^ kind ^ number;
        std::memcpy(page, &numbered, sizeof numbered);
        write(page, page_size);
        std::memcpy(page, &dword, sizeof dword);
    }
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

} // namespace ntdsb::test
