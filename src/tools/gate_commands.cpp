// status, check-start and run: what blocks a directory, and the gate through which its engine is started (contract section 6; design point 9).
#include "tools/commands.h"

#include "core/config.h"
#include "core/utf16.h"
#include "messages/message_table.h"
#include "platform/child.h"
#include "platform/process.h"
#include "service/interlock.h"

#include <nlohmann/json.hpp>

#include <ostream>

namespace ntdsb::tools {

namespace {

using Json = nlohmann::ordered_json;

Result<service::InstancePtr> open_instance(const Options& options) {
    NTDSB_TRY(const ConfigPtr config, load_config(options.config_file));
    NTDSB_TRY(const std::u16string name, utf8_to_utf16(options.instance));
    return service::Instance::open(config, name);
}

std::string code_name(Code code) {
    const MessageEntry* entry = find_message(static_cast<std::uint32_t>(code));
    return entry != nullptr ? std::string(entry->name) : text(hex(code));
}

// An error for people, or as JSON on the standard output where a program waits for it.
int report(const Options& options, const Error& error, int exit_status) {
    if (options.json)
        *options.out << Json{{"error", code_name(error.code)}, {"code", static_cast<std::uint32_t>(error.code)}, {"what", error.what}}.dump() << '\n';
    else
        *options.err << "ntdsbctl: " << error.what << " (" << code_name(error.code) << ")\n";
    return exit_status;
}

std::string_view state_name(service::RecordState state) {
    switch (state) {
    case service::RecordState::registered: return "registered";
    case service::RecordState::failed: return "failed";
    case service::RecordState::completed: return "completed";
    case service::RecordState::started: return "started";
    }
    return "unknown";
}

Json record_json(const service::RegistrationRecord& record) {
    Json map = Json::array();
    for (const auto& pair : record.request.map) map.push_back({{"source", text(pair.source)}, {"target", text(pair.target)}});
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

Json status_json(const service::Instance& instance, const service::InterlockStatus& status) {
    Json json{{"instance", instance.directory().name},
              {"database", text(instance.directory().database)},
              {"state_path", text(instance.directory().state_path)},
              {"engine_running", status.engine_running},
              {"engine_holder", status.engine_holder},
              {"backup", status.backup ? Json(*status.backup == service::BackupSource::live ? "live" : "snapshot") : Json()},
              {"backup_holder", status.backup_holder},
              {"restore_session_alive", status.restore_session_alive},
              {"restore_holder", status.restore_holder},
              {"record", status.record ? record_json(*status.record) : Json()},
              {"record_problem", status.record_problem},
              {"may_start", !status.start_blocked}};
    if (status.start_blocked) json["blocked_by"] = {{"error", code_name(status.start_blocked->code)}, {"what", status.start_blocked->what}};
    return json;
}

void print_record(std::ostream& out, const service::InterlockStatus& status) {
    if (!status.record_problem.empty()) out << "restore    " << status.record_problem << '\n';
    if (!status.record) {
        if (status.record_problem.empty()) out << "restore    none was registered\n";
        return;
    }
    const service::RegistrationRecord& record = *status.record;
    out << "restore    " << state_name(record.state);
    if (record.state == service::RecordState::failed) out << " with " << code_name(record.outcome);
    out << ", registered " << platform::format_filetime(record.registered_at) << " by " << record.holder << (status.restore_session_alive ? " (session alive)" : "")
        << ", changed " << platform::format_filetime(record.changed_at) << '\n';
}

void print_status(std::ostream& out, const service::Instance& instance, const service::InterlockStatus& status) {
    out << "directory  " << text(instance.directory().database) << '\n';
    out << "state      " << text(instance.directory().state_path) << '\n';
    out << "engine     " << (status.engine_running ? "running, started by " + status.engine_holder : std::string("stopped")) << '\n';
    out << "backup     " << (status.backup ? "running: " + status.backup_holder : std::string("none runs")) << '\n';
    print_record(out, status);
    out << "may start  " << (status.start_blocked ? "no: " + status.start_blocked->what : std::string("yes")) << '\n';
}

} // namespace

int status(const Options& options) {
    const auto instance = open_instance(options);
    if (!instance) return report(options, instance.error(), exit_failed);
    const auto found = service::interlock_status(*instance.value());
    if (!found) return report(options, found.error(), exit_failed);
    if (options.json)
        *options.out << status_json(*instance.value(), found.value()).dump() << '\n';
    else
        print_status(*options.out, *instance.value(), found.value());
    return exit_ok;
}

int check_start(const Options& options) {
    const auto instance = open_instance(options);
    if (!instance) return report(options, instance.error(), exit_failed);
    const auto found = service::interlock_status(*instance.value());
    if (!found) return report(options, found.error(), exit_failed);
    if (found.value().start_blocked) return report(options, *found.value().start_blocked, exit_no);
    *options.out << (options.json ? "{\"may_start\":true}" : "the directory may start (now; only `ntdsbctl run` also keeps it so)") << '\n';
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
    const auto gate = service::start_directory(*instance.value());
    if (!gate) return report(options, gate.error(), exit_no);
    const auto exit_status = platform::run_child(arguments, gate.value().handle());
    if (!exit_status) return report(options, exit_status.error(), exit_failed);
    return exit_status.value();
}

} // namespace ntdsb::tools
