// Temporary folders: a fresh one per object, named by the process and a counter.
#include "support/temp_folder.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

namespace ntdsb::test {
namespace {

namespace fs = std::filesystem;

std::string process_number() {
#ifdef _WIN32
    return std::to_string(_getpid());
#else
    return std::to_string(::getpid());
#endif
}

fs::path base_folder() {
    const char* const chosen = std::getenv("NTDSB_TEST_TMP");
    const fs::path base = chosen && *chosen ? fs::path(chosen) : fs::path("test-tmp");
    fs::create_directories(base);
    return fs::canonical(base);
}

} // namespace

TempFolder::TempFolder() {
    static std::atomic<unsigned> counter{0};
    const fs::path base = base_folder();
    for (int attempt = 0; attempt < 10000;
         ++attempt) { // names may be left over from a process that was killed
        path_ = base / (process_number() + "-" + std::to_string(++counter));
        if (!fs::create_directory(path_)) continue;
#ifndef _WIN32
        fs::permissions(path_, fs::perms::owner_all);
#endif
        return;
    }
    throw std::runtime_error("no temporary folder can be made below " + base.string());
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

} // namespace ntdsb::test
