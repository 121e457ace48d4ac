// The backup session: what may be called when, and the lists it answers with (sessions.h; contract
// BPREP-1..BEND-1). Files are the reader's, locks the interlock's.
#include "service/sessions.h"

#include "core/log.h"
#include "core/path.h"
#include "platform/process.h"
#include "service/locations.h"
#include "service/log_truncation.h"

#include <algorithm>

namespace ntdsb::service {

namespace {

constexpr std::uint32_t backup_type_full = 1; // BACKUP_TYPE_FULL of the public header

Result<void> check_arguments(const wire::BackupPrepare::Request& request) {
    if (request.grbit == 0 && request.type == backup_type_full) return ok();
    return fail(ERROR_INVALID_PARAMETER, "BPREP-1: DsBackupPrepare with grbit ",
                hex(std::uint64_t{request.grbit}), " and type ", hex(std::uint64_t{request.type}),
                "; only grbit 0 and BACKUP_TYPE_FULL are supported");
}

std::u16string list_of(const std::vector<BackupFile>& files) {
    std::u16string list;
    for (const auto& file : files) append_entry(list, file.bft, file.listed_path);
    close_list(list);
    return list;
}

Error no_open_file(std::string_view rule, std::string_view call) {
    return fail(hrInvalidHandle, rule, ": ", call, " without an open file; call DsBackupOpenFile");
}

// A BackupRead reply that holds no bytes.
Result<void> refuse_read(std::uint32_t size, const Error& error, wire::ReplySink& reply) {
    log::info(error.what);
    wire::ReadReplyWriter writer(reply);
    NTDSB_CHECK(writer.begin(std::min(size, wire::max_read_bytes), 0));
    return writer.finish(error.code);
}

} // namespace

BackupSession::BackupSession(InstancePtr instance, BackupClaim claim, BackupFiles files)
    : Session(SessionKind::backup, std::move(instance)), claim_(std::move(claim)),
      files_(std::move(files)) {}

Result<BackupSession::Prepared>
BackupSession::prepare(const ConfigPtr& config, const wire::BackupPrepare::Request& request) {
    NTDSB_CHECK(check_arguments(request));
    NTDSB_CHECK(platform::check_right(platform::Right::backup)); // ACC-1
    const platform::ThreadPrivileges privileges;
    NTDSB_TRY(auto instance, Instance::open(config, request.instance));
    const auto& directory = instance->directory();
    const auto source =
        directory.snapshot_path.empty() ? BackupSource::live : BackupSource::snapshot; // BPREP-3
    NTDSB_TRY(auto claim, BackupClaim::enter(*instance, source));                      // BPREP-4..6
    NTDSB_TRY(auto files, find_backup_files(*instance, source));

    Prepared prepared;
    prepared.token.backup_time = platform::now_filetime();
    prepared.token.tombstone_lifetime_days = directory.tombstone_lifetime_days;
    prepared.token.databases = files.identities;
    log::info("BPREP-3: backup of ", wire_path(files.databases.front().source), " with ",
              files.logs.size(), " logs begins");
    prepared.session.reset(
        new BackupSession(std::move(instance), std::move(claim), std::move(files)));
    return prepared;
}

Result<std::u16string> BackupSession::database_names() const { return list_of(files_.databases); }

Result<std::u16string> BackupSession::backup_logs() const { return list_of(files_.logs); }

Result<std::uint64_t> BackupSession::open_file(std::u16string_view name) {
    if (name.empty()) return fail(ERROR_INVALID_PARAMETER, "BOPEN-1: the file's name is empty");
    if (reader_) {
        return fail(hrAlreadyOpen,
                    "BOPEN-3: a file is open already on this handle; call DsBackupClose first");
    }
    auto* file = files_.find(name);
    if (!file) {
        return fail(ERROR_FILE_NOT_FOUND, "BOPEN-2: \"", name,
                    "\" is not a file of this backup; give a full path as "
                    "DsBackupGetDatabaseNames and DsBackupGetBackupLogs list them");
    }
    const platform::ThreadPrivileges privileges;
    const bool verify_pages = instance_->directory().verify != VerifyLevel::off; // VER-6
    NTDSB_TRY(reader_, BackupReader::open(*file, verify_pages));
    return file->size;
}

Result<void> BackupSession::read(std::uint32_t size, wire::ReplySink& reply) {
    if (!reader_) return refuse_read(size, no_open_file("BREAD-3", "DsBackupRead"), reply);
    if (size == 0)
        return refuse_read(size, fail(ERROR_INVALID_PARAMETER, "BREAD-1: a read of 0 bytes"),
                           reply);
    return reader_->read(size, reply);
}

Result<void> BackupSession::close_file() {
    if (!reader_) return no_open_file("BCLOSE-1", "DsBackupClose");
    reader_.reset();
    return ok();
}

Result<void> BackupSession::truncate_logs() {
    NTDSB_CHECK(platform::check_right(platform::Right::backup)); // ACC-1
    if (!files_.all_delivered()) {
        return fail(hrInvalidBackupSequence,
                    "BTRUNC-1: not every listed database and log was read to its last byte; read "
                    "them all, then call DsBackupTruncateLogs");
    }
    const platform::ThreadPrivileges privileges;
    return with_no_restore(*instance_,
                           [this] { return service::truncate_logs(*instance_, files_); });
}

} // namespace ntdsb::service
