// doctor: what is configured and where each value comes from, which transport a server name leads
// to, and whether what a restore needs is there: files, state folder, log, rights. Changes nothing
// but what every call would make: the state folder and the log's file.
#include "tools/verification.h"

#include "core/host_name.h"
#include "core/path.h"
#include "core/utf16.h"
#include "platform/append_file.h"
#include "platform/domain_controller.h"
#include "platform/process.h"
#include "transport/server_name.h"
#include "transport/transport.h"

#include <algorithm>
#include <ostream>

namespace ntdsb::tools {

namespace {

// --- Settings

struct Setting {
    std::string name;
    std::string value;
    std::string origin;
};

class Settings {
public:
    explicit Settings(const Config& config) : config_(config) {}

    void add(const std::string& name, std::string value,
             std::string_view default_origin = "default") {
        const auto origin = config_.origins.find(name);
        list_.push_back(
            {name, std::move(value),
             origin == config_.origins.end() ? std::string(default_origin) : origin->second});
    }
    const std::vector<Setting>& list() const { return list_; }

private:
    const Config& config_;
    std::vector<Setting> list_;
};

std::string_view yes_no(bool value) { return value ? "true" : "false"; }

template <class List>
std::string joined(const List& list) {
    std::string out;
    for (const auto& entry : list) out += text(out.empty() ? "" : ", ", entry);
    return out.empty() ? "(none)" : out;
}

template <class Names, class Value>
std::string name_of(const Names& names, Value value) {
    return std::string(names[static_cast<std::size_t>(value)]);
}

std::string or_none(std::u16string_view value) { return value.empty() ? "(none)" : text(value); }

// `effective` is the configured directory with what the registry adds (contract DC-1).
void add_directory(Settings& settings, const std::string& section,
                   const DirectoryConfig& configured, const DirectoryConfig& effective) {
    const auto place = [&](const char* key, const std::u16string& own, const std::u16string& used) {
        settings.add(section + key, or_none(used), own == used ? "default" : "registry (DC-1)");
    };
    place(".database", configured.database, effective.database);
    place(".log_path", configured.log_path, effective.log_path);
    place(".checkpoint_path", configured.checkpoint_path, effective.checkpoint_path);
    settings.add(section + ".snapshot_path", or_none(effective.snapshot_path));
    settings.add(section + ".state_path", or_none(effective.state_path));
    settings.add(section + ".online", effective.online == OnlineAnswer::yes ? "yes" : "auto");
    settings.add(section + ".tombstone_lifetime_days", text(effective.tombstone_lifetime_days));
    settings.add(section + ".verify", name_of(verify_level_names, effective.verify));
    settings.add(section + ".path_style", effective.path_form == PathForm::unc ? "unc" : "local");
    settings.add(section + ".registry_mirror", std::string(yes_no(effective.registry_mirror)));
}

void add_others(Settings& settings, const Config& config) {
    settings.add("transport.default", config.default_transport);
    for (const auto& [name, server] : config.servers) {
        const std::string section = "transport.servers." + name;
        settings.add(section + ".transport", server.transport);
        settings.add(section + ".address", server.address.empty() ? "(none)" : server.address);
        settings.add(section + ".instance",
                     server.instance.empty() ? "(default)" : server.instance);
        settings.add(section + ".connect_timeout_s", text(server.connect_timeout_s));
        if (server.transport != "rpc") continue;
        settings.add(section + ".authentication",
                     name_of(authentication_names, server.authentication));
        settings.add(section + ".protection", name_of(protection_level_names, server.protection));
        settings.add(section + ".principal", server.principal.empty()
                                                 ? "(host/ and the address's host)"
                                                 : server.principal);
    }
    for (const auto& [name, plugin] : config.plugins)
        settings.add("transport.plugins." + name + ".path", or_none(plugin.path));
    settings.add("service.listen", joined(config.service.listen));
    settings.add("service.allow_backup", joined(config.service.allow_backup));
    settings.add("service.allow_restore", joined(config.service.allow_restore));
    settings.add("service.allow_anonymous", std::string(yes_no(config.service.allow_anonymous)));
    settings.add("service.protection", name_of(protection_level_names, config.service.protection));
    settings.add("service.restore_roots", joined(config.service.restore_roots));
    settings.add("service.metrics",
                 config.service.metrics.empty() ? "(none)" : config.service.metrics);
    settings.add("service.max_connections", text(config.service.max_connections));
    settings.add("service.max_calls", text(config.service.max_calls));
    settings.add("service.max_authentications", text(config.service.max_authentications));
    settings.add("service.bind_timeout_s", text(config.service.bind_timeout_s));
    settings.add("service.fragment_timeout_s", text(config.service.fragment_timeout_s));
    settings.add("service.unread_timeout_s", text(config.service.unread_timeout_s));
    settings.add("service.hang_up_timeout_s", text(config.service.hang_up_timeout_s));
    settings.add("service.max_calls_per_connection", text(config.service.max_calls_per_connection));
    settings.add("service.max_waiting_calls_per_connection",
                 text(config.service.max_waiting_calls_per_connection));
    settings.add("service.max_open_calls_per_connection",
                 text(config.service.max_open_calls_per_connection));
    settings.add("service.max_presentation_contexts",
                 text(config.service.max_presentation_contexts));
    settings.add("service.max_request_bytes", text(config.service.max_request_bytes));
    settings.add("service.max_unsent_bytes", text(config.service.max_unsent_bytes));
    settings.add("service.max_held_bytes", text(config.service.max_held_bytes));
    settings.add("service.max_stranger_bytes", text(config.service.max_stranger_bytes));
    settings.add("service.max_metrics_requests", text(config.service.max_metrics_requests));
    settings.add("service.metrics_timeout_s", text(config.service.metrics_timeout_s));
    settings.add("service.stop_timeout_s", text(config.service.stop_timeout_s));
    settings.add("log.level", name_of(log::level_names, config.log.level));
    settings.add("log.file", config.log.file.empty() ? "(standard error)" : text(config.log.file));
}

// --- Checks

enum class Verdict { good, note, fault };

struct Check {
    Verdict verdict;
    std::string what;
};

class Checks {
public:
    template <class... Parts>
    void add(Verdict verdict, const Parts&... parts) {
        list_.push_back({verdict, text(parts...)});
    }
    void add(const Error& error) {
        add(Verdict::fault, error.what, " (", code_name(error.code), ")");
    }
    const std::vector<Check>& list() const { return list_; }
    bool has_fault() const {
        return std::ranges::any_of(
            list_, [](const Check& check) { return check.verdict == Verdict::fault; });
    }

private:
    std::vector<Check> list_;
};

// Which transport a call with this server name takes, and why.
void check_transport(const Options& options, const Config& config, Checks& checks) {
    const std::string given = options.server.empty() ? "localhost" : options.server;
    const auto name = transport::check_server_name(wtf8_to_utf16(given));
    if (!name) return checks.add(name.error());
    if (const auto server = config.servers.find(name.value()); server != config.servers.end())
        return checks.add(Verdict::good, "the server ", given, " is reached by \"",
                          server->second.transport, "\", as [transport.servers.", name.value(),
                          "] says");
    if (!is_this_computer(wtf8_to_utf16(name.value()), platform::computer_names()))
        return checks.add(Verdict::fault, "the server ", given,
                          " is neither this computer nor configured; add [transport.servers.",
                          name.value(), "] to the configuration");
    checks.add(Verdict::good, "the server ", given, " is this computer, reached by \"",
               config.default_transport, "\", the transport for it (transport.default)");
}

void check_log(const log::Settings& settings, Checks& checks) {
    if (settings.level == log::Level::off)
        return checks.add(Verdict::note, "there is no log; set [log] level = \"warn\" and file to "
                                         "have the reason of every failure");
    if (settings.file.empty())
        return checks.add(Verdict::note, "the log goes to the standard error of each tool");
    const auto file = platform::AppendFile::open(native_path(settings.file));
    if (!file) return checks.add(file.error());
    checks.add(Verdict::good, "the log ", settings.file, " can be written");
}

void check_database(const service::Instance& instance, Checks& checks) {
    const auto header = ese::read_database_header(instance.database());
    if (!header) return checks.add(header.error());
    checks.add(Verdict::good, "the database ", shown(instance.database()), " is there, ",
               header.value().file_size, " bytes, ",
               header.value().state == ese::database_state_clean
                   ? "in clean shutdown"
                   : "not in clean shutdown: it needs its logs");
}

void check_logs(const service::Instance& instance, Checks& checks) {
    const auto logs = ese::list_log_files(instance.log_path());
    if (!logs) return checks.add(logs.error());
    checks.add(logs.value().empty() ? Verdict::note : Verdict::good, "the log path ",
               shown(instance.log_path()), " has ", logs.value().size(), " logs");
}

void check_checkpoint(const service::Instance& instance, Checks& checks) {
    const auto file = instance.checkpoint_path() / "edb.chk";
    const auto checkpoint = ese::read_checkpoint(file);
    if (checkpoint)
        checks.add(Verdict::good, "the checkpoint ", shown(file), " is at generation ",
                   checkpoint.value().generation);
    else if (checkpoint.error().code == ERROR_FILE_NOT_FOUND)
        checks.add(Verdict::note, "there is no checkpoint ", shown(file),
                   "; recovery does without");
    else
        checks.add(checkpoint.error());
}

void check_instance(const ConfigPtr& config, const service::InstancePtr& instance, Checks& checks) {
    check_database(*instance, checks);
    check_logs(*instance, checks);
    check_checkpoint(*instance, checks);
    const auto opened = service::Instance::open(config, wtf8_to_utf16(instance->directory().name));
    if (!opened) return checks.add(opened.error());
    checks.add(Verdict::good, "the state folder ", instance->directory().state_path,
               " is there and trusted");
    const auto status = service::interlock_status(*opened.value());
    if (!status) return checks.add(status.error());
    if (status.value().start_blocked)
        checks.add(Verdict::note,
                   "the directory may not start: ", status.value().start_blocked->what);
    else
        checks.add(Verdict::good, "nothing keeps the directory from starting");
}

void check_rights(Checks& checks) {
    for (const auto right : {platform::Right::backup, platform::Right::restore}) {
        const std::string_view name = right == platform::Right::backup ? "back up" : "restore";
        if (const auto held = platform::check_right(right))
            checks.add(Verdict::good, "this account may ", name,
                       platform::has_registry() ? ""
                                                : ", as far as the rights on the files go (ACC-2)");
        else
            checks.add(held.error());
    }
}

void check_domain_controller(Checks& checks) {
    const auto service = platform::ntds_service_state();
    if (!service) return checks.add(service.error());
    if (service.value() == platform::ServiceState::absent) return;
    checks.add(Verdict::note, "the vendor's NTDS service is installed and ",
               service.value() == platform::ServiceState::running ? "runs" : "is stopped",
               "; that a record here keeps it from starting is unproven (DC-3): start it only when "
               "check-start says that it may");
}

// --- What is printed

Json settings_json(const std::vector<Setting>& settings) {
    Json json = Json::object();
    for (const auto& setting : settings)
        json[setting.name] = {{"value", setting.value}, {"origin", setting.origin}};
    return json;
}

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
    case Verdict::good:
        return "ok";
    case Verdict::note:
        return "note";
    case Verdict::fault:
        break;
    }
    return "fault";
}

