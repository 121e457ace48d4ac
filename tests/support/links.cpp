// See links.h.
#include "support/links.h"

#ifdef _WIN32
#include "support/start_process.h"

#include <string>
#endif

namespace ntdsb::test {
namespace {

namespace fs = std::filesystem;

#ifdef _WIN32

// What Unix calls `path`, between quotes; empty on Windows.
std::wstring unix_name(const fs::path& path) {
    using Function = char*(__cdecl*)(const wchar_t*);
    static const auto function = reinterpret_cast<Function>(reinterpret_cast<void (*)()>(
        GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "wine_get_unix_file_name")));
    char* const name = function ? function(path.c_str()) : nullptr;
    if (!name) return {};
    const std::wstring quoted = L'"' + fs::path(name).wstring() + L'"';
    HeapFree(GetProcessHeap(), 0, name);
    return quoted;
}

bool is_there(const fs::path& path) {
    return GetFileAttributesW(path.c_str()) != INVALID_FILE_ATTRIBUTES;
}

// Starts a program of Unix and waits until it has made `path` be there or not: Wine gives no handle
// to wait for.
bool run_unix(const std::wstring& line, const fs::path& path, bool there) {
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    start_process(L"Z:\\bin\\" + line.substr(0, line.find(L' ')), line, startup);
    for (int tries = 0; is_there(path) != there; ++tries) {
        if (tries == 10000) return false;
        Sleep(1);
    }
    return true;
}

bool make_link(const fs::path& target, const fs::path& path) {
    const DWORD kind = fs::is_directory(target) ? SYMBOLIC_LINK_FLAG_DIRECTORY : 0;
    const std::wstring from = unix_name(target);
    if (from.empty()) return CreateSymbolicLinkW(path.c_str(), target.c_str(), kind) != FALSE;
    return run_unix(L"ln -s -T " + from + L" " + unix_name(path), path, true);
}

void remove_link(const fs::path& path) {
    const std::wstring name = unix_name(path);
    if (!name.empty()) {
        run_unix(L"rm " + name, path, false);
    } else if (!DeleteFileW(path.c_str())) {
        RemoveDirectoryW(path.c_str());
    }
}

#else

bool make_link(const fs::path& target, const fs::path& path) {
    fs::create_symlink(target, path);
    return true;
}

void remove_link(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_symlink(path, ignored)) fs::remove(path, ignored);
}

#endif

} // namespace

Link::Link(const fs::path& target, fs::path path)
    : path_(std::move(path)), is_made_(make_link(target, path_)) {}
Link::~Link() {
    if (is_made_) remove_link(path_);
}

} // namespace ntdsb::test
