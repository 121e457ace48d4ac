// Whether a restored set of files is one from which the directory can recover: contract section 5
// (VER-1..VER-9). Knows files and rules, no session and no record.
#pragma once

#include "core/result.h"
#include "ese/headers.h"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ntdsb::ese {

// What the expiry token says of one database at backup time (contract PREP-6).
struct DatabaseIdentity {
    Signature signature;
    std::uint64_t size = 0;
    std::uint64_t dbtime = 0;
    std::uint32_t header_checksum = 0;
    bool operator==(const DatabaseIdentity&) const = default;
};

struct RestoreSet {
    // The map's targets that are databases (contract REG-9, VER-1).
    std::vector<platform::Path> databases;
    platform::Path configured_database; // must be among `databases`; empty: none must (`ntdsbctl
                                        // verify`)
    platform::Path log_path;
    platform::Path backup_log_path;
    platform::Path checkpoint_path; // a file, or the folder of edb.chk
    std::uint32_t gen_low = 0;
    std::uint32_t gen_high = 0;               // 0..0: no logs (contract REG-10)
    std::vector<DatabaseIdentity> identities; // from the token
    bool check_identities = true; // false: no token at hand, VER-5 is left out (`ntdsbctl verify`)
    bool verify_pages = true;     // verify = "full"
    // Refused: a link anywhere in these paths, or in a log's place, is platform::link_refused, as a
    // finding or a call's result (contract ACC-4).
    platform::Links links = platform::Links::followed;
};

struct Finding {
    Code code = 0;
    platform::Path file;
    std::string what;
};

// A log to be copied into the log path (contract VER-7).
struct LogPlacement {
    platform::Path from;
    platform::Path to;
};

struct Generations {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
};

struct Report {
    std::vector<Finding> findings;
    // Of verify_file: the logs without which this database cannot be recovered, and which were not
    // looked at. None: it needs none.
    std::optional<Generations> needed_logs;
    std::vector<LogPlacement> placements;              // meaningful when `findings` is empty
    platform::Links links = platform::Links::followed; // the set's
    // S_OK, or the code that comes first in the order of VER-8, link_refused before them all;
    // ERROR_OPERATION_ABORTED if the verification was cancelled.
    Code result = 0;
};

// Bytes done of bytes in all, for progress displays; may be empty. `cancelled` is looked at at
// least once a MiB.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;
Report verify_restore_set(const RestoreSet& set, const std::atomic<bool>& cancelled,
                          const Progress& progress = {});

// One file by itself, by its name: a log (edb*.log: VER-2, as far as a single one goes), a
// checkpoint (edb.chk: VER-4), or else a database (VER-1, VER-3's states, VER-6). Other files
// are not looked at; which logs a database needs is said.
Report verify_file(const platform::Path& file, bool verify_pages,
                   const std::atomic<bool>& cancelled, const Progress& progress = {});

// Whether a code says of files that they are not sound (VER-8), where a call returns it.
bool is_unsound(Code code) noexcept;

// VER-7: copies each placement (new file, flush, rename, flush of the folder); an existing file
// that differs is never overwritten: hrExistingLogFileHasBadSignature. Running it again after a
// crash completes it. Where links are refused, so is a log to copy that has a second name (a hard
// link): ERROR_ACCESS_DENIED, since whoever gave it need not be one who may read it (contract ACC-4).
// A log that lies in the log path under its number already, and is wanted there
// as edb.log, is renamed.
// ERROR_OPERATION_ABORTED if it was cancelled.
Result<void> place_logs(const Report& report, const std::atomic<bool>& cancelled);

// VER-9: what recovery will read is on stable storage when this returns: the databases, the logs of
// the log path, the checkpoint, and their folders. Whoever copied them may not have seen to it.
// ERROR_OPERATION_ABORTED if it was cancelled.
Result<void> flush_restored(const RestoreSet& set, const std::atomic<bool>& cancelled);

// Both, in this order: what is to be done of a set that was found sound, `report`, before the
// directory may start from it.
Result<void> make_startable(const RestoreSet& set, const Report& report,
                            const std::atomic<bool>& cancelled);

} // namespace ntdsb::ese
