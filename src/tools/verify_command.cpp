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

void print_verdict(std::ostream& out, const std::string& name, const ese::Report& report) {
    if (report.findings.empty()) {
        out << name << ": sound\n";
        return;
    }
    out << name << ": not sound, " << report.findings.size()
        << (report.findings.size() == 1 ? " fault\n" : " faults\n");
    print_findings(out, report);
}

} // namespace

int verify(const Options& options, const std::vector<std::string>& paths, bool headers_only) {
    const InterruptGuard guard;
    const platform::ThreadPrivileges privileges;
    Json json_paths = Json::array();
    bool sound = true;
    for (const std::string& name : paths) {
        const auto verified = verify_path(options, name, headers_only);
        if (!verified) return report(options, verified.error(), exit_failed);
        if (verified.value().result == ERROR_OPERATION_ABORTED)
            return report(options, interruption(), exit_failed);
        const bool is_sound = verified.value().findings.empty();
        sound = sound && is_sound;
        if (options.json)
            json_paths.push_back({{"path", name},
                                  {"sound", is_sound},
                                  {"findings", findings_json(verified.value())}});
        else
            print_verdict(*options.out, name, verified.value());
    }
    if (options.json) print(options, {{"sound", sound}, {"paths", std::move(json_paths)}});
    return sound ? exit_ok : exit_no;
}

} // namespace ntdsb::tools
