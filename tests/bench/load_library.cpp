// What loading and unloading the DLL costs beside a trivial one:
//
//     load_library PEER.DLL MEASURED.DLL
#include "measure.h"

#include <windows.h>

namespace {

void load_and_free(const char* path) {
    const HMODULE dll = LoadLibraryA(path);
    if (dll != nullptr && FreeLibrary(dll)) return;
    std::fprintf(stderr, "load_library: %s cannot be loaded: error %lu\n", path, GetLastError());
    std::exit(1);
}

} // namespace

int main(int argc, char** argv) {
    using namespace ntdsb::bench;
    if (argc != 3) {
        std::fprintf(stderr, "usage: load_library PEER.DLL MEASURED.DLL\n");
        return 2;
    }
    report({"Loading", "LoadLibrary and FreeLibrary", "of a trivial DLL", "ms"},
           by_turns(Work{[&] { load_and_free(argv[2]); }, 1},
                    Work{[&] { load_and_free(argv[1]); }, 1}));
    return 0;
}
