// Whether a host's name means this computer: in server names (contract COM-6) and in \\HOST\X$
// paths (PATH-4). Pure string work.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ntdsb {

// "localhost", ".", a loopback address (127.0.0.0/8, ::1), or one of `own_names`, which are in
// lower case. ASCII letters of `name` compare without case.
bool is_this_computer(std::u16string_view name, std::span<const std::u16string> own_names);

} // namespace ntdsb
