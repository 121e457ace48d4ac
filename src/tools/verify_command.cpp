// verify: whether databases, logs and checkpoints are sound. A folder is judged as a whole: a
// backup of ours by its manifest, its token and the rules of a restore, any other as a directory's
// folder; a file by itself.
#include "tools/interrupt.h"
#include "tools/manifest.h"
#include "tools/verification.h"

#include "platform/process.h"
#include "service/expiry_token.h"

#include <ostream>

namespace ntdsb::tools {

namespace {

Code worst(Code first, Code second) { return first != S_OK ? first : second; }

// Sizes and sums first: files that are not the backup's any more need no other finding.
Result<ese::Report> verify_backup(const Options& options, const platform::Path& folder,
                                  bool headers_only) {
    NTDSB_TRY(const Manifest manifest, load_manifest(folder));
    ese::Report report;
    {
        Progress progress(options, "checking sums");
        for (auto& fault : check_backup_files(folder, manifest, progress, interrupted())) {
            report.result = worst(report.result, fault.error.code);
            report.findings.push_back(
                {fault.error.code, std::move(fault.file), std::move(fault.error.what)});
        }
    }
    if (!report.findings.empty()) return report;

    NTDSB_TRY(const auto token_bytes,
              platform::read_whole_file(file_in(folder, manifest.token().name), largest_token));
    NTDSB_TRY(const auto token, service::decode_token(token_bytes));
    ese::RestoreSet set;
    set.databases = {file_in(folder, manifest.database().name)};
    set.log_path = set.backup_log_path = set.checkpoint_path = folder;
    set.gen_low = manifest.gen_low;
    set.gen_high = manifest.gen_high;
    set.identities = token.databases;
    set.verify_pages = !headers_only;
    report = verify(options, set);
    // PREP-5: the files may be as they were, and still no restore would take them.
    if (auto age = service::check_token_age(token, token.tombstone_lifetime_days,
                                            platform::now_filetime());
        !age && report.result != ERROR_OPERATION_ABORTED) {
        report.result = worst(report.result, age.error().code);
        report.findings.push_back({age.error().code, file_in(folder, manifest.token().name),
                                   std::move(age.error().what)});
    }
    return report;
}

Result<ese::Report> verify_folder(const Options& options, const platform::Path& folder,
                                  bool headers_only) {
    NTDSB_TRY(const auto manifest, platform::file_info(folder / manifest_name));
    if (manifest) return verify_backup(options, folder, headers_only);
    NTDSB_TRY(auto set, files_of(folder));
    set.verify_pages = !headers_only;
    return verify(options, set);
}

Result<ese::Report> verify_path(const Options& options, const std::string& name,
                                bool headers_only) {
    NTDSB_TRY(const auto path, path_argument(name));
    NTDSB_TRY(const auto info, platform::file_info(path));
    if (!info) return fail(ERROR_FILE_NOT_FOUND, shown(path), ": there is no such file or folder");
    std::error_code ignored;
    if (info->is_folder || std::filesystem::is_directory(path, ignored))
        return verify_folder(options, path, headers_only);
    Progress progress(options, "verifying");
    return ese::verify_file(
        path, !headers_only, interrupted(),
        [&](std::uint64_t done, std::uint64_t total) { progress.update(done, total); });
}

// "edb00003.log"
std::string log_name(std::uint32_t generation) { return text(ese::log_file_name(generation)); }

void print_verdict(std::ostream& out, const std::string& name, const ese::Report& report) {
    const auto faults = report.findings.size();
    if (faults == 0)
        out << name << ": sound\n";
    else
        out << name << ": not sound, " << faults << (faults == 1 ? " fault\n" : " faults\n");
    print_findings(out, report);
    if (const auto& logs = report.needed_logs)
        out << "  it was not shut down cleanly: recovery needs its logs " << log_name(logs->low)
            << " to " << log_name(logs->high)
            << ", which were not looked at; name the folder that holds both\n";
}

Json verdict_json(const std::string& name, const ese::Report& report) {
    Json verdict{
        {"path", name}, {"sound", report.findings.empty()}, {"findings", findings_json(report)}};
    if (const auto& logs = report.needed_logs)
        verdict["needs_logs"] = {{"gen_low", logs->low}, {"gen_high", logs->high}};
    return verdict;
}

} // namespace

int verify(const Options& options, const std::vector<std::string>& paths, bool headers_only) {
    const InterruptGuard guard;
    const platform::ThreadPrivileges privileges;
    Json json_paths = Json::array();
    bool sound = true;
    bool all_judged = true;
    for (const std::string& name : paths) {
        auto verified = verify_path(options, name, headers_only);
        if (verified && verified.value().result == ERROR_OPERATION_ABORTED)
            verified = interruption();
        if (verified) {
            sound = sound && verified.value().findings.empty();
            if (options.json)
                json_paths.push_back(verdict_json(name, verified.value()));
            else
                print_verdict(*options.out, name, verified.value());
            continue;
        }
        // The others' verdicts are worth having all the same.
        all_judged = false;
        if (options.json) {
            Json unjudged{{"path", name}};
            unjudged.update(error_json(verified.error()));
            json_paths.push_back(std::move(unjudged));
        } else {
            report(options, verified.error(), exit_failed);
        }
        if (interrupted()) break;
    }
    if (options.json)
        print(options, {{"sound", sound && all_judged}, {"paths", std::move(json_paths)}});
    if (!all_judged) return exit_failed;
    return sound ? exit_ok : exit_no;
}

} // namespace ntdsb::tools
