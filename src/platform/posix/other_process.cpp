// platform/other_process.h on POSIX systems; what it tells comes from /proc and is unknown where
// there is none.
#include "platform/other_process.h"

#include "platform/posix/system_error.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include <dirent.h>
#include <sys/stat.h>

namespace ntdsb::platform {
namespace {

constexpr std::chrono::milliseconds pause{20};
constexpr std::chrono::seconds forced_end{5}; // a killed process may hang in the kernel

std::string folder_of(std::uint32_t process_id) { return text("/proc/", process_id); }

// Gone, or a zombie that only waits for its parent to ask: it holds nothing any more.
bool is_gone(pid_t process) {
    if (::kill(process, 0) != 0 && errno == ESRCH) return true;
    std::ifstream file(folder_of(static_cast<std::uint32_t>(process)) + "/stat");
    std::string content;
    std::getline(file, content);
    const auto name_end = content.rfind(") ");
    return name_end != std::string::npos && name_end + 2 < content.size() &&
           content[name_end + 2] == 'Z';
}

bool wait_until_gone(pid_t process, std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!is_gone(process)) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(pause);
    }
    return true;
}

} // namespace

std::string program_of(std::uint32_t process_id) {
    std::ifstream file(folder_of(process_id) + "/comm");
    std::string name;
    std::getline(file, name);
    return name;
}

std::optional<bool> has_open(std::uint32_t process_id, const Path& file) {
    struct stat wanted {};
    if (::stat(file.c_str(), &wanted) != 0) return std::nullopt;
    const std::string folder = folder_of(process_id) + "/fd";
    DIR* const entries = ::opendir(folder.c_str());
    if (entries == nullptr) return std::nullopt;
    bool found = false;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else has this stream
    while (const dirent* const entry = ::readdir(entries)) {
        struct stat open {};
        found = found || (::stat((folder + "/" + entry->d_name).c_str(), &open) == 0 &&
                          open.st_dev == wanted.st_dev && open.st_ino == wanted.st_ino);
    }
    ::closedir(entries);
    return found;
}

Result<void> end_process(std::uint32_t process_id, std::uint32_t grace_ms) {
    const auto process = static_cast<pid_t>(process_id);
    if (process <= 1) return fail(ERROR_INVALID_PARAMETER, "process ", process_id, " is none");
    for (const int signal : {SIGTERM, SIGKILL}) {
        if (::kill(process, signal) != 0)
            return errno == ESRCH ? fail(ERROR_FILE_NOT_FOUND, "there is no process ", process_id)
                                  : errno_error(errno, text("end process ", process_id));
        const auto patience = signal == SIGTERM ? std::chrono::milliseconds(grace_ms)
                                                : std::chrono::milliseconds(forced_end);
        if (wait_until_gone(process, patience)) return ok();
    }
    return fail(ERROR_GEN_FAILURE, "process ", process_id, " was killed and does not go");
}

} // namespace ntdsb::platform
