// One file by itself (verify_file of restore_set.h): the checks of a restore set, as far as they
// need no other file.
#include "ese/checkpoint_check.h"
#include "ese/database_check.h"
#include "ese/header_file.h"
#include "ese/log_gather.h"
#include "ese/page_scan.h"
#include "ese/restore_set.h"
#include "ese/work.h"

#include "core/path.h"

namespace ntdsb::ese {
namespace {

bool is_checkpoint_name(const platform::Path& file) {
    // Without case on every platform: the file may come from another one.
    return same_path(wire_path(file.filename()), u"edb.chk", PathStyle::windows);
}

std::optional<Generations> check_database(const platform::Path& file, bool verify_pages, Work& work,
                                          Findings& findings) {
    RestoreSet set;
    set.databases = {file};
    set.check_identities = false;
    const auto databases = check_databases(set, findings);
    std::optional<Generations> needed;
    for (const auto& database : databases) {
        if (!database.header) continue;
        needed = required_generations(*database.header);
        if (!verify_pages) continue;
        work.expect(scan_size(*database.header));
        scan_pages(database, set.links, work, findings);
    }
    return needed;
}

// VER-2 for one log; a reserve of zeros is as it should be.
void check_log(const platform::Path& file, Findings& findings) {
    std::vector<LogCandidate> candidates{{{file, generation_of_name(file)}, true, {}, {}}};
    read_candidates(candidates, platform::Links::followed);
    for (const auto& log : candidates) {
        for (const auto& fault : log.faults) findings.add("VER-2", file, fault);
    }
}

void check_lone_checkpoint(const platform::Path& file, Findings& findings) {
    const auto info = platform::file_info(file);
    if (info && !info.value())
        findings.add("VER-4", file,
                     fail(hrCheckpointCorrupt, shown(file), ": there is no such file"));
    else
        check_checkpoint(file, platform::Links::followed, std::nullopt, std::nullopt, findings);
}

} // namespace

Report verify_file(const platform::Path& file, bool verify_pages,
                   const std::atomic<bool>& cancelled, const Progress& progress) {
    Work work(cancelled, progress);
    Findings findings;
    Report report;
    if (is_log_name(file))
        check_log(file, findings);
    else if (is_checkpoint_name(file))
        check_lone_checkpoint(file, findings);
    else
        report.needed_logs = check_database(file, verify_pages, work, findings);
    report.findings = findings.take();
    report.result = work.cancelled() ? Code{ERROR_OPERATION_ABORTED} : result_of(report.findings);
    return report;
}

} // namespace ntdsb::ese
