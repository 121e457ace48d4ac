// Acquiring credentials by GSSAPI (gss_credentials.h).
#include "rpc/gss_credentials.h"

#include "core/text.h"
#include "core/utf16.h"
#include "platform/process.h"
#include "rpc/system_security.h"

#include <gssapi/gssapi_krb5.h>

#include <array>
#include <map>
#include <mutex>
#include <utility>

namespace ntdsb::rpc {

namespace gss {

namespace {

// SPNEGO would try whatever mechanisms this computer has.
Result<void> allow_only_known(Credential& credential, bool also_kerberos) {
    std::array<gss_OID_desc, 2> known{*ntlm(), *kerberos()};
    if (also_kerberos) std::swap(known[0], known[1]);
    gss_OID_set_desc set{also_kerberos ? std::size_t{2} : std::size_t{1}, known.data()};
    Status status;
    status.major = gss_set_neg_mechs(&status.minor, credential.get(), &set);
    if (status.major != GSS_S_COMPLETE)
        return error_of("the mechanisms to negotiate cannot be chosen", status, spnego());
    return ok();
}

struct Acquired {
    Credential credential;
    bool has_kerberos = false;
};

Result<Acquired> acquire(AuthType type, gss_cred_usage_t usage) {
    std::array<gss_OID_desc, 3> mechanisms{*mechanism_of(type), *ntlm(), *kerberos()};
    // Some peers' Negotiate is a bare token of a mechanism, without SPNEGO around it.
    const bool also_bare = usage == GSS_C_ACCEPT && type == AuthType::negotiate;
    gss_OID_set_desc wanted{also_bare ? mechanisms.size() : std::size_t{1}, mechanisms.data()};
    Acquired acquired;
    OidSet found;
    Status status;
    status.major = gss_acquire_cred(&status.minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &wanted, usage,
                                    acquired.credential.out(), found.out(), nullptr);
    if (status.major != GSS_S_COMPLETE)
        return error_of(usage == GSS_C_ACCEPT ? "the service has no credentials to accept this with"
                                              : "this process has no credentials",
                        status, mechanism_of(type), usage == GSS_C_INITIATE);
    int has_kerberos = 0;
    OM_uint32 ignored = 0;
    gss_test_oid_set_member(&ignored, kerberos(), found.get(), &has_kerberos);
    acquired.has_kerberos = has_kerberos != 0;
    if (type == AuthType::negotiate) NTDSB_CHECK(allow_only_known(acquired.credential, true));
    return acquired;
}

SharedCredential shared(Credential credential) {
    return std::make_shared<const Credential>(std::move(credential));
}

// How the two mechanisms are told who it is: "DOMAIN\user" is NTLM's, "user@REALM" Kerberos', and
// NTLM takes that one, too.
struct UserName {
    std::string name;
    bool fits_kerberos = false;
};

Result<UserName> user_name(AuthType type, const platform::AuthIdentity& identity) {
    NTDSB_TRY(const std::string user, utf16_to_utf8(identity.user));
    NTDSB_TRY(const std::string domain, utf16_to_utf8(identity.domain));
    if (user.find('\0') != std::string::npos || domain.find('\0') != std::string::npos)
        return fail(ERROR_INVALID_PARAMETER, "AUTH-2: a user's name has a NUL in it");
    const bool has_realm = user.find('@') != std::string::npos;
    if (domain.empty()) return UserName{user, has_realm || type == AuthType::kerberos};
    // A domain without a dot is a NetBIOS name, which is no realm.
    const bool is_dns_name = domain.find('.') != std::string::npos;
    if (type == AuthType::kerberos || (type == AuthType::negotiate && is_dns_name))
        return UserName{text(user, "@", domain), true};
    return UserName{text(domain, "\\", user), false};
}

// In UTF-8; no piece of it stays anywhere.
class PlainPassword {
public:
    explicit PlainPassword(std::u16string_view plain) {
        utf8_.reserve(most_utf8_size(plain));
        is_text_ = bool(append_utf8(utf8_, plain));
    }
    ~PlainPassword() { platform::wipe(utf8_.data(), utf8_.size()); }
    PlainPassword(const PlainPassword&) = delete;
    PlainPassword& operator=(const PlainPassword&) = delete;
    bool is_text() const { return is_text_; }
    std::string_view utf8() const { return utf8_; }

private:
    std::string utf8_;
    bool is_text_ = false;
};

Result<Credential> acquire_with_password(AuthType type, const platform::AuthIdentity& identity) {
    NTDSB_TRY(const UserName user, user_name(type, identity));
    Name name;
    Status status;
    gss_buffer_desc name_text = view(user.name);
    status.major = gss_import_name(&status.minor, &name_text, GSS_C_NT_USER_NAME, name.out());
    if (status.major != GSS_S_COMPLETE)
        return error_of("the user's name cannot be used", status, GSS_C_NO_OID);
    Credential credential;
    gss_OID_set_desc wanted{1, mechanism_of(type)};
    Result<void> converted = ok();
    NTDSB_CHECK(identity.password.reveal([&](std::u16string_view plain) {
        PlainPassword password(plain);
        if (!password.is_text()) {
            converted = fail(ERROR_ACCESS_DENIED, "the password is no text");
            return;
        }
        gss_buffer_desc password_text = view(password.utf8());
        status.major = gss_acquire_cred_with_password(&status.minor, name.get(), &password_text,
                                                      GSS_C_INDEFINITE, &wanted, GSS_C_INITIATE,
                                                      credential.out(), nullptr, nullptr);
    }));
    NTDSB_CHECK(converted);
    if (status.major != GSS_S_COMPLETE)
        return error_of("the credentials of DsSetAuthIdentity cannot be used", status,
                        mechanism_of(type), true);
    if (type == AuthType::negotiate) NTDSB_CHECK(allow_only_known(credential, user.fits_kerberos));
    return credential;
}

std::string setting(std::string_view variable, std::string_view otherwise) {
    const auto value = platform::environment(variable);
    return value ? text(*value) : std::string(otherwise);
}

} // namespace

// Acquired once for all callers, since gss-ntlmssp keeps some memory of each acquiring for ever.
// What is in a keytab is looked up anew for each caller; one that comes to be later makes
// acquiring anew worth it.
Result<SharedCredential> acceptor_credential(AuthType type) {
    struct Known {
        SharedCredential credential;
        bool has_kerberos;
    };
    static std::mutex mutex;
    static std::map<AuthType, Known>& all_known = *new std::map<AuthType, Known>;
    const std::lock_guard lock(mutex);
    if (const auto known = all_known.find(type); known != all_known.end()) {
        if (type == AuthType::ntlm || known->second.has_kerberos ||
            !acquire(AuthType::kerberos, GSS_C_ACCEPT))
            return known->second.credential;
    }
    NTDSB_TRY(Acquired acquired, acquire(type, GSS_C_ACCEPT));
    const SharedCredential credential = shared(std::move(acquired.credential));
    all_known.insert_or_assign(type, Known{credential, acquired.has_kerberos});
    return credential;
}

Result<SharedCredential> initiator_credential(AuthType type,
                                              const platform::AuthIdentity* identity) {
    if (identity != nullptr) {
        NTDSB_TRY(Credential credential, acquire_with_password(type, *identity));
        return shared(std::move(credential));
    }
    NTDSB_TRY(Acquired acquired, acquire(type, GSS_C_INITIATE));
    return shared(std::move(acquired.credential));
}

Result<Name> service_name(AuthType type, std::string_view principal) {
    std::string written(principal);
    gss_OID kind = GSS_C_NT_HOSTBASED_SERVICE;
    const auto slash = written.find('/');
    if (type == AuthType::kerberos || written.find('@') != std::string::npos ||
        slash == std::string::npos)
        kind = const_cast<gss_OID>(GSS_KRB5_NT_PRINCIPAL_NAME);
    else
        written[slash] = '@';
    gss_buffer_desc buffer = view(written);
    Name name;
    Status status;
    status.major = gss_import_name(&status.minor, &buffer, kind, name.out());
    if (status.major != GSS_S_COMPLETE)
        return error_of(text("the principal ", printable(principal), " cannot be used"), status,
                        kerberos());
    return name;
}

} // namespace gss

// What gss-ntlmssp's credentials are must not be asked: gss_inquire_cred crashes in its version 1.2.
std::vector<AcceptorCredential> acceptor_credentials() {
    std::vector<AcceptorCredential> all;
    for (const auto& [name, type] :
         {std::pair{"Kerberos", AuthType::kerberos}, std::pair{"NTLM", AuthType::ntlm}}) {
        AcceptorCredential one{name, false, {}};
        const auto credential = gss::acquire(type, GSS_C_ACCEPT);
        one.is_usable = bool(credential);
        if (!credential)
            one.what = credential.error().what;
        else if (type == AuthType::kerberos)
            one.what = text("keytab ", gss::setting("KRB5_KTNAME", "of the system"));
        else
            one.what = text("users of ", gss::setting("NTLM_USER_FILE", "winbind, where it runs"));
        all.push_back(std::move(one));
    }
    return all;
}

} // namespace ntdsb::rpc
