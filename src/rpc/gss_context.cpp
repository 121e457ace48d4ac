// Security contexts over GSSAPI (RFC 2743, RFC 4121, RFC 4178): libkrb5's library, which loads
// gss-ntlmssp (system_security.h).
#include "rpc/ntlm_session.h"
#include "rpc/system_security.h"

#include "core/text.h"
#include "core/utf16.h"
#include "platform/process.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace ntdsb::rpc {

namespace {

gss_OID_desc oid(const char* octets, OM_uint32 size) {
    return {size, const_cast<char*>(octets)}; // the interface's own habit
}
gss_OID_desc spnego_oid = oid("\x2b\x06\x01\x05\x05\x02", 6); // 1.3.6.1.5.5.2
gss_OID_desc ntlm_oid =
    oid("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a", 10);                // 1.3.6.1.4.1.311.2.2.10
gss_OID_desc krb5_oid = oid("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 9); // 1.2.840.113554.1.2.2

bool same_oid(gss_const_OID a, const gss_OID_desc& b) {
    return a != GSS_C_NO_OID && a->length == b.length &&
           std::equal(static_cast<const char*>(a->elements),
                      static_cast<const char*>(a->elements) + a->length,
                      static_cast<const char*>(b.elements));
}

gss_OID mechanism_of(AuthType type) {
    switch (type) {
    case AuthType::ntlm:
        return &ntlm_oid;
    case AuthType::kerberos:
        return &krb5_oid;
    default:
        return &spnego_oid;
    }
}

// --- what the library hands out

template <class Handle, OM_uint32 (*release)(OM_uint32*, Handle*)>
class Owned {
public:
    Owned() = default;
    Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Owned& operator=(Owned&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Owned() { reset(); }
    Handle get() const { return handle_; }
    Handle* out() {
        reset();
        return &handle_;
    }
    Handle* in_out() { return &handle_; }

private:
    void reset() {
        OM_uint32 ignored = 0;
        if (handle_ != nullptr) release(&ignored, &handle_);
        handle_ = nullptr;
    }
    Handle handle_ = nullptr;
};

OM_uint32 delete_context(OM_uint32* minor, gss_ctx_id_t* context) {
    return gss_delete_sec_context(minor, context, GSS_C_NO_BUFFER);
}
using Name = Owned<gss_name_t, gss_release_name>;
using Credential = Owned<gss_cred_id_t, gss_release_cred>;
using OidSet = Owned<gss_OID_set, gss_release_oid_set>;
using Context = Owned<gss_ctx_id_t, delete_context>;
using SharedCredential = std::shared_ptr<const Credential>;

// Memory of the library's.
class Buffer {
public:
    Buffer() = default;
    ~Buffer() {
        OM_uint32 ignored = 0;
        gss_release_buffer(&ignored, &buffer_);
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    gss_buffer_t out() { return &buffer_; }
    std::string_view text() const {
        return {static_cast<const char*>(buffer_.value), buffer_.length};
    }
    std::span<const std::byte> octets() const {
        return {static_cast<const std::byte*>(buffer_.value), buffer_.length};
    }

private:
    gss_buffer_desc buffer_{0, nullptr};
};

// Keys of the library's, wiped.
class Keys {
public:
    Keys() = default;
    ~Keys() {
        OM_uint32 ignored = 0;
        for (std::size_t i = 0; set_ != nullptr && i < set_->count; ++i)
            platform::wipe(set_->elements[i].value, set_->elements[i].length);
        gss_release_buffer_set(&ignored, &set_);
    }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;
    gss_buffer_set_t* out() { return &set_; }
    // Empty: there is none.
    std::span<const std::byte> first() const {
        if (set_ == nullptr || set_->count == 0) return {};
        return {static_cast<const std::byte*>(set_->elements[0].value), set_->elements[0].length};
    }

private:
    gss_buffer_set_t set_ = nullptr;
};

gss_buffer_desc view(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};
}
gss_buffer_desc view(std::span<const std::byte> octets) {
    return {octets.size(), const_cast<std::byte*>(octets.data())};
}

// Foreign text may hold anything; what a log must not have is shown as \u{...}.
std::string printable(std::string_view foreign) { return text(wtf8_to_utf16(foreign)); }

// --- errors

std::string status_text(OM_uint32 status, int kind, gss_OID mechanism) {
    std::string all;
    OM_uint32 more = 0;
    do {
        OM_uint32 minor = 0;
        Buffer line;
        if (GSS_ERROR(gss_display_status(&minor, status, kind, mechanism, &more, line.out())))
            break;
        all += text(all.empty() ? "" : ", ", printable(line.text()));
    } while (more != 0);
    return all;
}

struct Status {
    OM_uint32 major = GSS_S_COMPLETE;
    OM_uint32 minor = 0;
};

std::string_view hint_of(OM_uint32 major) {
    switch (GSS_ROUTINE_ERROR(major)) {
    case GSS_S_NO_CRED:
        return "; log in (kinit), set NTLM_USER_FILE, or call DsSetAuthIdentity";
    case GSS_S_CREDENTIALS_EXPIRED:
        return "; log in again (kinit)";
    default:
        return {};
    }
}

// No KDC of the realm answers, or none is known: nothing was refused.
bool is_unreachable(const Status& status) {
    const auto minor = static_cast<krb5_error_code>(status.minor);
    return minor == KRB5_KDC_UNREACH || minor == KRB5_REALM_CANT_RESOLVE;
}

// Every refusal is one of rights to the caller; the sentence says which.
Error gss_error(std::string_view attempted, const Status& status, gss_OID mechanism,
                bool is_initiator = false) {
    const std::string minor =
        status.minor == 0 ? std::string() : status_text(status.minor, GSS_C_MECH_CODE, mechanism);
    if (is_unreachable(status)) return fail(hrCouldNotConnect, attempted, ": ", minor);
    return fail(ERROR_ACCESS_DENIED, attempted, ": ",
                status_text(status.major, GSS_C_GSS_CODE, GSS_C_NO_OID), minor.empty() ? "" : ": ",
                minor, is_initiator ? hint_of(status.major) : std::string_view());
}

// --- callers

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

// --- contexts

constexpr OM_uint32 wanted_flags = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG |
                                   GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_DCE_STYLE;

gss_iov_buffer_desc piece(OM_uint32 type, std::span<const std::byte> octets) {
    return {type, view(octets)};
}

class GssContext : public SecurityContext {
public:
    GssContext(AuthType type, Protection level, SharedCredential credential)
        : type_(type), level_(level), credential_(std::move(credential)) {}

    bool is_complete() const override { return complete_; }
    std::shared_ptr<const Identity> peer() const override { return peer_; }
    std::size_t token_size() const override { return token_size_; }
    Result<void> sign_headers(bool negotiated) override {
        if (!negotiated && !ntlm_) return headers_unsigned();
        signs_headers_ = negotiated;
        return ok();
    }

    Result<std::size_t> protect(const FragmentParts& fragment,
                                std::span<std::byte> token) override {
        if (ntlm_) {
            ntlm_->protect(fragment, token.first(NtlmSession::signature_size), level_);
            return NtlmSession::signature_size;
        }
        auto pieces = pieces_of(fragment, token);
        Status status;
        int encrypted = 0;
        if (level_ == Protection::privacy)
            status.major = gss_wrap_iov(&status.minor, context_.get(), 1, GSS_C_QOP_DEFAULT,
                                        &encrypted, pieces.data(), int{piece_count});
        else
            status.major = gss_get_mic_iov(&status.minor, context_.get(), GSS_C_QOP_DEFAULT,
                                           pieces.data(), int{piece_count});
        if (status.major != GSS_S_COMPLETE || (level_ == Protection::privacy && encrypted == 0))
            return gss_error("Kerberos cannot protect a fragment", status, &krb5_oid);
        return pieces[token_piece()].buffer.length;
    }

    Result<void> unprotect(const FragmentParts& fragment,
                           std::span<const std::byte> token) override {
        if (ntlm_) return ntlm_->unprotect(fragment, token, level_);
        Bytes token_copy(token.begin(), token.end()); // it is worked on in place
        auto pieces = pieces_of(fragment, token_copy);
        Status status;
        int encrypted = 0;
        if (level_ == Protection::privacy)
            status.major = gss_unwrap_iov(&status.minor, context_.get(), &encrypted, nullptr,
                                          pieces.data(), int{piece_count});
        else
            status.major = gss_verify_mic_iov(&status.minor, context_.get(), nullptr, pieces.data(),
                                              int{piece_count});
        // Also what is only supplementary: a duplicate, an old token, a gap.
        if (status.major != GSS_S_COMPLETE)
            return gss_error("a fragment is not the peer's next one, unchanged", status, &krb5_oid);
        if (level_ == Protection::privacy && encrypted == 0)
            return fail(ERROR_ACCESS_DENIED, "a fragment is signed only, not encrypted");
        return ok();
    }

protected:
    // After the last leg: what was negotiated must be what was asked for.
    Result<void> finish(gss_const_OID mechanism, OM_uint32 flags, bool is_initiator) {
        const bool is_kerberos = same_oid(mechanism, krb5_oid);
        if (!is_kerberos && !same_oid(mechanism, ntlm_oid))
            return fail(ERROR_ACCESS_DENIED, "another mechanism than Kerberos and NTLM was agreed");
        if ((type_ == AuthType::ntlm && is_kerberos) ||
            (type_ == AuthType::kerberos && !is_kerberos))
            return fail(ERROR_ACCESS_DENIED, "another mechanism was agreed than the one asked for");
        if ((flags & GSS_C_ANON_FLAG) != 0)
            return fail(ERROR_ACCESS_DENIED, "the caller has authenticated as nobody (anonymous)");
        OM_uint32 needed = GSS_C_INTEG_FLAG;
        if (level_ == Protection::privacy) needed |= GSS_C_CONF_FLAG;
        // NTLM always counts what it signs, and knows nothing of the rest.
        if (is_kerberos)
            needed |= GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_DCE_STYLE | GSS_C_MUTUAL_FLAG;
        if ((flags & needed) != needed)
            return fail(ERROR_ACCESS_DENIED, "the peer agreed to less protection than ",
                        protection_name(level_), " needs (flags ", hex(std::uint64_t{flags}), ")");
        if (is_kerberos)
            NTDSB_CHECK(measure_token());
        else
            NTDSB_CHECK(begin_ntlm(is_initiator));
        return ok();
    }
    // Last of all: the protection is there and, for an acceptor, the peer is known.
    void set_complete() { complete_ = true; }

    Context context_;
    AuthType type_;
    Protection level_;
    SharedCredential credential_;
    std::shared_ptr<const Identity> peer_;

private:
    static constexpr std::size_t piece_count = 4;
    using Pieces = std::array<gss_iov_buffer_desc, piece_count>;

    std::size_t token_piece() const { return level_ == Protection::privacy ? 0 : piece_count - 1; }

    Pieces pieces_of(const FragmentParts& fragment, std::span<const std::byte> token) const {
        const OM_uint32 around =
            signs_headers_ ? GSS_IOV_BUFFER_TYPE_SIGN_ONLY : GSS_IOV_BUFFER_TYPE_EMPTY;
        const auto header = piece(around, fragment.header);
        const auto stub = piece(GSS_IOV_BUFFER_TYPE_DATA, fragment.stub);
        const auto trailer = piece(around, fragment.trailer);
        if (level_ == Protection::privacy)
            return {piece(GSS_IOV_BUFFER_TYPE_HEADER, token), header, stub, trailer};
        return {header, stub, trailer, piece(GSS_IOV_BUFFER_TYPE_MIC_TOKEN, token)};
    }

    Result<void> measure_token() {
        std::array<std::byte, stub_alignment> stub{};
        auto pieces = pieces_of({{}, stub, {}}, {});
        Status status;
        int encrypted = 0;
        if (level_ == Protection::privacy)
            status.major = gss_wrap_iov_length(&status.minor, context_.get(), 1, GSS_C_QOP_DEFAULT,
                                               &encrypted, pieces.data(), int{piece_count});
        else
            status.major = gss_get_mic_iov_length(&status.minor, context_.get(), GSS_C_QOP_DEFAULT,
                                                  pieces.data(), int{piece_count});
        if (status.major != GSS_S_COMPLETE)
            return gss_error("Kerberos does not say how long its tokens are", status, &krb5_oid);
        token_size_ = pieces[token_piece()].buffer.length;
        return ok();
    }

    // How many signatures the handshake took of each side: SPNEGO may sign its list of mechanisms,
    // after which the ciphers begin anew and the numbers go on (MS-SPNG 3.3.5.1). Only a signature
    // of the library's tells, which nobody gets.
    Result<std::uint32_t> ntlm_signatures() {
        Status status;
        Buffer signature;
        gss_buffer_desc anything = view(std::string_view("anything"));
        status.major = gss_get_mic(&status.minor, context_.get(), GSS_C_QOP_DEFAULT, &anything,
                                   signature.out());
        const auto octets = signature.octets();
        if (status.major != GSS_S_COMPLETE || octets.size() != NtlmSession::signature_size)
            return gss_error("NTLM does not sign", status, &ntlm_oid);
        return NtlmSession::number_of(octets);
    }

    Result<void> begin_ntlm(bool is_initiator) {
        Status status;
        Keys keys;
        status.major = gss_inquire_sec_context_by_oid(&status.minor, context_.get(),
                                                      GSS_C_INQ_SSPI_SESSION_KEY, keys.out());
        if (status.major != GSS_S_COMPLETE || keys.first().empty())
            return gss_error("NTLM gives no session key", status, &ntlm_oid);
        NTDSB_TRY(const std::uint32_t signed_before, ntlm_signatures());
        NTDSB_TRY(ntlm_, NtlmSession::make(keys.first(), is_initiator, signed_before));
        token_size_ = NtlmSession::signature_size;
        return ok();
    }

    bool complete_ = false;
    bool signs_headers_ = false;
    std::size_t token_size_ = 0;
    std::unique_ptr<NtlmSession> ntlm_; // else Kerberos
};

class GssInitiator final : public GssContext {
public:
    GssInitiator(AuthType type, Protection level, SharedCredential credential, Name service)
        : GssContext(type, level, std::move(credential)), service_(std::move(service)) {}

    Result<Bytes> step(std::span<const std::byte> token) override {
        gss_buffer_desc input = view(token);
        Buffer output;
        Status status;
        gss_OID agreed = GSS_C_NO_OID;
        OM_uint32 flags = 0;
        status.major = gss_init_sec_context(
            &status.minor, credential_->get(), context_.in_out(), service_.get(),
            mechanism_of(type_), wanted_flags, GSS_C_INDEFINITE, GSS_C_NO_CHANNEL_BINDINGS,
            token.empty() ? GSS_C_NO_BUFFER : &input, nullptr, output.out(), &flags, nullptr);
        if (GSS_ERROR(status.major))
            return gss_error("this process cannot authenticate to the service", status,
                             mechanism_of(type_), true);
        if (status.major == GSS_S_COMPLETE) {
            status.major = gss_inquire_context(&status.minor, context_.get(), nullptr, nullptr,
                                               nullptr, &agreed, nullptr, nullptr, nullptr);
            if (status.major != GSS_S_COMPLETE)
                return gss_error("what was agreed cannot be told", status, mechanism_of(type_));
            NTDSB_CHECK(finish(agreed, flags, true));
            set_complete();
        }
        return Bytes(output.octets().begin(), output.octets().end());
    }

private:
    Name service_;
};

class GssAcceptor final : public GssContext {
public:
    using GssContext::GssContext;

    Result<Bytes> step(std::span<const std::byte> token) override {
        gss_buffer_desc input = view(token);
        Buffer output;
        Status status;
        Name source;
        gss_OID agreed = GSS_C_NO_OID;
        OM_uint32 flags = 0;
        status.major = gss_accept_sec_context(&status.minor, context_.in_out(), credential_->get(),
                                              &input, GSS_C_NO_CHANNEL_BINDINGS, source.out(),
                                              &agreed, output.out(), &flags, nullptr, nullptr);
        if (GSS_ERROR(status.major))
            return gss_error("the caller's authentication is refused", status, mechanism_of(type_));
        if (status.major == GSS_S_COMPLETE) {
            if (same_oid(agreed, spnego_oid)) {
                NTDSB_TRY(agreed, inner_mechanism());
            }
            NTDSB_CHECK(finish(agreed, flags, false));
            NTDSB_TRY(peer_, identity_of(source, same_oid(agreed, krb5_oid)));
            set_complete();
        }
        return Bytes(output.octets().begin(), output.octets().end());
    }

private:
    Result<gss_OID> inner_mechanism() {
        Status status;
        gss_OID agreed = GSS_C_NO_OID;
        status.major = gss_inquire_context(&status.minor, context_.get(), nullptr, nullptr, nullptr,
                                           &agreed, nullptr, nullptr, nullptr);
        if (status.major != GSS_S_COMPLETE)
            return gss_error("what was agreed cannot be told", status, mechanism_of(type_));
        return agreed;
    }

    static Result<std::shared_ptr<const Identity>> identity_of(const Name& source,
                                                               bool is_kerberos) {
        Status status;
        Buffer shown;
        gss_OID kind = GSS_C_NO_OID;
        status.major = gss_display_name(&status.minor, source.get(), shown.out(), &kind);
        if (status.major != GSS_S_COMPLETE || shown.text().empty())
            return gss_error("the caller's name cannot be told", status, GSS_C_NO_OID);
        if (kind != GSS_C_NO_OID && same_oid(kind, *GSS_C_NT_ANONYMOUS))
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
            if (gss_localname(&status.minor, source.get(), &krb5_oid, local.out()) ==
                GSS_S_COMPLETE)
                local_user = local.text();
        }
        return std::shared_ptr<const Identity>(
            std::make_shared<GssIdentity>(name, is_kerberos, std::move(local_user)));
    }
};

// --- credentials

// SPNEGO would try whatever mechanisms this computer has.
Result<void> allow_only_known(Credential& credential, bool kerberos) {
    std::array<gss_OID_desc, 2> known{ntlm_oid, krb5_oid};
    if (kerberos) std::swap(known[0], known[1]);
    gss_OID_set_desc set{kerberos ? std::size_t{2} : std::size_t{1}, known.data()};
    Status status;
    status.major = gss_set_neg_mechs(&status.minor, credential.get(), &set);
    if (status.major != GSS_S_COMPLETE)
        return gss_error("the mechanisms to negotiate cannot be chosen", status, &spnego_oid);
    return ok();
}

struct Acquired {
    Credential credential;
    bool has_kerberos = false;
};

Result<Acquired> acquire(AuthType type, gss_cred_usage_t usage) {
    std::array<gss_OID_desc, 3> mechanisms{*mechanism_of(type), ntlm_oid, krb5_oid};
    // Some peers' Negotiate is a bare token of a mechanism, without SPNEGO around it.
    const bool also_bare = usage == GSS_C_ACCEPT && type == AuthType::negotiate;
    gss_OID_set_desc wanted{also_bare ? mechanisms.size() : std::size_t{1}, mechanisms.data()};
    Acquired acquired;
    OidSet found;
    Status status;
    status.major = gss_acquire_cred(&status.minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &wanted, usage,
                                    acquired.credential.out(), found.out(), nullptr);
    if (status.major != GSS_S_COMPLETE)
        return gss_error(usage == GSS_C_ACCEPT
                             ? "the service has no credentials to accept this with"
                             : "this process has no credentials",
                         status, mechanism_of(type), usage == GSS_C_INITIATE);
    int has_kerberos = 0;
    OM_uint32 ignored = 0;
    gss_test_oid_set_member(&ignored, &krb5_oid, found.get(), &has_kerberos);
    acquired.has_kerberos = has_kerberos != 0;
    if (type == AuthType::negotiate) NTDSB_CHECK(allow_only_known(acquired.credential, true));
    return acquired;
}

SharedCredential shared(Credential credential) {
    return std::make_shared<const Credential>(std::move(credential));
}

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
        return gss_error("the user's name cannot be used", status, GSS_C_NO_OID);
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
        return gss_error("the credentials of DsSetAuthIdentity cannot be used", status,
                         mechanism_of(type), true);
    if (type == AuthType::negotiate) NTDSB_CHECK(allow_only_known(credential, user.fits_kerberos));
    return credential;
}

Result<Credential> initiator_credential(AuthType type, const platform::AuthIdentity* identity) {
    if (identity != nullptr) return acquire_with_password(type, *identity);
    NTDSB_TRY(Acquired acquired, acquire(type, GSS_C_INITIATE));
    return std::move(acquired.credential);
}

// "host/HOST" as "host@HOST", which both mechanisms understand. With a realm, or for Kerberos
// alone, it is taken as it is, without a look-up of the host's name.
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
        return gss_error(text("the principal ", printable(principal), " cannot be used"), status,
                         &krb5_oid);
    return name;
}

} // namespace

