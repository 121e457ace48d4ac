// Which files belong together, for the commands that ask whether they are sound (contract section
// 5): a directory instance's own, a folder's, a backup's. The judgement itself is ese's.
#pragma once

#include "ese/restore_set.h"
#include "tools/output.h"

namespace ntdsb::tools {

// An instance's live files: the configured database, its logs and its checkpoint.
Result<ese::RestoreSet> files_of(const service::Instance& instance);

// A folder's: every *.dit and *.edb in it but ESE's temporary databases, its logs, its edb.chk.
// ERROR_FILE_NOT_FOUND: it has no database.
Result<ese::RestoreSet> files_of(const platform::Path& folder);

// With progress, and ended early by `interrupted`.
ese::Report verify(const Options& options, const ese::RestoreSet& set);

Json findings_json(const ese::Report& report);
// One line a finding, for people.
void print_findings(std::ostream& out, const ese::Report& report);

} // namespace ntdsb::tools
