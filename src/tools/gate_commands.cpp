// status, check-start and run: what blocks a directory, and the gate through which its engine is
// started (contract section 6; design point 9).
#include "tools/output.h"

#include "core/utf16.h"
#include "platform/child.h"
#include "platform/process.h"

#include <ostream>

namespace ntdsb::tools {

namespace {

using service::BackupSource;
using service::InterlockStatus;
using service::RecordState;
using service::RegistrationRecord;

struct Found {
    service::InstancePtr instance;
    InterlockStatus status;
};

Result<Found> look(const Options& options) {
    NTDSB_TRY(auto instance, open_instance(options));
    NTDSB_TRY(auto status, service::interlock_status(*instance));
    return Found{std::move(instance), std::move(status)};
}

Json record_json(const RegistrationRecord& record) {
    Json map = Json::array();
    for (const auto& pair : record.request.map)
        map.push_back({{"source", text(pair.source)}, {"target", text(pair.target)}});
    return {{"state", state_name(record.state)},
            {"outcome", static_cast<std::uint32_t>(record.outcome)},
            {"registered_at", platform::format_filetime(record.registered_at)},
            {"changed_at", platform::format_filetime(record.changed_at)},
            {"holder", record.holder},
            {"checkpoint_path", text(record.request.checkpoint_path)},
            {"log_path", text(record.request.log_path)},
            {"backup_log_path", text(record.request.backup_log_path)},
            {"gen_low", record.request.gen_low},
            {"gen_high", record.request.gen_high},
            {"map", std::move(map)}};
}

Json status_json(const service::Instance& instance, const InterlockStatus& status) {
    const auto holder = [](const std::string& line) { return line.empty() ? Json() : Json(line); };
    Json json{
        {"instance", instance.directory().name},
        {"database", text(instance.directory().database)},
        {"state_path", text(instance.directory().state_path)},
        {"engine_running", status.engine_running},
        {"engine_holder", holder(status.engine_holder)},
        {"backup",
         status.backup ? Json(*status.backup == BackupSource::live ? "live" : "snapshot") : Json()},
        {"backup_holder", holder(status.backup_holder)},
        {"restore_session_alive", status.restore_session_alive},
        {"restore_holder", holder(status.restore_holder)},
        {"record", status.record ? record_json(*status.record) : Json()},
        {"record_problem", status.record_problem.empty() ? Json() : Json(status.record_problem)},
        {"mirror_without_record", status.mirror_without_record},
        {"may_start", !status.start_blocked},
        {"next", next_step(status)}};
    if (status.start_blocked) json["blocked_by"] = error_json(*status.start_blocked);
    return json;
}

std::string record_line(const InterlockStatus& status) {
    if (!status.record_problem.empty()) return status.record_problem;
    if (!status.record)
        return status.mirror_without_record
                   ? "none, but the registry says that a restore is in progress"
                   : "none: no restore was registered";
    const RegistrationRecord& record = *status.record;
    std::string line(state_name(record.state));
    if (record.state == RecordState::failed) line += " with " + code_name(record.outcome);
    return line + text(", registered ", platform::format_filetime(record.registered_at), " by ",
                       record.holder, ", changed ", platform::format_filetime(record.changed_at));
}

std::string lock_line(bool held, const std::string& holder) {
    return held ? "held by " + holder : "free";
}

void print_status(std::ostream& out, const service::Instance& instance,
                  const InterlockStatus& status) {
    out << "directory     " << text(instance.directory().database) << '\n';
    out << "state folder  " << text(instance.directory().state_path) << '\n';
    out << "engine lock   " << lock_line(status.engine_running, status.engine_holder) << '\n';
    out << "backup lock   " << lock_line(status.backup.has_value(), status.backup_holder) << '\n';
    out << "restore lock  " << lock_line(status.restore_session_alive, status.restore_holder)
        << '\n';
    out << "record        " << record_line(status) << '\n';
    out << "may start     "
        << (status.start_blocked ? "no: " + status.start_blocked->what : std::string("yes"))
        << '\n';
    out << "next step     " << next_step(status) << '\n';
}

} // namespace

int status(const Options& options) {
    const auto found = look(options);
    if (!found) return report(options, found.error(), exit_failed);
    if (options.json)
        print(options, status_json(*found.value().instance, found.value().status));
    else
        print_status(*options.out, *found.value().instance, found.value().status);
    return exit_ok;
}

int check_start(const Options& options) {
    const auto found = look(options);
    if (!found) return report(options, found.error(), exit_failed);
    const auto& blocked = found.value().status.start_blocked;
    if (options.json) {
        Json json{{"may_start", !blocked}};
        if (blocked) json["blocked_by"] = error_json(*blocked);
        print(options, json);
        return blocked ? exit_no : exit_ok;
    }
    if (blocked) return report(options, *blocked, exit_no);
    *options.out
        << "the directory may start now; only `ntdsbctl run` also holds the gate while it does\n";
    return exit_ok;
}

int run_engine(const Options& options, const std::vector<std::string>& engine) {
    std::vector<std::u16string> arguments;
    for (const std::string& argument : engine) {
        auto utf16 = utf8_to_utf16(argument);
        if (!utf16) return report(options, utf16.error(), exit_usage);
        arguments.push_back(std::move(utf16).value());
    }
    const auto instance = open_instance(options);
    if (!instance) return report(options, instance.error(), exit_failed);
    auto gate = service::start_directory(*instance.value());
    if (!gate) return report(options, gate.error(), exit_of(gate.error().code));
    bool was_started = false;
    const auto exit_status =
        platform::run_child(arguments, gate.value().engine.hand_on(), was_started);
    if (exit_status) return exit_status.value();
    Error error = exit_status.error();
    if (!was_started) {
        if (const auto undone = service::take_back_start(*instance.value(), gate.value()); !undone)
            error.what += text("; the record says that the directory was started, which it was "
                               "not: ",
                               undone.error().what);
    }
    return report(options, error, exit_failed);
}

} // namespace ntdsb::tools
