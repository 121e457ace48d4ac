// run_child on POSIX systems: all our descriptors are close-on-exec, and the child clears that on
// the one it shall keep.
#include "platform/child.h"

#include "core/utf16.h"
#include "platform/posix/system_error.h"

#include <cerrno>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ntdsb::platform {
namespace {

struct Actions {
    posix_spawn_file_actions_t value;
    int error = ::posix_spawn_file_actions_init(&value);
    ~Actions() {
        if (error == 0) ::posix_spawn_file_actions_destroy(&value);
    }
};

} // namespace

Result<int> run_child(const std::vector<std::u16string>& arguments, NativeHandle inherited,
                      bool& was_started) {
    was_started = false;
    if (arguments.empty()) return fail(ERROR_INVALID_PARAMETER, "there is no program to run");
    std::vector<std::string> words;
    words.reserve(arguments.size());
    for (const auto& argument : arguments) words.push_back(utf16_to_wtf8(argument));
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);

    Actions actions;
    // A descriptor duplicated onto itself loses close-on-exec: POSIX.1-2024, and glibc long since.
    if (actions.error == 0)
        actions.error = ::posix_spawn_file_actions_adddup2(&actions.value, inherited, inherited);
    if (actions.error != 0) return errno_error(actions.error, "prepare a child process");
    pid_t child = 0;
    if (const int error =
            ::posix_spawnp(&child, argv[0], &actions.value, nullptr, argv.data(), environ);
        error != 0) {
        return errno_error(error, text("run ", words[0]));
    }
    was_started = true;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return errno_error(errno, text("wait for ", words[0]));
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace ntdsb::platform
