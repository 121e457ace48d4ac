// The rights of the calling thread's effective token (contract ACC-1).
#include "platform/process.h"

#include "platform/windows/system_error.h"

#include <cstring>

namespace ntdsb::platform {
namespace {

const wchar_t* privilege_name(Right right) {
    return right == Right::backup ? L"SeBackupPrivilege" : L"SeRestorePrivilege";
}

// The thread's token if it impersonates, else the process's. Opened as the process, so that an
// impersonated client need not be allowed to.
Result<Handle> effective_token(DWORD access) {
    Handle token;
    if (OpenThreadToken(GetCurrentThread(), access, TRUE, token.out())) return token;
    if (GetLastError() == ERROR_NO_TOKEN &&
        OpenProcessToken(GetCurrentProcess(), access, token.out()))
        return token;
    return system_error(GetLastError(), "open the calling thread's token");
}

bool is_administrator() {
    BYTE memory[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof memory;
    BOOL is_member = FALSE;
    // A null token means the effective one.
    return CreateWellKnownSid(WinBuiltinAdministratorsSid, nullptr, memory, &size) &&
           CheckTokenMembership(nullptr, memory, &is_member) && is_member;
}

// Whether the token holds the privilege, enabled or not.
Result<bool> holds_privilege(HANDLE token, const LUID& wanted) {
    DWORD size = 0;
    GetTokenInformation(token, TokenPrivileges, nullptr, 0, &size);
    std::vector<std::byte> memory(size);
    if (size < sizeof(DWORD) ||
        !GetTokenInformation(token, TokenPrivileges, memory.data(), size, &size)) {
        return system_error(GetLastError(), "read the privileges of the calling thread's token");
    }
    const auto* privileges = reinterpret_cast<const TOKEN_PRIVILEGES*>(memory.data());
    for (DWORD i = 0; i < privileges->PrivilegeCount; ++i) {
        if (std::memcmp(&privileges->Privileges[i].Luid, &wanted, sizeof wanted) == 0) return true;
    }
    return false;
}

Result<LUID> privilege_value(Right right) {
    LUID value{};
    if (!LookupPrivilegeValueW(nullptr, privilege_name(right), &value)) {
        return system_error(GetLastError(), text("look up ", from_wide(privilege_name(right))));
    }
    return value;
}

// False: it is not held.
bool enable_privilege(const Handle& token, Right right) {
    const auto value = privilege_value(right);
    if (!value) return false;
    TOKEN_PRIVILEGES enable{};
    enable.PrivilegeCount = 1;
    enable.Privileges[0].Luid = value.value();
    enable.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    return AdjustTokenPrivileges(token.get(), FALSE, &enable, 0, nullptr, nullptr) &&
           GetLastError() != ERROR_NOT_ALL_ASSIGNED;
}

// A copy of the effective token that the thread can impersonate with both privileges enabled, or
// the one that is held; none if neither is.
Handle token_with_privileges(const Handle& token) {
    Handle copy;
    if (!DuplicateTokenEx(token.get(), TOKEN_QUERY | TOKEN_IMPERSONATE | TOKEN_ADJUST_PRIVILEGES,
                          nullptr, SecurityImpersonation, TokenImpersonation, copy.out()))
        return Handle();
    const bool may_read = enable_privilege(copy, Right::backup);
    const bool may_write = enable_privilege(copy, Right::restore);
    return may_read || may_write ? std::move(copy) : Handle();
}

} // namespace

Result<void> check_right(Right right) {
    if (is_administrator()) return ok();
    NTDSB_TRY(const auto token, effective_token(TOKEN_QUERY));
    NTDSB_TRY(const auto wanted, privilege_value(right));
    NTDSB_TRY(const bool is_held, holds_privilege(token.get(), wanted));
    if (is_held) return ok();
    return fail(ERROR_ACCESS_DENIED, "the caller is no member of Administrators and does not hold ",
                from_wide(privilege_name(right)), ", one of which a ",
                right == Right::backup ? "backup" : "restore",
                " needs; run it elevated or as a backup operator");
}

ThreadPrivileges::ThreadPrivileges() noexcept {
    const ThreadStateKeeper keeper;
    try {
        Handle previous;
        const bool impersonates =
            OpenThreadToken(GetCurrentThread(), TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_IMPERSONATE,
                            TRUE, previous.out()) != 0;
        if (!impersonates && GetLastError() != ERROR_NO_TOKEN) return; // could not be put back
        const auto token = effective_token(TOKEN_QUERY | TOKEN_DUPLICATE);
        if (!token) return;
        const Handle privileged = token_with_privileges(token.value());
        if (!privileged || !SetThreadToken(nullptr, privileged.get())) return;
        previous_ = previous.release();
        active_ = true;
    } catch (const std::bad_alloc&) { // without the privileges, the rights on the files decide
    }
}

ThreadPrivileges::~ThreadPrivileges() {
    if (!active_) return;
    const ThreadStateKeeper keeper;
    const Handle previous(static_cast<HANDLE>(previous_));
    SetThreadToken(nullptr, previous.get());
}

ThreadRights::~ThreadRights() { const Handle closed(static_cast<HANDLE>(token_)); }

Result<void> ThreadRights::of_this_thread() {
    Handle token;
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_IMPERSONATE, TRUE, token.out()) &&
        GetLastError() != ERROR_NO_TOKEN)
        return system_error(GetLastError(), "open the calling thread's token");
    token_ = token.release();
    return ok();
}

Result<void> ThreadRights::take_on() const {
    if (token_ != nullptr && !SetThreadToken(nullptr, static_cast<HANDLE>(token_)))
        return system_error(GetLastError(), "take on the calling thread's token");
    return ok();
}

} // namespace ntdsb::platform
