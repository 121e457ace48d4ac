// Reads the configuration's grammar: each section is a list of keys with what reads them, so that
// unknown keys, wrong types and bad ranges are all found in one place. The only file that includes
// the TOML library. Where the file is found is config_load.cpp's.
#include "core/config.h"

#include "core/path.h"
#include "core/utf16.h"
#include "platform/domain_controller.h"
#include "platform/process.h"

// Without exceptions its functions are noexcept, and being out of memory would end the host.
#ifndef TOML_EXCEPTIONS
#define TOML_EXCEPTIONS 1
#endif
#include <toml++/toml.h>

#include <algorithm>
#include <functional>
#include <span>

namespace ntdsb {
namespace {

constexpr std::size_t longest_name = 64;

// One key of the file with its value, and how errors speak of it.
struct Entry {
    const toml::node& node;
    std::string_view origin;
    std::string section; // "transport.servers.dc1"; empty at the top
    std::string key;
    std::map<std::string, std::string>* origins = nullptr; // Config::origins, while they are read

    // "FILE:LINE: [section] key: what is wrong; what is allowed"
    template <class... Parts>
    Error fail(const Parts&... parts) const {
        const std::string in = section.empty() ? std::string() : text("[", section, "] ");
        return ntdsb::fail(hrError, origin, ":", node.source().begin.line, ": ", in, key, ": ",
                           parts...);
    }
    std::string path() const { return section.empty() ? key : text(section, ".", key); }
    void keep_origin() const {
        if (origins != nullptr && !node.is_table())
            (*origins)[path()] = text(origin, ":", node.source().begin.line);
    }
};

using Read = std::function<Result<void>(const Entry&)>;
struct Key {
    std::string_view name;
    Read read;
};

template <class Names>
std::string join_names(const Names& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + std::string(name);
    return out;
}

// Calls `each` for the entries of a table.
Result<void> read_table(const Entry& table, const Read& each) {
    if (!table.node.is_table())
        return table.fail("is not a table; write it as [", table.path(), "]");
    for (const auto& [key, value] : *table.node.as_table()) {
        const Entry entry{value, table.origin, table.path(), std::string(key.str()), table.origins};
        NTDSB_CHECK(each(entry));
        entry.keep_origin();
    }
    return ok();
}

Result<void> read_section(const Entry& table, const std::vector<Key>& keys) {
    return read_table(table, [&](const Entry& entry) -> Result<void> {
        for (const Key& key : keys) {
            if (key.name == entry.key) return key.read(entry);
        }
        std::vector<std::string_view> names;
        names.reserve(keys.size());
        for (const Key& key : keys) names.push_back(key.name);
        return entry.fail("is no setting; known are ", join_names(names));
    });
}

// --- Values

Result<std::string> string_of(const Entry& entry, const toml::node& node) {
    if (!node.is_string()) return entry.fail("is not a string; write it in quotes");
    return **node.as_string();
}

Read text_into(std::string& target) {
    return [&target](const Entry& entry) -> Result<void> {
        NTDSB_TRY(target, string_of(entry, entry.node));
        return ok();
    };
}

Read flag_into(std::optional<bool>& target) {
    return [&target](const Entry& entry) -> Result<void> {
        if (!entry.node.is_boolean())
            return entry.fail("is not a boolean; write true or false, without quotes");
        target = **entry.node.as_boolean();
        return ok();
    };
}

Read number_into(std::uint32_t& target, std::int64_t least, std::int64_t most) {
    return [&target, least, most](const Entry& entry) -> Result<void> {
        if (!entry.node.is_integer())
            return entry.fail("is not a whole number; write one from ", least, " to ", most);
        const std::int64_t value = **entry.node.as_integer();
        if (value < least || value > most)
            return entry.fail("is ", value, "; allowed is ", least, " to ", most);
        target = static_cast<std::uint32_t>(value);
        return ok();
    };
}

// An enumeration's values, in their order, by these names.
template <class Value>
std::vector<std::pair<std::string_view, Value>>
choices_of(std::span<const std::string_view> names) {
    std::vector<std::pair<std::string_view, Value>> out;
    out.reserve(names.size());
    for (const std::string_view name : names)
        out.emplace_back(name, static_cast<Value>(out.size()));
    return out;
}

// One of some words.
template <class Value, class Target>
Read choice_into(Target& target, std::vector<std::pair<std::string_view, Value>> choices) {
    return [&target, choices](const Entry& entry) -> Result<void> {
        std::vector<std::string_view> names;
        names.reserve(choices.size());
        for (const auto& [name, value] : choices) names.push_back(name);
        if (!entry.node.is_string())
            return entry.fail("is not a string; allowed are ", join_names(names));
        const std::string& word = **entry.node.as_string();
        for (const auto& [name, value] : choices) {
            if (name != word) continue;
            target = value;
            return ok();
        }
        return entry.fail("is \"", word, "\"; allowed are ", join_names(names));
    };
}

Result<std::u16string> path_of(const Entry& entry, const toml::node& node) {
    NTDSB_TRY(const auto utf8, string_of(entry, node));
    NTDSB_TRY(const auto path, utf8_to_utf16(utf8));
    if (auto checked = check_path_grammar(path, "the path"); !checked)
        return entry.fail(checked.error().what);
    return normalize_path(path);
}

Read path_into(std::u16string& target) {
    return [&target](const Entry& entry) -> Result<void> {
        NTDSB_TRY(target, path_of(entry, entry.node));
        return ok();
    };
}

// An empty string stands for "none" or "the default".
Read optional_path_into(std::u16string& target) {
    return [&target](const Entry& entry) -> Result<void> {
        if (entry.node.is_string() && (**entry.node.as_string()).empty()) {
            target.clear();
            return ok();
        }
        return path_into(target)(entry);
    };
}

// An array whose elements `read_element` turns into values.
template <class Value, class ReadElement>
Read list_into(std::vector<Value>& target, ReadElement read_element) {
    return [&target, read_element](const Entry& entry) -> Result<void> {
        if (!entry.node.is_array()) return entry.fail(R"(is not a list; write ["...", "..."])");
        target.clear();
        for (const toml::node& node : *entry.node.as_array()) {
            NTDSB_TRY(auto value, read_element(entry, node));
            target.push_back(std::move(value));
        }
        return ok();
    };
}

// Contract ACC-6.
Result<std::string> principal_of(const Entry& entry, const toml::node& node) {
    NTDSB_TRY(auto name, string_of(entry, node));
    constexpr std::string_view group = "group:";
    const bool is_group = name.starts_with(group) && name.size() > group.size();
    const auto separator = std::min(name.find_first_of("\\@"), name.size());
    const bool is_user = separator != 0 && separator + 1 < name.size();
    if (!is_group && !is_user)
        return entry.fail("has the name \"", name,
                          "\"; write DOMAIN\\name, name@REALM or group:NAME");
    return name;
}

// HOST:PORT or [IPV6]:PORT.
Result<std::string> address_of(const Entry& entry, const toml::node& node, unsigned least_port) {
    NTDSB_TRY(auto address, string_of(entry, node));
    const auto colon = std::min(address.rfind(':'), address.size());
    const auto host = std::string_view(address).substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    const char* const end = address.data() + address.size();
    unsigned port = 0;
    const auto parsed =
        std::from_chars(colon < address.size() ? address.data() + colon + 1 : end, end, port);
    const bool port_is_good =
        parsed.ec == std::errc() && parsed.ptr == end && port >= least_port && port <= 65535;
    const bool host_is_good =
        bracketed || (!host.empty() && host.find_first_of(":[] \t") == std::string_view::npos);
    if (!host_is_good || !port_is_good) {
        return entry.fail("has the address \"", address,
                          "\"; write HOST:PORT or [IPV6]:PORT with a port from ", least_port,
                          " to 65535");
    }
    return address;
}

// unix:/PATH (contract UNIX-1).
Result<std::string> local_address_of(const Entry& entry, std::string address) {
#ifdef _WIN32
    return entry.fail("has the address \"", address,
                      "\"; there are no such sockets on Windows, write HOST:PORT");
#else
    constexpr std::size_t longest = 107; // sockaddr_un's, without its NUL
    const auto path = std::string_view(address).substr(local_address_prefix.size());
    if (!path.starts_with('/') || path.ends_with('/') || path.size() > longest ||
        path.find('\0') != std::string_view::npos)
        return entry.fail("has the address \"", address, "\"; behind unix: comes the full path of ",
                          "a file to be made, of at most ", longest, " characters");
    return address;
#endif
}

// Where a service listens; port 0: any free one.
Result<std::string> listen_address_of(const Entry& entry, const toml::node& node) {
    NTDSB_TRY(auto address, string_of(entry, node));
    if (address.starts_with(local_address_prefix))
        return local_address_of(entry, std::move(address));
    return address_of(entry, node, 0);
}

// Reached from this computer alone.
bool is_loopback(std::string_view address) {
    if (address.starts_with(local_address_prefix)) return true;
    const auto host = address.substr(0, address.rfind(':'));
    return host == "localhost" || host == "[::1]" ||
           (host.starts_with("127.") &&
            host.find_first_not_of("0123456789.") == std::string_view::npos);
}

// A name that also becomes a folder's: nothing that a file system could read in another way.
Result<void> check_name(const Entry& entry) {
    const bool plain = !entry.key.empty() && entry.key.size() <= longest_name &&
                       entry.key.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
                           std::string::npos;
    if (!plain)
        return entry.fail("is no name; use 1 to ", longest_name, " letters, digits, - and _");
    return ok();
}

std::string lower_case(std::string name) {
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
}

// --- Sections

// A [directory] or [instances.NAME] as written, before what is missing is filled in.
struct Draft {
    DirectoryConfig directory;
    std::u16string state_path; // the configured one, above the instance's own folder
    std::optional<PathForm> path_form;
    std::optional<bool> registry_mirror;
    std::string place; // "FILE:LINE: [section] ", for errors about the whole
};

Result<void> read_directory(const Entry& table, Draft& draft) {
    DirectoryConfig& directory = draft.directory;
    draft.place =
        text(table.origin, ":", table.node.source().begin.line, ": [", table.path(), "] ");
    return read_section(
        table,
        {{"database", optional_path_into(directory.database)},
         {"log_path", optional_path_into(directory.log_path)},
         {"checkpoint_path", optional_path_into(directory.checkpoint_path)},
         {"snapshot_path", optional_path_into(directory.snapshot_path)},
         {"online", choice_into<OnlineAnswer>(directory.online, {{"auto", OnlineAnswer::automatic},
                                                                 {"yes", OnlineAnswer::yes}})},
         {"state_path", optional_path_into(draft.state_path)},
         {"tombstone_lifetime_days", number_into(directory.tombstone_lifetime_days, 1, 36500)},
         {"verify",
          choice_into<VerifyLevel>(directory.verify, choices_of<VerifyLevel>(verify_level_names))},
         {"path_style", choice_into<PathForm>(
                            draft.path_form, {{"local", PathForm::local}, {"unc", PathForm::unc}})},
         {"registry_mirror", flag_into(draft.registry_mirror)}});
}

Result<void> read_server(const Entry& table, Config& config) {
    ServerConfig server;
    std::uint32_t& timeout = server.connect_timeout_s;
    const auto service_principal = [&server](const Entry& entry) -> Result<void> {
        NTDSB_TRY(server.principal, string_of(entry, entry.node));
        const auto slash = server.principal.find('/');
        if (!server.principal.empty() &&
            (slash == 0 || slash == std::string::npos || slash + 1 == server.principal.size()))
            return entry.fail("is \"", server.principal,
                              "\"; write SERVICE/HOST or SERVICE/HOST@REALM");
        return ok();
    };
    NTDSB_CHECK(read_section(
        table, {{"transport", text_into(server.transport)},
                {"address", text_into(server.address)},
                {"instance", text_into(server.instance)},
                {"authentication",
                 choice_into<Authentication>(server.authentication,
                                             choices_of<Authentication>(authentication_names))},
                {"protection",
                 choice_into<ProtectionLevel>(server.protection,
                                              choices_of<ProtectionLevel>(protection_level_names))},
                {"principal", service_principal},
                {"connect_timeout_s", number_into(timeout, 1, 3600)}}));
    if (!config.servers.emplace(lower_case(table.key), std::move(server)).second) {
        return table.fail("is there twice; server names are compared without case");
    }
    return ok();
}

Result<void> read_plugin(const Entry& table, Config& config) {
    NTDSB_CHECK(check_name(table));
    if (table.key == "embedded" || table.key == "rpc")
        return table.fail("is a built-in transport's name; choose another one");
    std::u16string any;
    std::u16string x64;
    std::u16string x86;
    NTDSB_CHECK(read_section(
        table, {{"path", path_into(any)}, {"x64", path_into(x64)}, {"x86", path_into(x86)}}));
    if (any.empty() && x64.empty() && x86.empty())
        return table.fail("names no library; set path, or x64 and x86");
    const std::u16string& own = sizeof(void*) == 8 ? x64 : x86;
    config.plugins[table.key].path = own.empty() ? any : own;
    return ok();
}

Result<void> read_transport(const Entry& table, Config& config) {
    return read_section(
        table,
        {{"default", text_into(config.default_transport)},
         {"servers",
          [&](const Entry& all) {
              return read_table(all, [&](const Entry& one) { return read_server(one, config); });
          }},
         {"plugins", [&](const Entry& all) {
              return read_table(all, [&](const Entry& one) { return read_plugin(one, config); });
          }}});
}

Result<void> read_service(const Entry& table, ServiceConfig& service) {
    std::optional<bool> allow_anonymous;
    // What it tells is for this computer only; empty stands for none.
    const auto metrics_address = [&service](const Entry& entry) -> Result<void> {
        NTDSB_TRY(service.metrics, string_of(entry, entry.node));
        if (service.metrics.empty()) return ok();
        NTDSB_CHECK(address_of(entry, entry.node, 0));
        if (!is_loopback(service.metrics))
            return entry.fail("is \"", service.metrics,
                              "\"; metrics are served on 127.0.0.1, [::1] and localhost only");
        return ok();
    };
    NTDSB_CHECK(read_section(
        table, {{"listen", list_into(service.listen, listen_address_of)},
                {"allow_backup", list_into(service.allow_backup, principal_of)},
                {"allow_restore", list_into(service.allow_restore, principal_of)},
                {"allow_anonymous", flag_into(allow_anonymous)},
                {"protection",
                 choice_into<ProtectionLevel>(service.protection,
                                              choices_of<ProtectionLevel>(protection_level_names))},
                {"restore_roots", list_into(service.restore_roots, path_of)},
                {"metrics", metrics_address},
                {"max_connections", number_into(service.max_connections, 1, 100'000)},
                {"max_calls", number_into(service.max_calls, 1, 4096)},
                {"bind_timeout_s", number_into(service.bind_timeout_s, 1, 3600)},
                {"stop_timeout_s", number_into(service.stop_timeout_s, 0, 86'400)}}));
    service.allow_anonymous = allow_anonymous.value_or(false);
    for (const std::string& address : service.listen) {
        if (service.allow_anonymous && !is_loopback(address)) {
            return table.fail(
                "allow_anonymous is true, but the service listens on ", address,
                "; anonymous callers are allowed on 127.0.0.1, [::1], localhost and unix: only");
        }
    }
    return ok();
}

Result<void> read_log(const Entry& table, log::Settings& settings) {
    return read_section(
        table, {{"level",
                 choice_into<log::Level>(settings.level, choices_of<log::Level>(log::level_names))},
                {"file", optional_path_into(settings.file)}});
}

// --- What holds between settings

// Whether the vendor's NTDS service is on this machine; what cannot be asked counts as there, which
// leaves its registry alone.
bool has_ntds_service() {
    const auto state = platform::ntds_service_state();
    return !state || state.value() != platform::ServiceState::absent;
}

void fill_in(Draft& draft, const std::u16string& default_state_path) {
    DirectoryConfig& directory = draft.directory;
    if (draft.state_path.empty()) draft.state_path = default_state_path;
    if (!directory.database.empty()) {
        if (directory.log_path.empty()) directory.log_path = path_parent(directory.database);
        if (directory.checkpoint_path.empty()) directory.checkpoint_path = directory.log_path;
    }
    if (directory.name.empty()) {
        directory.state_path = join_path(draft.state_path, u"default");
    } else {
        const std::u16string name(directory.name.begin(),
                                  directory.name.end()); // ASCII, see check_name
        directory.state_path = join_path(join_path(draft.state_path, u"instances"), name);
    }
    const bool may_mirror = platform::has_registry() && directory.name.empty(); // MIR-2
    const bool asks =
        platform::has_registry() && (!draft.path_form || (may_mirror && !draft.registry_mirror));
    const bool has_service = asks && has_ntds_service();
    directory.path_form = draft.path_form.value_or(has_service ? PathForm::unc : PathForm::local);
    directory.registry_mirror = may_mirror && draft.registry_mirror.value_or(!has_service); // MIR-1
}

// The tools that restore delete everything in a directory's folders before they copy.
Result<void> check_state_path(const Draft& draft, const DirectoryConfig& directory) {
    const std::pair<std::string_view, std::u16string> folders[] = {
        {"database", path_parent(directory.database)},
        {"log_path", directory.log_path},
        {"checkpoint_path", directory.checkpoint_path},
        {"snapshot_path", directory.snapshot_path}};
    for (const auto& [key, folder] : folders) {
        if (folder.empty() || !paths_overlap(draft.state_path, folder)) continue;
        const std::string other =
            directory.name.empty() ? "directory" : "instances." + directory.name;
        return fail(hrError, draft.place, "state_path: ", draft.state_path,
                    " lies inside or above ", folder, ", where [", other, "] has its ", key,
                    "; choose a folder apart from every directory's files");
    }
    return ok();
}

Result<void> check_drafts(const std::vector<Draft>& drafts) {
    for (const Draft& draft : drafts) {
        const DirectoryConfig& directory = draft.directory;
        if (!directory.database.empty() && path_file_name(directory.database).empty()) {
            return fail(hrError, draft.place, "database: ", directory.database,
                        " is no file; name the database file itself");
        }
        if (directory.database.empty() && !directory.name.empty()) {
            return fail(hrError, draft.place,
                        "database: is missing; name the instance's database file");
        }
        for (const Draft& other : drafts) {
            NTDSB_CHECK(check_state_path(draft, other.directory));
            if (&other == &draft) continue;
            if (same_path(directory.state_path, other.directory.state_path)) {
                return fail(hrError, draft.place, "state_path: ", directory.state_path,
                            " would serve two instances; give each a name of its own");
            }
            if (!directory.database.empty() &&
                same_path(directory.database, other.directory.database)) {
                return fail(hrError, draft.place, "database: ", directory.database,
                            " belongs to two instances; only one may have it");
            }
        }
    }
    return ok();
}

// Transports can be judged only when all plug-ins are known.
Result<void> check_transports(const toml::table& root, std::string_view origin, Config& config) {
    std::vector<std::string> known{"embedded", "rpc"};
    for (const auto& [name, plugin] : config.plugins) known.push_back(name);
    const auto is_known = [&](const std::string& name) {
        return std::find(known.begin(), known.end(), name) != known.end();
    };
    const toml::node* const section = root.get("transport");
    if (!section) return ok();
    const toml::table& transport = *section->as_table();
    if (!is_known(config.default_transport)) {
        return Entry{*transport.get("default"), origin, "transport", "default"}.fail(
            "is \"", config.default_transport, "\"; known are ", join_names(known));
    }
    const toml::node* const servers = transport.get("servers");
    if (!servers) return ok();
    for (const auto& named : *servers->as_table()) {
        const toml::node& value = named.second;
        const std::string key(named.first.str());
        ServerConfig& server = config.servers.at(lower_case(key));
        const toml::table& table = *value.as_table();
        const auto at = [&](const char* name) {
            const toml::node* const node = table.get(name);
            return Entry{node ? *node : value, origin, text("transport.servers.", key), name};
        };
        if (server.transport.empty()) server.transport = config.default_transport;
        if (!is_known(server.transport))
            return at("transport")
                .fail("is \"", server.transport, "\"; known are ", join_names(known));
        if (server.transport != "rpc") continue;
        if (!table.get("address"))
            return at("address").fail("is missing; an rpc server needs HOST:PORT");
        NTDSB_CHECK(address_of(at("address"), *table.get("address"), 1));
    }
    return ok();
}

Result<toml::table> parse_toml(std::string_view toml, std::string_view origin) {
    try {
        return toml::parse(toml); // told the origin, it copies that in a noexcept constructor
    } catch (const toml::parse_error& error) {
        return fail(hrError, origin, ":", error.source().begin.line, ": ", error.description(),
                    "; the file must be TOML 1.0");
    }
}

} // namespace

Result<Config> parse_config(std::string_view toml, std::string_view origin) {
    NTDSB_TRY(const toml::table parsed, parse_toml(toml, origin));
    Config config;
    std::vector<Draft> drafts(1);
    drafts.front().place = text(origin, ": [directory] ");
    const auto read_instance = [&](const Entry& table) -> Result<void> {
        NTDSB_CHECK(check_name(table));
        const auto same_name = [&](const Draft& other) {
            return lower_case(other.directory.name) == lower_case(table.key);
        };
        if (std::any_of(drafts.begin() + 1, drafts.end(), same_name))
            return table.fail("is there twice; names of instances must differ not only in case");
        drafts.emplace_back().directory.name = table.key;
        return read_directory(table, drafts.back());
    };
    const Read read_instances = [&](const Entry& table) {
        return read_table(table, read_instance);
    };
    const Entry root{parsed, origin, "", "", &config.origins};
    NTDSB_CHECK(read_section(
        root,
        {{"directory", [&](const Entry& table) { return read_directory(table, drafts.front()); }},
         {"instances", read_instances},
         {"transport", [&](const Entry& table) { return read_transport(table, config); }},
         {"service", [&](const Entry& table) { return read_service(table, config.service); }},
         {"log", [&](const Entry& table) { return read_log(table, config.log); }}}));
    const std::u16string common = drafts.front().state_path.empty()
                                      ? platform::default_state_folder()
                                      : drafts.front().state_path;
    for (Draft& draft : drafts) fill_in(draft, common);
    NTDSB_CHECK(check_drafts(drafts));
    NTDSB_CHECK(check_transports(parsed, origin, config));
    config.directory = drafts.front().directory;
    for (auto draft = drafts.begin() + 1; draft != drafts.end(); ++draft)
        config.instances[draft->directory.name] = draft->directory;
    return config;
}

log::Settings parse_log_settings(std::string_view toml) {
    const auto parsed = parse_toml(toml, {});
    const toml::node* const section = parsed ? parsed.value().get("log") : nullptr;
    log::Settings settings;
    if (section == nullptr || !read_log(Entry{*section, "", "", "log"}, settings)) return {};
    return settings;
}

} // namespace ntdsb
