// Authenticated callers (gss_identity.h).
#include "rpc/gss_identity.h"

#include "core/text.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace ntdsb::rpc::gss {

namespace {

bool equal_without_ascii_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::ranges::equal(a, b, {}, lower, lower);
}

// Asks the system's databases of users with as much memory as the answer takes: a group may have
// very many members.
template <class Ask>
bool ask_database(std::vector<char>& memory, Ask ask) {
    constexpr std::size_t most = std::size_t{64} * 1024 * 1024;
    for (memory.resize(65536); memory.size() <= most; memory.resize(4 * memory.size())) {
        if (const int error = ask(); error != ERANGE) return error == 0;
    }
    return false;
}

bool is_in_group(const std::string& user, const std::string& group) {
    std::vector<char> memory;
    passwd account{};
    passwd* found_account = nullptr;
    if (!ask_database(memory,
                      [&] {
                          return ::getpwnam_r(user.c_str(), &account, memory.data(), memory.size(),
                                              &found_account);
                      }) ||
        found_account == nullptr)
        return false;
    std::vector<char> group_memory;
    ::group entry{};
    ::group* found_group = nullptr;
    if (!ask_database(group_memory,
                      [&] {
                          return ::getgrnam_r(group.c_str(), &entry, group_memory.data(),
                                              group_memory.size(), &found_group);
                      }) ||
        found_group == nullptr)
        return false;
    std::vector<gid_t> groups(256);
    int count = static_cast<int>(groups.size());
    if (::getgrouplist(account.pw_name, account.pw_gid, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(std::max(count, 0)));
        if (::getgrouplist(account.pw_name, account.pw_gid, groups.data(), &count) < 0)
            return false;
    }
    groups.resize(static_cast<std::size_t>(std::max(count, 0)));
    return std::ranges::find(groups, entry.gr_gid) != groups.end();
}

class GssIdentity final : public Identity {
public:
    GssIdentity(std::string raw, bool is_kerberos, std::string local_user)
        : Identity(printable(raw), is_kerberos ? "Kerberos" : "NTLM"), raw_(std::move(raw)),
          is_kerberos_(is_kerberos), local_user_(std::move(local_user)) {}

    // The mechanism decides which form an entry must have, since a user of one may be named like a
    // user of the other.
    bool is(std::string_view principal) const override {
        constexpr std::string_view group = "group:";
        if (principal.starts_with(group))
            return !local_user_.empty() &&
                   is_in_group(local_user_, std::string(principal.substr(group.size())));
        const auto backslash = principal.find('\\');
        if (is_kerberos_) return backslash == std::string_view::npos && principal == raw_;
        const auto own = raw_.find('\\');
        if (backslash == std::string_view::npos || own == std::string::npos) return false;
        const std::string_view mine = raw_;
        return principal.substr(0, backslash) == mine.substr(0, own) &&
               equal_without_ascii_case(principal.substr(backslash + 1), mine.substr(own + 1));
    }

private:
    std::string raw_;
    bool is_kerberos_;
    std::string local_user_; // of this computer; empty: none
};

} // namespace

Result<std::shared_ptr<const Identity>> identity_of(const Name& source, bool is_kerberos) {
    Status status;
    Buffer shown;
    gss_OID kind = GSS_C_NO_OID;
    status.major = gss_display_name(&status.minor, source.get(), shown.out(), &kind);
    if (status.major != GSS_S_COMPLETE || shown.text().empty())
        return error_of("the caller's name cannot be told", status, GSS_C_NO_OID);
    if (kind != GSS_C_NO_OID && is_same(kind, GSS_C_NT_ANONYMOUS))
        return fail(ERROR_ACCESS_DENIED, "the caller has authenticated as nobody (anonymous)");
    std::string name(shown.text());
    if (name.back() == '\0') name.pop_back(); // gss-ntlmssp counts it
    if (name.empty() || name.find('\0') != std::string::npos)
        return fail(ERROR_ACCESS_DENIED, "the caller's name is none");
    // As winbind names its accounts. A name without a domain is nobody's here: it might be that
    // of a local account.
    std::string local_user = name.find('\\') == std::string::npos ? std::string() : name;
    if (is_kerberos) {
        Buffer local;
        local_user.clear();
        if (gss_localname(&status.minor, source.get(), kerberos(), local.out()) == GSS_S_COMPLETE)
            local_user = local.text();
    }
    return std::shared_ptr<const Identity>(
        std::make_shared<GssIdentity>(name, is_kerberos, std::move(local_user)));
}

} // namespace ntdsb::rpc::gss
