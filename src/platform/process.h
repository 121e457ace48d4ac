// This process, its host's state and its caller: rights, environment, module, last error, clock.
// Twins in windows/ and posix/.
#pragma once

#include "platform/file.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ntdsb::platform {

// What a call leaves to its host's thread as it was (contract ABI-10): the last-error value
// (GetLastError; errno elsewhere). Off Windows the thread is not cancelled meanwhile, either:
// pthread_cancel unwinds it by an exception that nobody may catch, and everything here catches.
class ThreadStateKeeper {
public:
    ThreadStateKeeper() noexcept;
    ~ThreadStateKeeper();
    ThreadStateKeeper(const ThreadStateKeeper&) = delete;
    ThreadStateKeeper& operator=(const ThreadStateKeeper&) = delete;

private:
    std::uint32_t value_;
    [[maybe_unused]] int cancel_state_ = 0;
};

// Keeps this module loaded until the process ends, as session handles need (design point 10): a
// call that its handle's End has abandoned (COM-11) still runs here when the host unloads the DLL.
// Does nothing off Windows, where the library is linked with -z nodelete.
void pin_module() noexcept;

std::uint32_t process_id() noexcept;
// Time of day, as 100 ns units since 1601-01-01 UTC (FILETIME).
std::uint64_t now_filetime() noexcept;
// The same from the system itself, past the seam below.
std::uint64_t system_filetime() noexcept;
// Test seam: what now_filetime asks, so that a test's clock may jump. Null: the system.
using Clock = std::uint64_t (*)();
void set_clock(Clock clock) noexcept;
// "2026-11-23T05:55:45Z"
std::string format_filetime(std::uint64_t filetime);
// 16 random bytes from the system's generator, for context handles.
Result<void> random_bytes(std::span<std::byte> into);

// An environment variable; std::nullopt if unset. Windows: read with GetEnvironmentVariableW, so
// that SetEnvironmentVariable is seen.
std::optional<std::u16string> environment(std::string_view name);
// Sets one for this process and what it loads. Not while another thread may read the environment.
void set_environment(std::string_view name, std::u16string_view value);
// Whether environment variables may choose configuration: the process has no more rights than its
// user (not elevated, not set-uid), or the administrator allowed it (AllowEnvironment = 1 beside
// ConfigFile) (design point 8).
bool environment_is_trusted();
// Where the configuration file is when nothing says otherwise: registry value ConfigFile, else the
// platform's default place.
std::u16string default_config_file();
std::u16string default_state_folder();

// This computer's names in lower case, as far as a look-up without network tells: NetBIOS, DNS host
// and fully qualified names.
std::vector<std::u16string> computer_names();

enum class Right { backup, restore };
// Contract ACC-1 (Windows): membership in Administrators or the held privilege, in the effective
// token of the calling thread; otherwise ERROR_ACCESS_DENIED that says what is missing. ACC-2
// (elsewhere): success; the rights on files decide.
Result<void> check_right(Right right);

// Enables SE_BACKUP and SE_RESTORE, those that are held, for its lifetime on a temporary thread
// token only (ACC-1). Both in any case: a backup writes locks, a restore reads databases. Does
// nothing elsewhere.
class ThreadPrivileges {
public:
    ThreadPrivileges() noexcept;
    ~ThreadPrivileges(); // NOLINT(performance-trivially-destructible): not on Windows
    ThreadPrivileges(const ThreadPrivileges&) = delete;
    ThreadPrivileges& operator=(const ThreadPrivileges&) = delete;

private:
    void* previous_ = nullptr;
    bool active_ = false;
};

// Whose rights a thread works with, for a thread that works on its behalf: its impersonation token.
// Does nothing off Windows, where a thread begins with its maker's.
class ThreadRights {
public:
    ThreadRights() noexcept = default;
    ~ThreadRights(); // NOLINT(performance-trivially-destructible): not on Windows
    ThreadRights(const ThreadRights&) = delete;
    ThreadRights& operator=(const ThreadRights&) = delete;

    // Takes note of the calling thread's; once.
    Result<void> of_this_thread();
    // The calling thread works with what was noted, until it ends.
    Result<void> take_on() const;

private:
    void* token_ = nullptr; // null: the process's own
};

// Design point 8, trust: `path` and all its parent folders are owned by, and writable only for,
// administrators (root or this user elsewhere). Parents that others may write are accepted off
// Windows only with the sticky bit. Otherwise ERROR_ACCESS_DENIED that names the folder and the
// mend. Under Wine, whose owner and ACL answers are synthetic, success.
Result<void> check_trusted(const Path& path);

// "posix", "windows" or "wine <prefix>": what a state directory is bound to, since the kinds do not
// see each other's locks (design point 9).
std::string platform_marker();

} // namespace ntdsb::platform
