// The targets under libFuzzer (./dev fuzz): NTDSB_FUZZ_TARGET names the one that runs, which also
// reaches the processes that libFuzzer starts itself.
#include "fuzz/fuzz.h"

#include <cstdio>
#include <cstdlib>

namespace {

const ntdsb::fuzz::Target& chosen() {
    static const auto* const target = [] {
        const char* const name = std::getenv("NTDSB_FUZZ_TARGET");
        const auto* const found = ntdsb::fuzz::find_target(name != nullptr ? name : "");
        if (found != nullptr) return found;
        std::fprintf(stderr, "NTDSB_FUZZ_TARGET must be one of");
        for (const auto& one : ntdsb::fuzz::targets()) std::fprintf(stderr, " %s", one.name.data());
        std::fprintf(stderr, "\n");
        std::exit(2);
    }();
    return *target;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    chosen().run({reinterpret_cast<const std::byte*>(data), size});
    return 0;
}