Result<std::unique_ptr<SecurityContext>> initiate_security(AuthType type, Protection level,
                                                           std::string_view principal,
                                                           const platform::AuthIdentity* identity) {
    NTDSB_TRY(Name service, service_name(type, principal));
    NTDSB_TRY(Credential credential, initiator_credential(type, identity));
    return std::unique_ptr<SecurityContext>(std::make_unique<GssInitiator>(
        type, level, shared(std::move(credential)), std::move(service)));
}

Result<std::unique_ptr<SecurityContext>> accept_security(AuthType type, Protection level) {
    auto credential = acceptor_credential(type);
    if (!credential) return fail(ERROR_NOT_SUPPORTED, credential.error().what);
    return std::unique_ptr<SecurityContext>(
        std::make_unique<GssAcceptor>(type, level, std::move(credential).value()));
}

namespace {
std::string setting(std::string_view variable, std::string_view otherwise) {
    const auto value = platform::environment(variable);
    return value ? text(*value) : std::string(otherwise);
}
} // namespace

// What gss-ntlmssp's credentials are must not be asked: gss_inquire_cred crashes in its version 1.2.
std::vector<AcceptorCredential> acceptor_credentials() {
    std::vector<AcceptorCredential> all;
    for (const auto& [name, type] :
         {std::pair{"Kerberos", AuthType::kerberos}, std::pair{"NTLM", AuthType::ntlm}}) {
        AcceptorCredential one{name, false, {}};
        const auto credential = acquire(type, GSS_C_ACCEPT);
        one.is_usable = bool(credential);
        if (!credential)
            one.what = credential.error().what;
        else if (type == AuthType::kerberos)
            one.what = text("keytab ", setting("KRB5_KTNAME", "of the system"));
        else
            one.what = text("users of ", setting("NTLM_USER_FILE", "winbind, where it runs"));
        all.push_back(std::move(one));
    }
    return all;
}

} // namespace ntdsb::rpc
