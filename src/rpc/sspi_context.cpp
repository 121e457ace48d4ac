// Security contexts over Windows' SSPI (system_security.h): its packages Negotiate, NTLM and
// Kerberos.
#include "rpc/system_security.h"

#include "core/text.h"
#include "core/utf16.h"
#include "platform/secret.h"
#include "platform/windows/system_error.h"
#include "platform/windows/system_function.h"

#ifndef SECURITY_WIN32
#define SECURITY_WIN32
#endif
#include <security.h>

#include <sddl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace ntdsb::rpc {

namespace {

using platform::from_wide;
using platform::Handle;

// The system's security functions; all but acquiring credentials come behind load_sspi.
std::atomic<const SecurityFunctionTableW*> loaded_sspi{nullptr};
const SecurityFunctionTableW& sspi() { return *loaded_sspi.load(); }

Result<void> load_sspi() {
    if (loaded_sspi != nullptr) return ok();
    static platform::SystemFunction<decltype(::InitSecurityInterfaceW)> interface_of_system(
        L"secur32.dll", "InitSecurityInterfaceW");
    NTDSB_TRY(const auto get, interface_of_system.get());
    const SecurityFunctionTableW* const table = get();
    if (table == nullptr) return fail(ERROR_ACCESS_DENIED, "the system has no security functions");
    loaded_sspi = table;
    return ok();
}

const wchar_t* package_of(AuthType type) {
    switch (type) {
    case AuthType::ntlm:
        return L"NTLM";
    case AuthType::kerberos:
        return L"Kerberos";
    default:
        return L"Negotiate";
    }
}

// Every refusal is one of rights to the caller; the sentence says which.
Error sspi_error(std::string_view attempted, SECURITY_STATUS status) {
    std::string_view hint;
    if (status == SEC_E_NO_CREDENTIALS || status == SEC_E_UNKNOWN_CREDENTIALS)
        hint = "; log on with an account that the service knows, or call DsSetAuthIdentity";
    else if (status == SEC_E_CONTEXT_EXPIRED)
        hint = "; log on again";
    else if (status == SEC_E_UNSUPPORTED_FUNCTION)
        hint = "; this system cannot (Wine does less than Windows)";
    const Error said = platform::system_error(static_cast<DWORD>(status), attempted);
    // No KDC or domain controller answers: nothing was refused.
    if (status == SEC_E_NO_AUTHENTICATING_AUTHORITY) return fail(hrCouldNotConnect, said.what);
    return fail(ERROR_ACCESS_DENIED, said.what, hint);
}

struct Credentials {
    Credentials() = default;
    Credentials(Credentials&& other) noexcept
        : handle(other.handle), max_token(other.max_token),
          is_held(std::exchange(other.is_held, false)) {}
    Credentials& operator=(Credentials&&) = delete;
    ~Credentials() {
        if (is_held) sspi().FreeCredentialsHandle(&handle);
    }
    CredHandle handle{};
    std::size_t max_token = 0; // octets of the package's longest one
    bool is_held = false;
};

// An identity's strings as SSPI takes them; the password goes with the object.
class PlainIdentity {
public:
    PlainIdentity(const platform::AuthIdentity& identity, std::u16string_view password)
        : user_(identity.user), domain_(identity.domain), password_(password) {
        identity_.User = raw(user_);
        identity_.UserLength = static_cast<unsigned long>(user_.size());
        identity_.Domain = raw(domain_);
        identity_.DomainLength = static_cast<unsigned long>(domain_.size());
        identity_.Password = raw(password_);
        identity_.PasswordLength = static_cast<unsigned long>(password_.size());
        identity_.Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE;
    }
    ~PlainIdentity() { platform::wipe(password_.data(), password_.size() * sizeof(char16_t)); }
    PlainIdentity(const PlainIdentity&) = delete;
    PlainIdentity& operator=(const PlainIdentity&) = delete;
    SEC_WINNT_AUTH_IDENTITY_W* get() { return &identity_; }

private:
    static unsigned short* raw(std::u16string& text) {
        return reinterpret_cast<unsigned short*>(text.data());
    }
    std::u16string user_;
    std::u16string domain_;
    std::u16string password_;
    SEC_WINNT_AUTH_IDENTITY_W identity_{};
};

Result<Credentials> acquire(AuthType type, unsigned long use, SEC_WINNT_AUTH_IDENTITY_W* identity) {
    NTDSB_CHECK(load_sspi());
    auto* const package = const_cast<wchar_t*>(package_of(type));
    SecPkgInfoW* about = nullptr;
    SECURITY_STATUS status = sspi().QuerySecurityPackageInfoW(package, &about);
    if (status != SEC_E_OK)
        return sspi_error(text("find the system's mechanism ", from_wide(package)), status);
    Credentials credentials;
    credentials.max_token = about->cbMaxToken;
    sspi().FreeContextBuffer(about);
    TimeStamp expiry;
    status = sspi().AcquireCredentialsHandleW(nullptr, package, use, nullptr, identity, nullptr,
                                              nullptr, &credentials.handle, &expiry);
    if (status != SEC_E_OK)
        return sspi_error(use == SECPKG_CRED_INBOUND
                              ? "get the service's credentials"
                              : "get the credentials to authenticate to the service with",
                          status);
    credentials.is_held = true;
    return credentials;
}

Result<Credentials> acquire_with_password(AuthType type, const platform::AuthIdentity& identity) {
    std::optional<Result<Credentials>> credentials;
    NTDSB_CHECK(identity.password.reveal([&](std::u16string_view password) {
        PlainIdentity plain(identity, password);
        credentials.emplace(acquire(type, SECPKG_CRED_OUTBOUND, plain.get()));
    }));
    return std::move(*credentials);
}

// A caller, by the token that the system made of it.
class TokenIdentity final : public Identity {
public:
    TokenIdentity(std::string name, std::string mechanism, Handle token)
        : Identity(std::move(name), std::move(mechanism)), token_(std::move(token)) {}

