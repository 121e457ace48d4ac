// Finds the configuration file, decides who may name it (design point 8), and puts what it says
// into effect. Knows no grammar.
#include "core/config.h"

#include "core/path.h"
#include "core/utf16.h"
#include "platform/domain_controller.h"
#include "platform/file.h"
#include "platform/process.h"

#include <algorithm>
#include <set>

namespace ntdsb {
namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20;

// An error of a layer below, as a configuration error: the caller's code is hrError whatever the
// cause.
Error config_error(std::string_view what, const Error& cause) {
    return fail(hrError, what, ": ", cause.what);
}

// NTDSBCLI_LOG: LEVEL or LEVEL:FILE.
Result<std::optional<log::Settings>> log_settings_from_environment() {
    const auto value = platform::environment("NTDSBCLI_LOG");
    if (!value || value->empty() || !platform::environment_is_trusted())
        return std::optional<log::Settings>();
    const auto colon = value->find(u':');
    const std::u16string_view word = std::u16string_view(*value).substr(0, colon);
    for (std::size_t level = 0; level < log::level_names.size(); ++level) {
        if (!std::ranges::equal(log::level_names[level], word)) continue;
        return std::optional<log::Settings>(log::Settings{
            static_cast<log::Level>(level),
            colon == std::u16string::npos ? std::u16string() : value->substr(colon + 1)});
    }
    return fail(hrError, "environment variable NTDSBCLI_LOG: \"", *value,
                "\" has no known level; allowed are off, error, warn, info, debug, trace, "
                "and after a colon a file");
}

// A log that cannot be opened stops no backup and no restore.
void configure_log(const log::Settings& settings) {
    if (auto configured = log::configure(settings); !configured) log::warn(configured.error().what);
}

struct Source {
    std::u16string file;
    bool must_exist = false;
};

Source choose_file(std::u16string_view explicit_file) {
    if (!explicit_file.empty()) {
        std::error_code error;
        const auto whole = std::filesystem::absolute(native_path(explicit_file), error);
        return Source{error ? std::u16string(explicit_file) : wire_path(whole), true};
    }
    const auto named = platform::environment("NTDSBCLI_CONFIG");
    if (named && !named->empty()) {
        if (platform::environment_is_trusted()) return Source{*named, true};
        log::warn("NTDSBCLI_CONFIG is not heeded: this process has more rights than its user "
                  "(AllowEnvironment = 1 would allow it)");
    }
    return Source{platform::default_config_file(), false};
}

// std::nullopt: there is no file, and none is needed.
Result<std::optional<std::string>> read_source(const Source& source) {
    const platform::Path path = native_path(source.file);
    const auto info = platform::file_info(path);
    if (!info) return config_error("configuration file", info.error());
    if (!info.value() && !source.must_exist) return std::optional<std::string>();
    if (!info.value())
        return fail(hrError, "configuration file ", source.file,
                    ": there is none; create it or name another one");
    if (auto trusted = platform::check_trusted(path); !trusted)
        return config_error("configuration file", trusted.error());
    const auto content = platform::read_whole_file(path, largest_file);
    if (!content) return config_error("configuration file", content.error());
    const auto* const characters = reinterpret_cast<const char*>(content.value().data());
    return std::optional<std::string>(std::string(characters, content.value().size()));
}

// What parse_config says of the paths as written, once more with links resolved: the state folder
// must not lie where tools delete everything.
Result<void> check_resolved_state(const Config& config, const std::u16string& written,
                                  const std::set<std::u16string>& folders) {
    const auto state = platform::resolved_path(native_path(written));
    if (!state) return ok(); // Instance::open tells
    const std::u16string state_path = wire_path(state.value());
    for (const auto& files : folders) {
        if (!paths_overlap(state_path, files)) continue;
        return fail(hrError, config.file, ": state_path: ", written, " leads to ", state_path,
                    ", inside or above ", files,
                    "; choose a folder apart from every directory's files");
    }
    return ok();
}

Result<void> check_resolved_states(const Config& config) {
    std::vector<const DirectoryConfig*> all{&config.directory};
    for (const auto& [name, directory] : config.instances) all.push_back(&directory);
    std::set<std::u16string> folders; // the same one is mostly named thrice
    for (const auto* directory : all)
        folders.insert({path_parent(directory->database), directory->log_path,
                        directory->checkpoint_path, directory->snapshot_path});
    folders.erase(u"");
    std::set<std::u16string> resolved;
    for (const auto& folder : folders) {
        const auto path = platform::resolved_path(native_path(folder));
        if (path) resolved.insert(wire_path(path.value()));
    }
    for (const auto* directory : all)
        NTDSB_CHECK(check_resolved_state(config, directory->state_path, resolved));
    return ok();
}

Result<ConfigPtr> load(std::u16string_view explicit_file) {
    NTDSB_TRY(const auto log_override, log_settings_from_environment());
    if (log_override) configure_log(*log_override);
    const Source source = choose_file(explicit_file);
    NTDSB_TRY(const auto content, read_source(source));
    if (content && !log_override) configure_log(parse_log_settings(*content));
    NTDSB_TRY(auto config, parse_config(content.value_or(""),
                                        content ? text(source.file) : "built-in defaults"));
    if (content) config.file = source.file;
    NTDSB_CHECK(check_resolved_states(config));
    if (log_override) {
        config.log = *log_override;
        config.origins["log.level"] = config.origins["log.file"] = "NTDSBCLI_LOG";
    }
    configure_log(config.log);
    return ConfigPtr(std::make_shared<const Config>(std::move(config)));
}

} // namespace

Result<ConfigPtr> load_config(std::u16string_view explicit_file) {
    auto loaded = load(explicit_file);
    if (!loaded) log::error(loaded.error().what);
    return loaded;
}

Result<const DirectoryConfig*> Config::instance(std::string_view name) const {
    if (name.empty()) {
        const auto places = platform::domain_controller_places(); // DC-1: there the registry says
                                                                  // what the file leaves out
        if (!directory.database.empty() || !places || places.value()) return &directory;
        return fail(hrCouldNotConnect,
                    "no directory is configured on this computer; set database in [directory] of ",
                    file.empty() ? platform::default_config_file() : file);
    }
    if (const auto found = instances.find(std::string(name)); found != instances.end())
        return &found->second;
    std::string known;
    for (const auto& [other, directory_config] : instances)
        known += (known.empty() ? "" : ", ") + other;
    return fail(hrCouldNotConnect, "COM-5: there is no directory instance \"", name, "\"; ",
                known.empty() ? "none has a name, add [instances.NAME] to the configuration"
                              : "known are " + known);
}

} // namespace ntdsb
