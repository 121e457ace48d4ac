// See verification.h.
#include "tools/verification.h"

#include "core/path.h"
#include "tools/interrupt.h"
#include "tools/progress.h"

#include <algorithm>
#include <ostream>

namespace ntdsb::tools {

namespace {

std::string lower_name(const platform::Path& file) {
    std::string name = shown(file.filename());
    std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return name;
}

bool is_database_name(const platform::Path& file) {
    const std::string name = lower_name(file);
    if (name == "temp.edb" || name == "tmp.edb") return false;
    return name.ends_with(".dit") || name.ends_with(".edb");
}

// The logs of a log path, all of which recovery may need: 0..highest (contract REG-10). A log that
// cannot be read counts by its name, so that the verification finds it damaged.
Result<std::uint32_t> newest_generation(const platform::Path& log_path) {
    NTDSB_TRY(const auto logs, ese::list_log_files(log_path));
    std::uint32_t highest = 0;
    for (const auto& log : logs) {
        const auto header = ese::read_log_header(log.path);
        if (header)
            highest = std::max(highest, header.value().generation);
        else if (log.name_generation)
            highest = std::max(highest, *log.name_generation);
    }
    return highest;
}

Result<ese::RestoreSet> live_set(const platform::Path& log_path) {
    ese::RestoreSet set;
    set.log_path = log_path;
    set.backup_log_path = log_path;
    set.check_identities = false;
    NTDSB_TRY(set.gen_high, newest_generation(log_path));
    return set;
}

} // namespace

Result<ese::RestoreSet> files_of(const service::Instance& instance) {
    NTDSB_TRY(auto set, live_set(instance.log_path()));
    set.databases = {instance.database()};
    set.configured_database = instance.database();
    set.checkpoint_path = instance.checkpoint_path();
    return set;
}

Result<ese::RestoreSet> files_of(const platform::Path& folder) {
    NTDSB_TRY(auto set, live_set(folder));
    NTDSB_TRY(const auto entries, platform::list_folder(folder));
    for (const auto& entry : entries) {
        if (!entry.info.is_folder && is_database_name(entry.name))
            set.databases.push_back(folder / entry.name);
    }
    if (set.databases.empty())
        return fail(ERROR_FILE_NOT_FOUND, shown(folder),
                    " has no database (*.dit, *.edb) and no manifest.json of a backup"
                    "; name the files themselves");
    std::ranges::sort(set.databases);
    set.checkpoint_path = folder;
    return set;
}

ese::Report verify(const Options& options, const ese::RestoreSet& set) {
    Progress progress(options, "verifying");
    return ese::verify_restore_set(
        set, interrupted(),
        [&](std::uint64_t done, std::uint64_t total) { progress.update(done, total); });
}

Json findings_json(const ese::Report& report) {
    Json findings = Json::array();
    for (const auto& finding : report.findings)
        findings.push_back({{"error", code_name(finding.code)},
                            {"code", static_cast<std::uint32_t>(finding.code)},
                            {"file", shown(finding.file)},
                            {"what", finding.what}});
    return findings;
}

void print_findings(std::ostream& out, const ese::Report& report) {
    for (const auto& finding : report.findings)
        out << "  " << finding.what << " (" << code_name(finding.code) << ")\n";
}

} // namespace ntdsb::tools
