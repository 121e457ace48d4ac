// See database_check.h.
#include "ese/database_check.h"

#include "core/path.h"
#include "ese/header_file.h"

#include <algorithm>

namespace ntdsb::ese {
namespace {

// By name, and for a name through a link by the file itself.
bool is_same(const platform::Path& a, const platform::Path& b, platform::Links links) {
    if (same_path(wire_path(a), wire_path(b))) return true;
    auto same = platform::is_same_file(a, b, links);
    return same && same.value();
}

// The targets, each once, with the configured database first. VER-1: it must be among them.
std::vector<platform::Path> databases_to_check(const RestoreSet& set, Findings& findings) {
    std::vector<platform::Path> paths;
    for (const auto& path : set.databases) {
        const auto name = wire_path(path);
        const bool known = std::any_of(paths.begin(), paths.end(), [&](const auto& other) {
            return same_path(name, wire_path(other));
        });
        if (!known) paths.push_back(path);
    }
    if (set.configured_database.empty()) return paths;
    const auto configured =
        std::find_if(paths.begin(), paths.end(), [&](const platform::Path& path) {
            return is_same(path, set.configured_database, set.links);
        });
    if (configured != paths.end()) {
        std::rotate(paths.begin(), configured, configured + 1);
        return paths;
    }
    findings.add("VER-1", set.configured_database,
                 fail(hrDatabaseNotFound, shown(set.configured_database),
                      ": the configured database is none of the ", set.databases.size(),
                      " databases that the restore map names"));
    paths.insert(paths.begin(), set.configured_database);
    return paths;
}

void check_state(const CheckedDatabase& database, Findings& findings) {
    const DatabaseHeader& header = *database.header;
    const auto inconsistent = [&](const auto&... what) {
        findings.add("VER-3", database.path,
                     fail(hrDatabaseInconsistent, shown(database.path), ": ", what...));
    };
    if (header.state == database_state_clean) return;
    if (header.state != database_state_dirty) {
        inconsistent("the state at offset 52 is ", header.state,
                     " where 2 (dirty shutdown) or 3 (clean shutdown) is expected");
        return;
    }
    if (header.log_signature.is_zero())
        inconsistent(
            "the state at offset 52 is 2 (dirty shutdown), and the log signature at offset 108 is "
            "zero where that of the logs is expected: no log can recover it");
    if (!required_generations(header)) {
        inconsistent("the state at offset 52 is 2 (dirty shutdown), and the required generations "
                     "at offset 296 "
                     "are ",
                     header.required_min, "..", header.required_max,
                     " where a range to recover from is expected");
    }
}

void check_identity(const CheckedDatabase& database,
                    const std::vector<DatabaseIdentity>& identities, Findings& findings) {
    const DatabaseHeader& header = *database.header;
    const DatabaseIdentity found{header.signature, header.file_size, header.dbtime,
                                 header.checksum};
    if (std::find(identities.begin(), identities.end(), found) != identities.end()) return;
    const auto expected =
        std::find_if(identities.begin(), identities.end(), [&](const DatabaseIdentity& identity) {
            return identity.signature == found.signature;
        });
    const auto differs = [&](auto code, const auto&... what) {
        findings.add("VER-5", database.path, fail(code, shown(database.path), ": ", what...));
    };
    if (expected == identities.end()) {
        differs(hrBadDbSignature, "the database signature at offset 24 is ",
                shown(found.signature.bytes), " where one of the ", identities.size(),
                " that the expiry token names is expected");
        return;
    }
    if (found.size != expected->size)
        differs(hrBadBackupDatabaseSize, "the file has ", found.size,
                " bytes where the expiry token says ", expected->size);
    if (found.dbtime != expected->dbtime)
        differs(hrContentsExpired, "the database time at offset 16 is ", found.dbtime,
                " where the expiry token says ", expected->dbtime);
    if (found.header_checksum != expected->header_checksum) {
        differs(hrContentsExpired, "the header checksum at offset 0 is ",
                hex(std::uint64_t{found.header_checksum}), " where the expiry token says ",
                hex(std::uint64_t{expected->header_checksum}));
    }
}

} // namespace

std::vector<CheckedDatabase> check_databases(const RestoreSet& set, Findings& findings) {
    std::vector<CheckedDatabase> databases;
    for (const auto& path : databases_to_check(set, findings)) {
        CheckedDatabase database{path, std::nullopt};
        auto start =
            read_start(path, set.links, header_window, static_cast<Code>(hrDatabaseNotFound),
                       static_cast<Code>(hrInvalidDatabase));
        auto header =
            start ? decode_database_header(start.value().bytes, start.value().size, shown(path))
                  : Result<DatabaseHeader>(start.error());
        if (header) {
            database.header = header.value();
            if (auto size = check_database_size(header.value(), shown(path)); !size)
                findings.add("VER-1", path, size.error());
            check_state(database, findings);
            if (set.check_identities) check_identity(database, set.identities, findings);
        } else {
            findings.add("VER-1", path, header.error());
        }
        databases.push_back(std::move(database));
    }
    return databases;
}

std::optional<Generations> required_generations(const DatabaseHeader& header) noexcept {
    if (header.state != database_state_dirty) return std::nullopt;
    if (header.required_min == 0 || header.required_min > header.required_max) return std::nullopt;
    return Generations{header.required_min, header.required_max};
}

std::optional<std::uint32_t>
lowest_required(const std::vector<CheckedDatabase>& databases) noexcept {
    std::optional<std::uint32_t> lowest;
    for (const auto& database : databases) {
        const auto needed = database.header ? required_generations(*database.header) : std::nullopt;
        if (needed) lowest = std::min(lowest.value_or(needed->low), needed->low);
    }
    return lowest;
}

void check_log_needs(const std::vector<CheckedDatabase>& databases, Generations given,
                     const std::optional<Signature>& logs, Findings& findings) {
    for (const auto& database : databases) {
        if (!database.header) continue;
        const DatabaseHeader& header = *database.header;
        if (logs && !header.log_signature.is_zero() && header.log_signature != *logs) {
            findings.add("VER-3", database.path,
                         fail(hrBadLogSignature, shown(database.path),
                              ": the log signature at offset 108 is ",
                              shown(header.log_signature.bytes), " where that of the logs, ",
                              shown(logs->bytes), ", is expected"));
        }
        const auto needed = required_generations(header);
        if (needed && needed->low < given.low) {
            findings.add("VER-3", database.path,
                         fail(hrRestoreLogTooHigh, shown(database.path),
                              ": the lowest required generation (at offset 296, else 200) is ",
                              needed->low, " where ", given.low,
                              ", the first one given, or more is expected"));
        }
        if (needed && needed->high > given.high) {
            findings.add("VER-3", database.path,
                         fail(hrRestoreLogTooLow, shown(database.path),
                              ": the highest required generation (at offset 300, else 204) is ",
                              needed->high, " where ",
                              given.high == 0
                                  ? std::string("none is expected, since there are no logs")
                                  : text(given.high, ", the last one given, or less is expected")));
        }
    }
}

} // namespace ntdsb::ese
