// What every export does around its one client call: traces, keeps the last-error value, lets
// nothing out but a code (contract ABI-9, ABI-10).
#pragma once

#include "api/buffers.h"
#include "api/text_form.h"
#include "client/directory.h"
#include "core/log.h"
#include "platform/memory.h"
#include "platform/process.h"

#include <cstring>
#include <new>
#include <type_traits>

namespace ntdsb::api {

// Runs an export's body, a function without parameters that returns Result<void>, and gives its
// code.
template <class Body>
HRESULT run(std::string_view function, Body body) noexcept {
    const platform::ThreadStateKeeper keep_last_error;
    try {
        const Result<void> outcome = body();
        if (outcome) return S_OK;
        log::info(function, " returns ", hex(outcome.error().code), ": ", outcome.error().what);
        return outcome.error().code;
    } catch (const std::bad_alloc&) {
        return static_cast<HRESULT>(ERROR_NOT_ENOUGH_MEMORY);
    } catch (...) {
        log::error(function, ": an unexpected exception; this is a defect of ntdsbcli");
        return static_cast<HRESULT>(ERROR_INTERNAL_ERROR);
    }
}

// Writes an out-parameter, which may be NULL and need not be aligned.
template <class T>
void store(T* to, const std::type_identity_t<T>& value) noexcept {
    if (to != nullptr) std::memcpy(static_cast<void*>(to), &value, sizeof value);
}

// COM-2.
inline Result<void> check_pointer(const void* pointer, std::string_view argument,
                                  Code code = static_cast<Code>(ERROR_INVALID_PARAMETER)) {
    if (pointer != nullptr) return ok();
    return fail(code, "COM-2: ", argument, " is NULL");
}

// ABI-11: an array of the caller's, not NULL.
inline Result<void> check_readable(const void* array, std::size_t size, std::string_view argument) {
    if (platform::is_readable(array, size)) return ok();
    return fail(ERROR_INVALID_PARAMETER, "ABI-11: not all of the ", size, " bytes of ", argument,
                " can be read");
}

inline client::Handle handle_of(HBC hbc) noexcept {
    const auto number = reinterpret_cast<std::uintptr_t>(hbc);
    // What does not fit is none of ours; 0 is in no table.
    return number <= UINT32_MAX ? static_cast<client::Handle>(number) : 0;
}
inline HBC hbc_of(client::Handle handle) noexcept {
    // A number that only looks like a pointer. NOLINTNEXTLINE(performance-no-int-to-ptr)
    return reinterpret_cast<HBC>(static_cast<std::uintptr_t>(handle));
}

// How an argument is traced: strings as text, pointers and numbers in hex. Secrets are never passed
// here.
inline void append_argument(std::string& line, const void* pointer) {
    append_text(line, hex(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pointer))));
}
inline void append_argument(std::string& line, std::uint32_t number) {
    append_text(line, hex(std::uint64_t{number}));
}
inline void append_argument(std::string& line, std::int32_t number) {
    append_text(line, hex(number));
}
template <class Form>
struct StringArgument {
    const typename Form::Char* string;
};
template <class Form>
void append_argument(std::string& line, StringArgument<Form> argument) {
    if (argument.string == nullptr) {
        line += "NULL";
        return;
    }
    const auto read = read_string<Form>(argument.string, "it");
    line += read ? text('"', std::u16string_view(read.value()), '"') : "(unreadable)";
}

// The first line of every export: its name and arguments, at level trace.
template <class... Arguments>
void trace(std::string_view function, const Arguments&... arguments) noexcept {
    const platform::ThreadStateKeeper keep_last_error;
    client::start_log();
    if (!log::enabled(log::Level::trace)) return;
    try {
        std::string line(function);
        char separator = '(';
        ((line += separator, append_argument(line, arguments), separator = ','), ...);
        log::trace(line, ')');
    } catch (...) { // out of memory: the call goes on without its trace
    }
}

// Answers a list as the form writes it, in memory that the caller frees.
template <class Form>
Result<void> hand_out_list(Result<std::u16string> list, typename Form::Char** to, DWORD* size) {
    NTDSB_TRY(const auto utf16, std::move(list));
    NTDSB_TRY(const auto text, write_list<Form>(utf16));
    const auto bytes = std::as_bytes(std::span(text));
    store(to, static_cast<typename Form::Char*>(hand_out(bytes)));
    store(size, static_cast<DWORD>(bytes.size()));
    return ok();
}

} // namespace ntdsb::api
