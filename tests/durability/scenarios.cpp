// The scenarios' table (scenarios.h).
#include "scenarios.h"

#include "platform/domain_controller.h"
#include "service/abandon.h"
#include "wire/read_reply.h"

namespace ntdsb::service {

namespace {

// What recovery finds in the log path alone.
ese::RestoreSet recovered_set(const RestoreDirectory& directory) {
    ese::RestoreSet set;
    set.databases = {directory.database()};
    set.configured_database = directory.database();
    set.log_path = set.backup_log_path = set.checkpoint_path = directory.ntds();
    set.gen_low = 3;
    set.gen_high = 5;
    set.check_identities = false;
    return set;
}

void must(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(text("could not prepare: ", what));
}

// --- beginnings

void nothing(Stage&) {}
void opened(Stage& stage) { static_cast<void>(stage.directory.instance()); }
void registered(Stage& stage) {
    stage.session = stage.client.prepared();
    must(stage.client.register_whole(stage.session) == S_OK, "registered");
}
void settle(Stage& stage, Code state) {
    Client other(stage.directory);
    const auto session = other.prepared();
    must(other.register_whole(session) == S_OK, "registered");
    if (state != 1) must(other.complete(session, state) == S_OK, "completed");
}
void orphaned(Stage& stage) { settle(stage, 1); }
void failed(Stage& stage) { settle(stage, failed_restore); }
void completed(Stage& stage) { settle(stage, S_OK); }
void started(Stage& stage) {
    completed(stage);
    must(bool{start_directory(*stage.directory.instance())}, "started");
}
void damaged(Stage& stage) {
    completed(stage);
    test::flip_bit(stage.directory.record_file(), 20);
}
void of_the_future(Stage& stage) {
    completed(stage);
    test::flip_bit(stage.directory.record_file(), 8, 1);
}
// What a crash in the middle of Complete leaves: one log in its place, half of another.
void half_completed(Stage& stage) {
    orphaned(stage);
    const auto log = [&](const char* name) { return stage.directory.backup() / name; };
    std::filesystem::copy_file(log("edb00003.log"), stage.directory.ntds() / "edb00003.log");
    auto half = test::read_file(log("edb00004.log"));
    half.resize(half.size() / 2);
    test::write_file(stage.directory.ntds() / "ntdsb-restore-edb00004.log.unfinished", half);
}
// What a tool leaves that has copied everything and dies before Complete.
void copied(Stage& stage) {
    orphaned(stage);
    for (const char* log : {"edb00003.log", "edb00004.log", "edb00005.log"})
        std::filesystem::copy_file(stage.directory.backup() / log, stage.directory.ntds() / log);
}
// The logs 1..5 lie in their place; recovery needs 3..5.
void running_well(Stage& stage) {
    const auto& directory = stage.directory;
    test::LogChain{directory.signature}.from(1).to(5).current().write(directory.ntds());
    test::EseCheckpoint{directory.signature}.generation(3).write(directory.ntds() / "edb.chk");
    static_cast<void>(directory.instance());
}
// And its backup was read whole.
void backed_up(Stage& stage) {
    running_well(stage);
    const auto begun = stage.client.call<wire::BackupPrepare>({u"", 0, 1});
    must(begun.status == S_OK, "backup");
    stage.session = begun.session;
    const auto databases = stage.client.call<wire::BackupGetDatabaseNames>({begun.session});
    const auto logs = stage.client.call<wire::BackupGetBackupLogs>({begun.session});
    const std::u16string names = databases.list.value() + logs.list.value();
    for (std::size_t at = 0; at < names.size();) {
        const std::u16string name = names.substr(at, names.find(u'\0', at) - at);
        at += name.size() + 1;
        if (name.empty()) continue;
        must(stage.client.call<wire::BackupOpenFile>({begun.session, name, 0}).status == S_OK,
             "open");
        test::Bytes buffer(1 << 20);
        wire::ReadReplySink sink(buffer);
        must(bool{stage.client.association().call(
                 wire::BackupRead::interface_of, wire::BackupRead::opnum,
                 wire::encode(wire::BackupRead::Request{begun.session, 1 << 20}), sink)},
             "read");
        must(stage.client.call<wire::BackupClose>({begun.session}).status == S_OK, "close");
    }
}
void with_number_seven(Stage& stage) {
    must(stage.client.call<wire::SetCurrentLogNumber>({u"", 7}).status == S_OK, "number");
}

// --- what may be stopped

Code prepare_session(Stage& stage) { return stage.client.prepare(stage.directory.token()).status; }
Code register_restore(Stage& stage) { return stage.client.register_whole(stage.client.prepared()); }
Code complete(Stage& stage) { return stage.client.complete(stage.session, S_OK); }
Code report_failure(Stage& stage) { return stage.client.complete(stage.session, failed_restore); }
Code restore_whole(Stage& stage) {
    const auto session = stage.client.prepared();
    const Code entered = stage.client.register_whole(session);
    return entered == S_OK ? stage.client.complete(session, S_OK) : entered;
}
// Also opening the instance may be what fails.
Code start(Stage& stage) {
    const auto instance = Instance::open(stage.directory.shared_config(), u"");
    return instance ? code_of(start_directory(*instance.value())) : instance.error().code;
}
Code abandon_with(Stage& stage, const std::function<Result<void>()>& make_ready) {
    const auto instance = Instance::open(stage.directory.shared_config(), u"");
    if (!instance) return instance.error().code;
    const auto seen = interlock_status(*instance.value());
    return seen ? code_of(abandon_restore(*instance.value(), seen.value(), make_ready))
                : seen.error().code;
}
Code abandon(Stage& stage) {
    return abandon_with(stage, [] { return ok(); });
}
Code abandon_what_verifies(Stage& stage) {
    const auto set = recovered_set(stage.directory);
    const auto report = ese::verify_restore_set(set, false);
    if (report.result != S_OK) return report.result;
    return abandon_with(stage, [&] { return ese::make_startable(set, report, false); });
}
Code back_up(Stage& stage) { return stage.client.call<wire::BackupPrepare>({u"", 0, 1}).status; }
Code truncate(Stage& stage) {
    return stage.client.call<wire::BackupTruncateLogs>({stage.session}).status;
}
Code set_number_eight(Stage& stage) {
    return stage.client.call<wire::SetCurrentLogNumber>({u"", 8}).status;
}

// --- what must hold besides

std::string nothing_else(RestoreDirectory&) { return {}; }
std::string recoverable(RestoreDirectory& directory) {
    if (std::filesystem::exists(directory.ntds() / "edb00001.log") &&
        !std::filesystem::exists(directory.ntds() / "edb00002.log"))
        return "a hole in the logs";
    return recovery_fault(directory);
}
std::string recoverable_if_unblocked(RestoreDirectory& directory) {
    return state_word(directory) == "none" ? recovery_fault(directory) : std::string();
}
std::string number_seven_or_eight(RestoreDirectory& directory) {
    const auto bytes = test::read_file(directory.state() / "current-log");
    const std::string line(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return line == "7\n" || line == "8\n" ? std::string() : text("the number is ", line);
}

} // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all{
        {"OpenFirst", "none", "none", nothing, prepare_session, nothing_else},
        {"RegisterFirst", "none", "registered", opened, register_restore, nothing_else},
        {"RegisterAfterOrphan", "registered", "registered", orphaned, register_restore,
         nothing_else},
        {"RegisterAfterFailed", "failed", "registered", failed, register_restore, nothing_else},
        {"RegisterAfterCompleted", "completed", "registered", completed, register_restore,
         nothing_else},
        {"RegisterAfterStarted", "started", "registered", started, register_restore, nothing_else},
        {"RegisterAfterDamaged", "unreadable", "registered", damaged, register_restore,
         nothing_else},
        {"RegisterAfterFuture", "unreadable", "registered", of_the_future, register_restore,
         nothing_else},
        {"Complete", "registered", "completed", registered, complete, nothing_else},
        {"CompleteWithFailure", "registered", "failed", registered, report_failure, nothing_else},
        {"StartAfterCompleted", "completed", "started", completed, start, nothing_else},
        {"AbandonOrphan", "registered", "none", orphaned, abandon, nothing_else},
        {"AbandonFailed", "failed", "none", failed, abandon, nothing_else},
        {"AbandonDamaged", "unreadable", "none", damaged, abandon, nothing_else},
        {"AbandonCopied", "registered", "none", copied, abandon_what_verifies,
         recoverable_if_unblocked},
        {"TakeOver", "registered", "completed", half_completed, restore_whole, nothing_else},
        {"BackupLive", "none", "none", running_well, back_up, nothing_else},
        {"Truncate", "none", "none", backed_up, truncate, recoverable},
        {"SetCurrentLog", "none", "none", with_number_seven, set_number_eight,
         number_seven_or_eight},
    };
    return all;
}

const Scenario& scenario_named(std::string_view name) {
    for (const Scenario& scenario : scenarios()) {
        if (scenario.name == name) return scenario;
    }
    throw std::runtime_error("no such scenario");
}

std::string state_word(const RestoreDirectory& directory) {
    if (!std::filesystem::exists(directory.state())) return "none";
    const auto record = load_record(*directory.instance());
    if (!record) return "unreadable";
    if (!record.value()) return "none";
    switch (record.value()->state) {
    case RecordState::registered:
        return "registered";
    case RecordState::failed:
        return "failed";
    case RecordState::completed:
        return "completed";
    case RecordState::started:
        return "started";
    }
    return "unknown";
}

std::string recovery_fault(RestoreDirectory& directory) {
    const auto report = ese::verify_restore_set(recovered_set(directory), false);
    if (report.findings.empty() && report.placements.empty()) return {};
    return report.findings.empty() ? "edb.log is not in its place" : report.findings[0].what;
}

void make_directory(RestoreDirectory& directory) { directory.use_logs(); }

} // namespace ntdsb::service
