// GSSAPI's library in C++ (RFC 2743): its mechanisms, what it hands out, and its errors as sentences.
// For the files of its security contexts (gss_*.cpp) alone.
#pragma once

#include "core/result.h"
#include "platform/secret.h"
#include "rpc/security_context.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ntdsb::rpc::gss {

// --- mechanisms; the interface takes them as what it might change

gss_OID spnego();
gss_OID ntlm();
gss_OID kerberos();
gss_OID mechanism_of(AuthType type);
bool is_same(gss_const_OID a, gss_const_OID b);

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

inline OM_uint32 delete_context(OM_uint32* minor, gss_ctx_id_t* context) {
    return gss_delete_sec_context(minor, context, GSS_C_NO_BUFFER);
}
using Name = Owned<gss_name_t, gss_release_name>;
using Credential = Owned<gss_cred_id_t, gss_release_cred>;
using OidSet = Owned<gss_OID_set, gss_release_oid_set>;
using Context = Owned<gss_ctx_id_t, delete_context>;

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

inline gss_buffer_desc view(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};
}
inline gss_buffer_desc view(std::span<const std::byte> octets) {
    return {octets.size(), const_cast<std::byte*>(octets.data())};
}

// Foreign text may hold anything; what a log must not have is shown as \u{...}.
std::string printable(std::string_view foreign);

// --- errors

struct Status {
    OM_uint32 major = GSS_S_COMPLETE;
    OM_uint32 minor = 0;
};

// Every refusal is one of rights to the caller (ERROR_ACCESS_DENIED), and the sentence says which;
// but that no KDC of the realm answers, or none is known, refuses nothing: hrCouldNotConnect.
// `is_initiator`: a hint is added of where credentials come from.
Error error_of(std::string_view attempted, const Status& status, gss_OID mechanism,
               bool is_initiator = false);

} // namespace ntdsb::rpc::gss