    // Users and groups alike, by their SIDs in the caller's token.
    bool is(std::string_view principal) const override {
        constexpr std::string_view group = "group:";
        if (principal.starts_with(group)) principal.remove_prefix(group.size());
        const auto name = utf8_to_utf16(principal);
        if (!name) return false;
        std::array<BYTE, SECURITY_MAX_SID_SIZE> sid;
        std::array<wchar_t, 256> domain;
        DWORD sid_size = sid.size();
        DWORD domain_size = domain.size();
        SID_NAME_USE use{};
        BOOL is_member = FALSE;
        return ::LookupAccountNameW(nullptr, reinterpret_cast<const wchar_t*>(name.value().c_str()),
                                    sid.data(), &sid_size, domain.data(), &domain_size, &use) &&
               ::CheckTokenMembership(token_.get(), sid.data(), &is_member) && is_member;
    }

private:
    Handle token_;
};

class SspiContext : public SecurityContext {
public:
    SspiContext(Protection level, Credentials credentials)
        : level_(level), credentials_(std::move(credentials)) {}
    ~SspiContext() override {
        if (is_held_) sspi().DeleteSecurityContext(&context_);
    }

    bool is_complete() const override { return complete_; }
    std::shared_ptr<const Identity> peer() const override { return peer_; }
    std::size_t token_size() const override { return token_size_; }
    Result<void> sign_headers(bool negotiated) override {
        if (!negotiated && is_kerberos_) return headers_unsigned();
        signs_headers_ = true;
        return ok();
    }

    Result<std::size_t> protect(const FragmentParts& fragment,
                                std::span<std::byte> token) override {
        auto buffers = buffers_of(fragment, token);
        SecBufferDesc all{SECBUFFER_VERSION, static_cast<unsigned long>(buffers.size()),
                          buffers.data()};
        const SECURITY_STATUS status = level_ == Protection::privacy
                                           ? sspi().EncryptMessage(&context_, 0, &all, 0)
                                           : sspi().MakeSignature(&context_, 0, &all, 0);
        if (status != SEC_E_OK) return sspi_error("protect a fragment", status);
        return std::min<std::size_t>(buffers.back().cbBuffer, token.size());
    }

