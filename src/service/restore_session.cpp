// The restore session: what may be called when, and what Register and Complete demand (sessions.h;
// contract PREP-1..CMPL-5). Arguments of Register are judged in restore_arguments.h, locks and the
// record are the interlock's, files are ese's.
#include "core/log.h"
#include "core/path.h"
#include "platform/process.h"
#include "service/locations.h"
#include "service/restore_arguments.h"
#include "service/sessions.h"

#include <algorithm>

namespace ntdsb::service {

namespace {

constexpr std::uint32_t restore_type_catchup = 4; // RESTORE_TYPE_CATCHUP of the public header

Result<ExpiryToken> check_token(const wire::Bytes& bytes, const DirectoryConfig& directory) {
    NTDSB_TRY(auto token, decode_token(bytes));
    NTDSB_CHECK(
        check_token_age(token, directory.tombstone_lifetime_days, platform::now_filetime()));
    return token;
}

} // namespace

std::u16string Session::locations() const { return database_locations(*instance_); }

RestoreSession::RestoreSession(InstancePtr instance, std::optional<ExpiryToken> token)
    : Session(SessionKind::restore, std::move(instance)), token_(std::move(token)) {}

Result<std::unique_ptr<RestoreSession>>
RestoreSession::prepare(const ConfigPtr& config, const wire::RestorePrepare::Request& request) {
    if (request.flags != 0 && request.flags != restore_type_catchup)
        return fail(ERROR_INVALID_PARAMETER, "PREP-1: DsRestorePrepare with rtFlag ",
                    hex(std::uint64_t{request.flags}),
                    "; only 0 and RESTORE_TYPE_CATCHUP are supported");
    NTDSB_CHECK(platform::check_right(platform::Right::restore)); // ACC-1
    const platform::ThreadPrivileges privileges;
    NTDSB_TRY(auto instance, Instance::open(config, request.instance));
    std::optional<ExpiryToken> token;
    if (request.token) {
        if (request.token->empty())
            return fail(ERROR_INVALID_PARAMETER,
                        "PREP-3: DsRestorePrepare with a token of 0 bytes");
        NTDSB_TRY(token, check_token(*request.token, instance->directory()));
    }
    return std::unique_ptr<RestoreSession>(
        new RestoreSession(std::move(instance), std::move(token)));
}

Result<void> RestoreSession::check_unrestricted() const {
    if (token_) return ok();
    return fail(hrMissingExpiryToken, "PREP-2: the handle was prepared without an expiry token; "
                                      "prepare it with the token that DsBackupPrepare gave");
}

Result<void> RestoreSession::register_restore(wire::RestoreRegister::Request request,
                                              const std::vector<std::u16string>* remote_roots) {
    NTDSB_CHECK(check_unrestricted());
    const platform::ThreadPrivileges privileges;
    if (remote_roots) NTDSB_CHECK(check_remote_names(request));
    NTDSB_CHECK(resolve_register_arguments(request, instance_->directory()));
    std::optional<RemotePlaces> remote;
    if (remote_roots) {
        NTDSB_TRY(remote, find_remote_places(instance_->directory(), *remote_roots));
        NTDSB_CHECK(check_remote_paths(request, *remote));
    }
    // This session's own registration holds the lock as any other's does (REG-8).
    NTDSB_TRY(registration_, RestoreRegistration::enter(instance_, std::move(request)));
    remote_ = std::move(remote);
    log::info("REG-0: a restore of ", instance_->directory().database,
              " is registered; the directory cannot start until it is completed");
    return ok();
}

Result<ese::RestoreSet> RestoreSession::restored_set() const {
    const wire::RestoreRegister::Request& registered = registration_->request();
    auto request = registered;
    ese::RestoreSet set;
    set.configured_database = instance_->database();
    if (remote_) { // ACC-4
        NTDSB_TRY(request, check_remote_paths(registered, *remote_));
        set.configured_database = native_path(remote_->database);
        set.links = platform::Links::refused;
    }
    for (std::size_t i = 0; i < request.map.size(); ++i) {
        if (!is_checkpoint_pair(registered.map[i], instance_->directory()))
            set.databases.push_back(native_path(request.map[i].target));
    }
    set.log_path = native_path(request.log_path);
    set.backup_log_path = native_path(request.backup_log_path);
    set.checkpoint_path = native_path(request.checkpoint_path);
    set.gen_low = request.gen_low;
    set.gen_high = request.gen_high;
    set.identities = token_->databases;
    set.verify_pages = instance_->directory().verify == VerifyLevel::full; // VER-6
    return set;
}

Result<void> RestoreSession::verify_and_place(const std::atomic<bool>& cancelled) const {
    NTDSB_TRY(const ese::RestoreSet set, restored_set());
    const ese::Report report = ese::verify_restore_set(set, cancelled);
    if (report.result == ERROR_OPERATION_ABORTED)
        return fail(report.result, "COM-11: the verification was cancelled; the restore stays "
                                   "registered, and nothing is unblocked");
    for (const ese::Finding& finding : report.findings) log::error("CMPL-4: ", finding.what);
    const auto link =
        std::ranges::find(report.findings, platform::link_refused, &ese::Finding::code);
    if (link != report.findings.end()) return fail(link->code, link->what);
    if (report.result != S_OK)
        return fail(
            report.result, "CMPL-4: the restored files are not sound (", report.findings.size(),
            " findings, each in the log); mend them and complete again, or report the failure");
    return ese::make_startable(set, report, cancelled); // VER-7, VER-9
}

Result<void> RestoreSession::complete(Code restore_state, const std::atomic<bool>& cancelled) {
    NTDSB_CHECK(check_unrestricted());
    if (!registration_)
        return fail(ERROR_INVALID_PARAMETER, "CMPL-1: this session has no registered restore to "
                                             "complete; call DsRestoreRegister first");
    const platform::ThreadPrivileges privileges;
    if (restore_state != S_OK) {
        NTDSB_CHECK(registration_->record_failure(restore_state));
        registration_.reset();
        log::warn("CMPL-2: the restore of ", instance_->directory().database, " failed with ",
                  hex(restore_state), "; the directory stays blocked until a restore succeeds");
        return ok();
    }
    auto placed = verify_and_place(cancelled);
    if (!placed && placed.error().code == platform::link_refused)
        return fail(ERROR_ACCESS_DENIED, "ACC-4: ", placed.error().what,
                    "; the files of a remote caller's restore, and the folders that they are in, "
                    "may be no links: put the files themselves there, and complete again");
    NTDSB_CHECK(std::move(placed));
    NTDSB_CHECK(registration_->complete());
    registration_.reset();
    log::info("CMPL-3: the restore of ", instance_->directory().database,
              " is complete; the directory may start");
    return ok();
}

} // namespace ntdsb::service
