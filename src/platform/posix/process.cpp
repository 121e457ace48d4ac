// platform/process.h on POSIX systems. There is no elevation beside set-uid and no registry: the
// fixed places of design point 8 hold.
#include "platform/process.h"

#include "core/path.h"
#include "core/utf16.h"
#include "platform/posix/system_error.h"
#include "platform/trust.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace ntdsb::platform {
namespace {

// The names on those lines of /etc/hosts that name `host`: what the machine calls itself without
// asking a network.
std::vector<std::string> names_in_hosts_file(const std::string& host) {
    std::vector<std::string> names;
    std::ifstream hosts("/etc/hosts");
    for (std::string line; std::getline(hosts, line);) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string address;
        words >> address;
        std::vector<std::string> on_line;
        for (std::string name; words >> name;) on_line.push_back(name);
        if (std::find(on_line.begin(), on_line.end(), host) == on_line.end()) continue;
        names.insert(names.end(), on_line.begin(), on_line.end());
    }
    return names;
}

void add_name(std::vector<std::u16string>& names, std::string_view name) {
    std::u16string lower = wtf8_to_utf16(name);
    for (char16_t& c : lower) {
        if (c >= u'A' && c <= u'Z') c = static_cast<char16_t>(c - u'A' + u'a');
    }
    if (!lower.empty() && std::find(names.begin(), names.end(), lower) == names.end())
        names.push_back(std::move(lower));
}

} // namespace

ThreadStateKeeper::ThreadStateKeeper() noexcept : value_(static_cast<std::uint32_t>(errno)) {
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_);
}
ThreadStateKeeper::~ThreadStateKeeper() {
    ::pthread_setcancelstate(cancel_state_, nullptr);
    errno = static_cast<int>(value_);
}

void pin_module() noexcept {}

std::uint32_t process_id() noexcept { return static_cast<std::uint32_t>(::getpid()); }

std::uint64_t system_filetime() noexcept {
    constexpr std::uint64_t seconds_1601_to_1970 = 11644473600;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return (static_cast<std::uint64_t>(now.tv_sec) + seconds_1601_to_1970) * 10'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 100;
}

Result<void> random_bytes(std::span<std::byte> into) {
    while (!into.empty()) {
        const auto got = ::getrandom(into.data(), std::min<std::size_t>(into.size(), 256), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_error(errno, "get random bytes from the system");
        into = into.subspan(static_cast<std::size_t>(got));
    }
    return ok();
}

std::optional<std::u16string> environment(std::string_view name) {
    // Hosts that change their environment while threads run are on their own, as everywhere.
    const char* const value =
        std::getenv(std::string(name).c_str()); // NOLINT(concurrency-mt-unsafe)
    if (!value) return std::nullopt;
    return wtf8_to_utf16(value);
}

void set_environment(std::string_view name, std::u16string_view value) {
    // For the tool's own start, before it has threads. NOLINTNEXTLINE(concurrency-mt-unsafe)
    ::setenv(std::string(name).c_str(), utf16_to_wtf8(value).c_str(), 1);
}

bool environment_is_trusted() { return ::getauxval(AT_SECURE) == 0; }

std::u16string default_config_file() { return u"/etc/ntdsbcli/ntdsbcli.toml"; }
std::u16string default_state_folder() { return u"/var/lib/ntdsbcli"; }

std::vector<std::u16string> computer_names() {
    constexpr std::size_t longest_netbios_name = 15;
    utsname system{};
    std::vector<std::u16string> names;
    if (::uname(&system) != 0) return names;
    const std::string host = system.nodename;
    const std::string label = host.substr(0, host.find('.'));
    add_name(names, host);
    add_name(names, label);
    add_name(names, label.substr(0, longest_netbios_name));
    for (const std::string& name : names_in_hosts_file(host)) add_name(names, name);
    return names;
}

Result<void> check_right(Right) { return ok(); }

ThreadPrivileges::ThreadPrivileges() noexcept {
    (void)previous_;
    (void)active_;
}
ThreadPrivileges::~ThreadPrivileges() = default;

ThreadRights::~ThreadRights() = default;
Result<void> ThreadRights::of_this_thread() { return ok(); }
Result<void> ThreadRights::take_on() const {
    (void)token_;
    return ok();
}

Result<std::optional<TrustFacts>> trust_facts(const std::filesystem::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::optional<TrustFacts>();
        return errno_error(errno, "examine the owner of", path);
    }
    TrustFacts facts;
    facts.owner_trusted = status.st_uid == 0 || status.st_uid == ::geteuid();
    // The mode of a link means nothing. An access list's rights show in the group bits, as its
    // mask.
    facts.others_may_write =
        !S_ISLNK(status.st_mode) && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    facts.others_may_replace =
        facts.others_may_write && S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) == 0;
    return std::optional<TrustFacts>(facts);
}

bool trust_is_knowable() { return true; }

std::string trust_mend(const std::filesystem::path& path, TrustRole) {
    const auto name = wire_path(path);
    return text("Give it to root or to the service's user, and take away writing from group and "
                "others: chown root \"",
                name, "\"; chmod go-w \"", name, "\"");
}

std::string platform_marker() { return "posix"; }

} // namespace ntdsb::platform