    Result<void> unprotect(const FragmentParts& fragment,
                           std::span<const std::byte> token) override {
        Bytes token_copy(token.begin(), token.end());
        auto buffers = buffers_of(fragment, token_copy);
        SecBufferDesc all{SECBUFFER_VERSION, static_cast<unsigned long>(buffers.size()),
                          buffers.data()};
        unsigned long quality = 0;
        const SECURITY_STATUS status = level_ == Protection::privacy
                                           ? sspi().DecryptMessage(&context_, &all, 0, &quality)
                                           : sspi().VerifySignature(&context_, &all, 0, &quality);
        if (status != SEC_E_OK)
            return sspi_error("check a fragment, which is not the peer's next one, unchanged,",
                              status);
        if (level_ == Protection::privacy && quality == SECQOP_WRAP_NO_ENCRYPT)
            return fail(ERROR_ACCESS_DENIED, "a fragment is signed only, not encrypted");
        return ok();
    }

protected:
    CtxtHandle* context() { return is_held_ ? &context_ : nullptr; }
    void set_context(const CtxtHandle& handle) {
        context_ = handle;
        is_held_ = true;
    }

    // Kerberos or NTLM, once the last leg has been gone.
    Result<void> learn_package() {
        SecPkgContext_NegotiationInfoW package{};
        const SECURITY_STATUS status =
            sspi().QueryContextAttributesW(&context_, SECPKG_ATTR_NEGOTIATION_INFO, &package);
        if (status != SEC_E_OK) return sspi_error("ask which mechanism was agreed", status);
        const std::wstring_view name = package.PackageInfo->Name;
        is_kerberos_ = name == L"Kerberos";
        const bool is_known = is_kerberos_ || name == L"NTLM";
        sspi().FreeContextBuffer(package.PackageInfo);
        if (!is_known)
            return fail(ERROR_ACCESS_DENIED, "another mechanism than Kerberos and NTLM was agreed");
        return ok();
    }
    // Then, with the `flags` that the last leg returned: what was negotiated must be what was asked
    // for. Only integrity's bit is another one for an acceptor than for an initiator.
    Result<void> finish(unsigned long flags, unsigned long integrity) {
        // What the last leg returned is not all of it everywhere (nothing, under Wine).
        SecPkgContext_Flags agreed{};
        SECURITY_STATUS status =
            sspi().QueryContextAttributesW(&context_, SECPKG_ATTR_FLAGS, &agreed);
        if (status != SEC_E_OK) return sspi_error("ask what was agreed", status);
        flags |= agreed.Flags;
        unsigned long needed = integrity;
        if (level_ == Protection::privacy) needed |= ISC_RET_CONFIDENTIALITY;
        // NTLM always counts what it signs, and knows nothing of the rest.
        if (is_kerberos_)
            needed |= ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT | ISC_RET_USED_DCE_STYLE |
                      ISC_RET_MUTUAL_AUTH;
        if ((flags & needed) != needed)
            return fail(ERROR_ACCESS_DENIED, "the peer agreed to less protection than ",
                        protection_name(level_), " needs (flags ", hex(std::uint64_t{flags}), ")");
        SecPkgContext_Sizes sizes{};
        status = sspi().QueryContextAttributesW(&context_, SECPKG_ATTR_SIZES, &sizes);
        if (status != SEC_E_OK) return sspi_error("ask how long a signature is", status);
        token_size_ =
            level_ == Protection::privacy ? sizes.cbSecurityTrailer : sizes.cbMaxSignature;
        signs_headers_ = !is_kerberos_;
        return ok();
    }
    // Last of all: the protection is there and, for an acceptor, the peer is known.
    void set_complete() { complete_ = true; }
    bool is_kerberos() const { return is_kerberos_; }

    Protection level_;
    Credentials credentials_;
    std::shared_ptr<const Identity> peer_;

private:
    static_assert(ISC_RET_CONFIDENTIALITY == ASC_RET_CONFIDENTIALITY &&
                  ISC_RET_REPLAY_DETECT == ASC_RET_REPLAY_DETECT &&
                  ISC_RET_SEQUENCE_DETECT == ASC_RET_SEQUENCE_DETECT &&
                  ISC_RET_USED_DCE_STYLE == ASC_RET_USED_DCE_STYLE &&
                  ISC_RET_MUTUAL_AUTH == ASC_RET_MUTUAL_AUTH);

