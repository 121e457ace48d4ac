// Security contexts over GSSAPI (RFC 2743, RFC 4121, RFC 4178): libkrb5's library, which loads
// gss-ntlmssp (system_security.h).
#include "rpc/gss_credentials.h"
#include "rpc/gss_identity.h"
#include "rpc/gss_library.h"
#include "rpc/ntlm_session.h"
#include "rpc/system_security.h"

#include "core/text.h"

#include <array>
#include <utility>

namespace ntdsb::rpc {

namespace gss {

namespace {

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
            return error_of("Kerberos cannot protect a fragment", status, kerberos());
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
            return error_of("a fragment is not the peer's next one, unchanged", status, kerberos());
        if (level_ == Protection::privacy && encrypted == 0)
            return fail(ERROR_ACCESS_DENIED, "a fragment is signed only, not encrypted");
        return ok();
    }

protected:
    // After the last leg: what was negotiated must be what was asked for.
    Result<void> finish(gss_const_OID mechanism, OM_uint32 flags, bool is_initiator) {
        const bool is_kerberos = is_same(mechanism, kerberos());
        if (!is_kerberos && !is_same(mechanism, ntlm()))
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
    // What was agreed within SPNEGO, if that was used.
    Result<gss_OID> mechanism_inside() const {
        Status status;
        gss_OID agreed = GSS_C_NO_OID;
        status.major = gss_inquire_context(&status.minor, context_.get(), nullptr, nullptr, nullptr,
                                           &agreed, nullptr, nullptr, nullptr);
        if (status.major != GSS_S_COMPLETE)
            return error_of("what was agreed cannot be told", status, mechanism_of(type_));
        return agreed;
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
            return error_of("Kerberos does not say how long its tokens are", status, kerberos());
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
            return error_of("NTLM does not sign", status, ntlm());
        return NtlmSession::number_of(octets);
    }

    Result<void> begin_ntlm(bool is_initiator) {
        Status status;
        Keys keys;
        status.major = gss_inquire_sec_context_by_oid(&status.minor, context_.get(),
                                                      GSS_C_INQ_SSPI_SESSION_KEY, keys.out());
        if (status.major != GSS_S_COMPLETE || keys.first().empty())
            return error_of("NTLM gives no session key", status, ntlm());
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
        OM_uint32 flags = 0;
        status.major = gss_init_sec_context(
            &status.minor, credential_->get(), context_.in_out(), service_.get(),
            mechanism_of(type_), wanted_flags, GSS_C_INDEFINITE, GSS_C_NO_CHANNEL_BINDINGS,
            token.empty() ? GSS_C_NO_BUFFER : &input, nullptr, output.out(), &flags, nullptr);
        if (GSS_ERROR(status.major))
            return error_of("this process cannot authenticate to the service", status,
                            mechanism_of(type_), true);
        if (status.major == GSS_S_COMPLETE) {
            NTDSB_TRY(gss_OID_desc* const agreed, mechanism_inside());
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
            return error_of("the caller's authentication is refused", status, mechanism_of(type_));
        if (status.major == GSS_S_COMPLETE) {
            if (is_same(agreed, spnego())) {
                NTDSB_TRY(agreed, mechanism_inside());
            }
            NTDSB_CHECK(finish(agreed, flags, false));
            NTDSB_TRY(peer_, identity_of(source, is_same(agreed, kerberos())));
            set_complete();
        }
        return Bytes(output.octets().begin(), output.octets().end());
    }
};

} // namespace

} // namespace gss

Result<std::unique_ptr<SecurityContext>> initiate_security(AuthType type, Protection level,
                                                           std::string_view principal,
                                                           const platform::AuthIdentity* identity) {
    NTDSB_TRY(gss::Name service, gss::service_name(type, principal));
    NTDSB_TRY(gss::SharedCredential credential, gss::initiator_credential(type, identity));
    return std::unique_ptr<SecurityContext>(std::make_unique<gss::GssInitiator>(
        type, level, std::move(credential), std::move(service)));
}

Result<std::unique_ptr<SecurityContext>> accept_security(AuthType type, Protection level) {
    auto credential = gss::acceptor_credential(type);
    if (!credential) return fail(ERROR_NOT_SUPPORTED, credential.error().what);
    return std::unique_ptr<SecurityContext>(
        std::make_unique<gss::GssAcceptor>(type, level, std::move(credential).value()));
}

} // namespace ntdsb::rpc
