// The exports that need no handle (ntdsbcli.h): whether the directory runs, the number of the last
// backed-up log, the identity of the process.
#include "api/entry.h"

namespace ntdsb::api {

namespace {

template <class Form>
HRESULT is_online(std::string_view name, const typename Form::Char* server, BOOL* online) {
    trace(name, StringArgument<Form>{server}, online);
    store(online, FALSE);
    return run(name, [&]() -> Result<void> {
        NTDSB_CHECK(check_pointer(online, "pfNTDSOnline"));
        NTDSB_TRY(const auto server_name, read_server<Form>(server));
        NTDSB_TRY(const bool answer, client::is_directory_online(server_name));
        store(online, answer ? TRUE : FALSE);
        return ok();
    });
}

template <class Form>
HRESULT set_current_log(std::string_view name, const typename Form::Char* server, DWORD number) {
    trace(name, StringArgument<Form>{server}, std::uint32_t{number});
    return run(name, [&]() -> Result<void> {
        NTDSB_TRY(const auto server_name, read_server<Form>(server));
        return client::set_current_log_number(server_name, number);
    });
}

// NULL is empty where a user is given.
template <class Form>
Result<std::u16string> read_optional(const typename Form::Char* string, std::string_view argument) {
    if (string == nullptr) return std::u16string();
    return read_string<Form>(string, argument);
}

// Wipes the text at its end, also where memory ran out.
struct Wiped {
    std::u16string& text;
    ~Wiped() { platform::wipe(text.data(), text.size() * sizeof(char16_t)); }
};

// AUTH-1. The copy of the password made on the way is wiped.
template <class Form>
Result<platform::Secret> read_password(const typename Form::Char* password) {
    auto plain = read_optional<Form>(password, "szPassword");
    if (!plain) return fail(plain.error().code, "AUTH-1: szPassword cannot be read");
    const Wiped wiped{plain.value()};
    return platform::Secret::protect(plain.value());
}

template <class Form>
HRESULT set_identity(std::string_view name, const typename Form::Char* user,
                     const typename Form::Char* domain, const typename Form::Char* password) {
    trace(name, StringArgument<Form>{user}, StringArgument<Form>{domain});
    return run(name, [&]() -> Result<void> {
        if (user == nullptr && domain == nullptr && password == nullptr) {
            client::set_identity(std::nullopt);
            return ok();
        }
        NTDSB_TRY(auto user_name, read_string<Form>(user, "szUserName"));
        NTDSB_TRY(auto domain_name, read_optional<Form>(domain, "szDomainName"));
        NTDSB_TRY(auto secret, read_password<Form>(password));
        client::set_identity(transport::AuthIdentity{std::move(user_name), std::move(domain_name),
                                                     std::move(secret)});
        return ok();
    });
}

} // namespace
} // namespace ntdsb::api

using namespace ntdsb::api;

extern "C" {

HRESULT NTDSBCLI_API DsIsNTDSOnlineA(LPCSTR szServerName, BOOL* pfNTDSOnline) {
    return is_online<Ansi>("DsIsNTDSOnlineA", szServerName, pfNTDSOnline);
}
HRESULT NTDSBCLI_API DsIsNTDSOnlineW(LPCWSTR szServerName, BOOL* pfNTDSOnline) {
    return is_online<Wide>("DsIsNTDSOnlineW", szServerName, pfNTDSOnline);
}

HRESULT NTDSBCLI_API DsSetCurrentBackupLogA(LPCSTR szServerName, DWORD dwCurrentLog) {
    return set_current_log<Ansi>("DsSetCurrentBackupLogA", szServerName, dwCurrentLog);
}
HRESULT NTDSBCLI_API DsSetCurrentBackupLogW(LPCWSTR szServerName, DWORD dwCurrentLog) {
    return set_current_log<Wide>("DsSetCurrentBackupLogW", szServerName, dwCurrentLog);
}

HRESULT NTDSBCLI_API DsSetAuthIdentityA(LPCSTR szUserName, LPCSTR szDomainName, LPCSTR szPassword) {
    return set_identity<Ansi>("DsSetAuthIdentityA", szUserName, szDomainName, szPassword);
}
HRESULT NTDSBCLI_API DsSetAuthIdentityW(LPCWSTR szUserName, LPCWSTR szDomainName,
                                        LPCWSTR szPassword) {
    return set_identity<Wide>("DsSetAuthIdentityW", szUserName, szDomainName, szPassword);
}

} // extern "C"