    static SecBuffer buffer(unsigned long type, std::span<const std::byte> octets) {
        return {static_cast<unsigned long>(octets.size()), type,
                const_cast<std::byte*>(octets.data())};
    }
    std::array<SecBuffer, 4> buffers_of(const FragmentParts& fragment,
                                        std::span<const std::byte> token) const {
        const unsigned long around =
            SECBUFFER_DATA |
            (signs_headers_ ? SECBUFFER_READONLY_WITH_CHECKSUM : SECBUFFER_READONLY);
        return {buffer(around, fragment.header), buffer(SECBUFFER_DATA, fragment.stub),
                buffer(around, fragment.trailer), buffer(SECBUFFER_TOKEN, token)};
    }

    CtxtHandle context_{};
    bool is_held_ = false;
    bool complete_ = false;
    bool is_kerberos_ = false;
    bool signs_headers_ = false;
    std::size_t token_size_ = 0;
};

// What one leg gives and takes. Its memory is our own: asked to allocate some, Wine's NTLM writes an
// acceptor's token to a null pointer.
class Leg {
public:
    Leg(std::span<const std::byte> token, std::size_t max_token)
        : input_{static_cast<unsigned long>(token.size()), SECBUFFER_TOKEN,
                 const_cast<std::byte*>(token.data())},
          made_(max_token), output_{static_cast<unsigned long>(max_token), SECBUFFER_TOKEN,
                                    made_.data()} {}
    Leg(const Leg&) = delete;
    Leg& operator=(const Leg&) = delete;

    SecBufferDesc* input() { return &in_; }
    SecBufferDesc* output() { return &out_; }
    Bytes token() {
        made_.resize(std::min<std::size_t>(output_.cbBuffer, made_.size()));
        return std::move(made_);
    }
    // Some packages want to see the token once more.
    SECURITY_STATUS complete(CtxtHandle& context, SECURITY_STATUS status) {
        if (status != SEC_I_COMPLETE_NEEDED && status != SEC_I_COMPLETE_AND_CONTINUE) return status;
        const SECURITY_STATUS completed = sspi().CompleteAuthToken(&context, &out_);
        if (completed != SEC_E_OK) return completed;
        return status == SEC_I_COMPLETE_NEEDED ? SEC_E_OK : SEC_I_CONTINUE_NEEDED;
    }

private:
    SecBuffer input_;
    Bytes made_;
    SecBuffer output_;
    SecBufferDesc in_{SECBUFFER_VERSION, 1, &input_};
    SecBufferDesc out_{SECBUFFER_VERSION, 1, &output_};
};

class SspiInitiator final : public SspiContext {
public:
    SspiInitiator(Protection level, Credentials credentials, std::u16string service)
        : SspiContext(level, std::move(credentials)), service_(std::move(service)) {}

    Result<Bytes> step(std::span<const std::byte> token) override {
        constexpr unsigned long wanted = ISC_REQ_MUTUAL_AUTH | ISC_REQ_REPLAY_DETECT |
                                         ISC_REQ_SEQUENCE_DETECT | ISC_REQ_CONFIDENTIALITY |
                                         ISC_REQ_INTEGRITY | ISC_REQ_USE_DCE_STYLE;
        Leg leg(token, credentials_.max_token);
        CtxtHandle next{};
        unsigned long flags = 0;
        TimeStamp expiry;
        SECURITY_STATUS status = sspi().InitializeSecurityContextW(
            &credentials_.handle, context(), reinterpret_cast<wchar_t*>(service_.data()), wanted, 0,
            SECURITY_NATIVE_DREP, token.empty() ? nullptr : leg.input(), 0, &next, leg.output(),
            &flags, &expiry);
        if (status < 0) return sspi_error("authenticate to the service", status);
        set_context(next);
        status = leg.complete(next, status);
        if (status < 0) return sspi_error("authenticate to the service", status);
        if (status == SEC_E_OK) {
            NTDSB_CHECK(learn_package());
            NTDSB_CHECK(finish(flags, ISC_RET_INTEGRITY));
            set_complete();
        }
        return leg.token();
    }

private:
    std::u16string service_;
};

class SspiAcceptor final : public SspiContext {
public:
    using SspiContext::SspiContext;

