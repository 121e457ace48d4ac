// How functions report failure inside the library: a value or an `Error`, never an exception
// (bad_alloc apart, which the exports turn into ERROR_NOT_ENOUGH_MEMORY). Knows no source of
// errors; each foreign source has one function that maps into this.
#pragma once

#include "core/codes.h"
#include "core/text.h"

#include <boost/outcome/policy/all_narrow.hpp>
#include <boost/outcome/result.hpp>

#include <string>
#include <utility>

namespace ntdsb {

// What went wrong: the raw code that the caller of the API receives, and one sentence for people
// that names what was attempted, on what, what was found and, where it helps, what to do next.
struct Error {
    Code code = 0;
    std::string what;
};

// A `T`, or the `Error` that prevented it. Reading the value of a failed result is a bug, as with
// std::optional.
template <class T = void>
using Result = boost::outcome_v2::basic_result<T, Error, boost::outcome_v2::policy::all_narrow>;

// Success without a value.
inline auto ok() { return boost::outcome_v2::success(); }

// Builds an Error whose sentence is the parts one after another (see core/text.h).
template <class Raw, class... Parts>
Error fail(Raw code, const Parts&... parts) {
    return Error{static_cast<Code>(code), text(parts...)};
}

} // namespace ntdsb

#define NTDSB_DETAIL_JOIN2(a, b) a##b
#define NTDSB_DETAIL_JOIN(a, b) NTDSB_DETAIL_JOIN2(a, b)
#define NTDSB_DETAIL_TRY(temporary, declaration, expression) \
    auto temporary = (expression);                           \
    if (!temporary) return std::move(temporary).error();     \
    declaration = std::move(temporary).value()

// NTDSB_TRY(auto size, file.size());  declares (or assigns) the value, or returns the error from
// the enclosing function.
#define NTDSB_TRY(declaration, expression) \
    NTDSB_DETAIL_TRY(NTDSB_DETAIL_JOIN(ntdsb_try_, __LINE__), declaration, expression)

// NTDSB_CHECK(file.flush());  returns the error from the enclosing function, if there is one.
#define NTDSB_CHECK(expression)                                                                   \
    do {                                                                                          \
        if (auto ntdsb_check = (expression); !ntdsb_check) return std::move(ntdsb_check).error(); \
    } while (false)
