// Each database of a restore set by itself, and against the token and the logs: contract VER-1,
// VER-3, VER-5.
#pragma once

#include "ese/findings.h"
#include "ese/headers.h"
#include "ese/restore_set.h"

#include <optional>
#include <vector>

namespace ntdsb::ese {

struct CheckedDatabase {
    platform::Path path;
    std::optional<DatabaseHeader> header; // none: damaged, found already
};

// VER-1, the states of VER-3, and VER-5. The configured database comes first.
std::vector<CheckedDatabase> check_databases(const RestoreSet& set, Findings& findings);

// What a dirty database needs; none for others, and for a dirty one that does not say (a finding
// already).
std::optional<Generations> required_generations(const DatabaseHeader& header) noexcept;

// The lowest generation that any of the databases needs.
std::optional<std::uint32_t>
lowest_required(const std::vector<CheckedDatabase>& databases) noexcept;

// VER-3: the required generations lie inside `given`, and the log signature is that of the logs, if
// there are any.
void check_log_needs(const std::vector<CheckedDatabase>& databases, Generations given,
                     const std::optional<Signature>& logs, Findings& findings);

} // namespace ntdsb::ese