    Result<Bytes> step(std::span<const std::byte> token) override {
        constexpr unsigned long wanted = ASC_REQ_MUTUAL_AUTH | ASC_REQ_REPLAY_DETECT |
                                         ASC_REQ_SEQUENCE_DETECT | ASC_REQ_CONFIDENTIALITY |
                                         ASC_REQ_INTEGRITY | ASC_REQ_USE_DCE_STYLE;
        Leg leg(token, credentials_.max_token);
        CtxtHandle next{};
        unsigned long flags = 0;
        TimeStamp expiry;
        SECURITY_STATUS status = sspi().AcceptSecurityContext(
            &credentials_.handle, context(), leg.input(), wanted, SECURITY_NATIVE_DREP, &next,
            leg.output(), &flags, &expiry);
        if (status < 0) return sspi_error("accept the caller's authentication", status);
        set_context(next);
        status = leg.complete(next, status);
        if (status < 0) return sspi_error("accept the caller's authentication", status);
        if (status == SEC_E_OK) {
            if ((flags & ASC_RET_NULL_SESSION) != 0)
                return fail(ERROR_ACCESS_DENIED,
                            "the caller has authenticated as nobody (anonymous)");
            NTDSB_CHECK(learn_package());
            NTDSB_CHECK(identify()); // first, since Wine fails here, and calls integrity otherwise
            NTDSB_CHECK(finish(flags, ASC_RET_INTEGRITY));
            set_complete();
        }
        return leg.token();
    }

private:
    Result<void> identify() {
        SecPkgContext_NamesW names{};
        SECURITY_STATUS status =
            sspi().QueryContextAttributesW(context(), SECPKG_ATTR_NAMES, &names);
        if (status != SEC_E_OK) return sspi_error("ask for the caller's name", status);
        const std::u16string name = from_wide(names.sUserName);
        sspi().FreeContextBuffer(names.sUserName);
        Handle token;
        status = sspi().QuerySecurityContextToken(context(), token.out());
        if (status != SEC_E_OK) return sspi_error("get the caller's token", status);
        peer_ = std::make_shared<TokenIdentity>(text(name), is_kerberos() ? "Kerberos" : "NTLM",
                                                std::move(token));
        return ok();
    }
};

} // namespace

Result<std::unique_ptr<SecurityContext>> initiate_security(AuthType type, Protection level,
                                                           std::string_view principal,
                                                           const platform::AuthIdentity* identity) {
    NTDSB_TRY(std::u16string service, utf8_to_utf16(principal));
    auto credentials = identity != nullptr ? acquire_with_password(type, *identity)
                                           : acquire(type, SECPKG_CRED_OUTBOUND, nullptr);
    if (!credentials) return credentials.error();
    return std::unique_ptr<SecurityContext>(
        std::make_unique<SspiInitiator>(level, std::move(credentials).value(), std::move(service)));
}

Result<std::unique_ptr<SecurityContext>> accept_security(AuthType type, Protection level) {
    auto credentials = acquire(type, SECPKG_CRED_INBOUND, nullptr);
    if (!credentials) return fail(ERROR_NOT_SUPPORTED, credentials.error().what);
    return std::unique_ptr<SecurityContext>(
        std::make_unique<SspiAcceptor>(level, std::move(credentials).value()));
}

std::vector<AcceptorCredential> acceptor_credentials() {
    std::vector<AcceptorCredential> all;
    for (const auto& [name, type] :
         {std::pair{"Kerberos", AuthType::kerberos}, std::pair{"NTLM", AuthType::ntlm}}) {
        const auto credentials = acquire(type, SECPKG_CRED_INBOUND, nullptr);
        all.push_back(
            {name, bool(credentials),
             credentials ? std::string("the service's account") : credentials.error().what});
    }
    return all;
}

} // namespace ntdsb::rpc