void print_for_people(std::ostream& out, const std::vector<Setting>& settings,
                      const Checks& checks) {
    for (const auto& setting : settings)
        out << setting.name << " = " << setting.value << "  [" << setting.origin << "]\n";
    if (!settings.empty()) out << '\n';
    for (const auto& check : checks.list()) {
        const auto name = verdict_name(check.verdict);
        out << name << std::string(7 - name.size(), ' ') << check.what << '\n';
    }
}

void print_found(const Options& options, const Settings& settings, const Checks& checks) {
    if (!options.json) return print_for_people(*options.out, settings.list(), checks);
    Json list = Json::array();
    for (const auto& check : checks.list())
        list.push_back({{"verdict", verdict_name(check.verdict)}, {"what", check.what}});
    print(options, {{"healthy", !checks.has_fault()},
                    {"settings", settings_json(settings.list())},
                    {"checks", std::move(list)}});
}

void look_at_instance(const ConfigPtr& config, const std::string& name,
                      const DirectoryConfig& configured, Settings& settings, Checks& checks) {
    const std::string section = name.empty() ? "directory" : "instances." + name;
    const auto instance = service::Instance::find(config, wtf8_to_utf16(name));
    add_directory(settings, section, configured,
                  instance ? instance.value()->directory() : configured);
    if (instance)
        check_instance(config, instance.value(), checks);
    else if (name.empty() && !config->instances.empty())
        checks.add(Verdict::note, instance.error().what);
    else
        checks.add(instance.error());
}

} // namespace

int doctor(const Options& options) {
    Checks checks;
    const auto config = load_config(options.config_file);
    if (!config) return report(options, config.error(), exit_no);
    Settings settings(*config.value());
    checks.add(Verdict::good, "the configuration is ",
               config.value()->file.empty()
                   ? text("the built-in defaults: there is no ", platform::default_config_file())
                   : text(config.value()->file));
    if (options.instance.empty())
        look_at_instance(config.value(), {}, config.value()->directory, settings, checks);
    else if (const auto named = config.value()->instance(options.instance); !named)
        checks.add(named.error());
    for (const auto& [name, directory] : config.value()->instances)
        if (options.instance.empty() || options.instance == name)
            look_at_instance(config.value(), name, directory, settings, checks);
    add_others(settings, *config.value());
    check_transport(options, *config.value(), checks);
    check_log(config.value()->log, checks);
    check_rights(checks);
    check_domain_controller(checks);
    print_found(options, settings, checks);
    return checks.has_fault() ? exit_no : exit_ok;
}

} // namespace ntdsb::tools
