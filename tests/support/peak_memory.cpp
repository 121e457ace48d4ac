// See peak_memory.h.
#include "support/peak_memory.h"

#ifdef _WIN32
#include <windows.h>
// windows.h first
#include <psapi.h>
#else
#include <fstream>
#include <string>
#endif

namespace ntdsb::test {

#ifdef _WIN32

std::uint64_t peak_memory() {
    PROCESS_MEMORY_COUNTERS counters{};
    counters.cb = sizeof counters;
    K32GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters);
    return counters.PeakWorkingSetSize;
}

#else

std::uint64_t peak_memory() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        std::uint64_t kib = 0;
        if (word == "VmHWM:" && status >> kib) return kib * 1024;
    }
    return 0;
}

#endif

} // namespace ntdsb::test
