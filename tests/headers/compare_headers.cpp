// Asserts that the public headers declare what the public-domain ones of mingw-w64 do: every
// macro's value and type, the layouts, and every function's type, calling convention included
// (contract ABI-0, ABI-1, ABI-3, ABI-4). check_headers.py makes the lists in stock_lists.h from the
// stock header as it is installed, and compiles this; there is nothing to run.
#include <windows.h>

#include "exports_table.h"
#include "stock_lists.h"

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace stock {
#include NTDSB_STOCK_HEADER

// The values as they stand in the stock header, before ours defines the same names again.
#define CAPTURE(name) constexpr auto value_of_##name = name;
NTDSB_STOCK_VALUES(CAPTURE)
#undef CAPTURE
} // namespace stock

#include "undefine_stock.h"

namespace ours {
// The functions are extern "C", so that a namespace alone would not tell them apart.
#include "rename_ours.h"
#include NTDSB_OUR_HEADER
#include "rename_no_more.h"
} // namespace ours

template <class T>
constexpr bool same(const T& left, const T& right) {
    if constexpr (std::is_pointer_v<T>)
        return std::basic_string_view(left) == std::basic_string_view(right);
    else
        return left == right;
}

namespace ours {
#define COMPARE(name)                                                                          \
    static_assert(                                                                             \
        std::is_same_v<decltype(stock::value_of_##name), const std::decay_t<decltype(name)>>); \
    static_assert(same<std::decay_t<decltype(name)>>(stock::value_of_##name, name));
NTDSB_STOCK_VALUES(COMPARE)
#undef COMPARE
} // namespace ours

// ABI-3
#define COMPARE_MEMBER(type, member)                                              \
    static_assert(sizeof(stock::type) == sizeof(ours::type));                     \
    static_assert(offsetof(stock::type, member) == offsetof(ours::type, member)); \
    static_assert(std::is_same_v<decltype(stock::type::member), decltype(ours::type::member)>);
COMPARE_MEMBER(EDB_RSTMAPA, szDatabaseName)
COMPARE_MEMBER(EDB_RSTMAPA, szNewDatabaseName)
COMPARE_MEMBER(EDB_RSTMAPW, wszDatabaseName)
COMPARE_MEMBER(EDB_RSTMAPW, wszNewDatabaseName)
static_assert(sizeof(ours::EDB_RSTMAPA) == 2 * sizeof(void*));
static_assert(sizeof(ours::EDB_RSTMAPW) == 2 * sizeof(void*));
static_assert(std::is_same_v<stock::HBC, ours::HBC> && std::is_same_v<stock::BFT, ours::BFT>);

// The two map types are compared above; in a function's type ours stands for the stock one.
template <class T>
struct AsStock {
    using type = T;
};
template <>
struct AsStock<ours::EDB_RSTMAPA*> {
    using type = stock::EDB_RSTMAPA*;
};
template <>
struct AsStock<ours::EDB_RSTMAPW*> {
    using type = stock::EDB_RSTMAPW*;
};

// Takes nothing but __stdcall functions.
template <class Function>
struct Signature;
template <class R, class... A>
struct Signature<R(__stdcall*)(A...)> {
    using type = R(__stdcall*)(typename AsStock<A>::type...);
    static constexpr std::size_t bytes =
        (std::size_t{0} + ... + ((sizeof(A) + 3) & ~std::size_t{3}));
};

#define COMPARE_FUNCTION(name) \
    static_assert(             \
        std::is_same_v<decltype(&stock::name), Signature<decltype(&ours::ours_##name)>::type>);
NTDSB_STOCK_FUNCTIONS(COMPARE_FUNCTION)

// What the x86 names and stack depend on.
#ifndef _WIN64
#define COMPARE_BYTES(name, size) \
    static_assert(Signature<decltype(&ours::ours_##name)>::bytes == size);
NTDSBCLI_EXPORTS(COMPARE_BYTES)
#endif
