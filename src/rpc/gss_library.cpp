// Mechanisms and errors of GSSAPI (gss_library.h).
#include "rpc/gss_library.h"

#include "core/text.h"
#include "core/utf16.h"

#include <krb5.h>

#include <algorithm>

namespace ntdsb::rpc::gss {

namespace {

gss_OID_desc oid(const char* octets, OM_uint32 size) {
    return {size, const_cast<char*>(octets)}; // the interface's own habit
}

} // namespace

gss_OID spnego() { // 1.3.6.1.5.5.2
    static gss_OID_desc it = oid("\x2b\x06\x01\x05\x05\x02", 6);
    return &it;
}

gss_OID ntlm() { // 1.3.6.1.4.1.311.2.2.10
    static gss_OID_desc it = oid("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a", 10);
    return &it;
}

gss_OID kerberos() { // 1.2.840.113554.1.2.2
    static gss_OID_desc it = oid("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 9);
    return &it;
}

gss_OID mechanism_of(AuthType type) {
    switch (type) {
    case AuthType::ntlm:
        return ntlm();
    case AuthType::kerberos:
        return kerberos();
    default:
        return spnego();
    }
}

bool is_same(gss_const_OID a, gss_const_OID b) {
    return a != GSS_C_NO_OID && b != GSS_C_NO_OID && a->length == b->length &&
           std::equal(static_cast<const char*>(a->elements),
                      static_cast<const char*>(a->elements) + a->length,
                      static_cast<const char*>(b->elements));
}

std::string printable(std::string_view foreign) { return text(wtf8_to_utf16(foreign)); }

namespace {

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

} // namespace

Error error_of(std::string_view attempted, const Status& status, gss_OID mechanism,
               bool is_initiator) {
    const std::string minor =
        status.minor == 0 ? std::string() : status_text(status.minor, GSS_C_MECH_CODE, mechanism);
    if (is_unreachable(status)) return fail(hrCouldNotConnect, attempted, ": ", minor);
    return fail(ERROR_ACCESS_DENIED, attempted, ": ",
                status_text(status.major, GSS_C_GSS_CODE, GSS_C_NO_OID), minor.empty() ? "" : ": ",
                minor, is_initiator ? hint_of(status.major) : std::string_view());
}

} // namespace ntdsb::rpc::gss
