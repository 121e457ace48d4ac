// The verification in its order: small reads first, pages last. The checks are in the files named
// after them.
#include "ese/restore_set.h"

#include "ese/checkpoint_check.h"
#include "ese/database_check.h"
#include "ese/log_chain.h"
#include "ese/page_scan.h"
#include "ese/work.h"

namespace ntdsb::ese {

Report verify_restore_set(const RestoreSet& set, const std::atomic<bool>& cancelled,
                          const Progress& progress) {
    Work work(cancelled, progress);
    Findings findings;
    Report report;

    const auto databases = check_databases(set, findings);
    if (set.verify_pages) {
        for (const auto& database : databases)
            work.expect(database.header ? scan_size(*database.header) : 0);
    }
    auto chain = check_log_chain(set, databases, work, findings);
    check_log_needs(databases, chain.given, chain.logs, findings);
    check_checkpoint(set.checkpoint_path, set.links, chain.stream, lowest_required(databases),
                     findings);
    for (const auto& database : databases) {
        if (set.verify_pages && database.header) scan_pages(database, set.links, work, findings);
    }

    report.placements = std::move(chain.placements);
    report.links = set.links;
    report.findings = findings.take();
    report.result = work.cancelled() ? Code{ERROR_OPERATION_ABORTED} : result_of(report.findings);
    return report;
}

} // namespace ntdsb::ese
