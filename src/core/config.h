// The configuration: one TOML file (README, "Settings"), read whole and checked whole; nothing is
// guessed. Knows the file's grammar and the defaults; what a setting does is known where it is
// used. The TOML library is included in config.cpp alone.
#pragma once

#include "core/log.h"
#include "core/result.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ntdsb {

enum class VerifyLevel { off, headers, full }; // contract VER-6
inline constexpr std::array<std::string_view, 3> verify_level_names{"off", "headers", "full"};
enum class PathForm { local, unc };         // how GetDatabaseLocations writes paths
enum class OnlineAnswer { automatic, yes }; // contract ONL-2

// How a client proves who it is to a service over rpc.
enum class Authentication { none, negotiate, kerberos, ntlm };
inline constexpr std::array<std::string_view, 4> authentication_names{"none", "negotiate",
                                                                      "kerberos", "ntlm"};
// What is done to the fragments of an authenticated association.
enum class ProtectionLevel { integrity, privacy };
inline constexpr std::array<std::string_view, 2> protection_level_names{"integrity", "privacy"};

// One directory instance: [directory], the default one, or [instances.NAME].
struct DirectoryConfig {
    std::string name;               // empty: the default instance
    std::u16string database;        // full path of the database file; empty: not configured
    std::u16string log_path;        // default: the database's folder
    std::u16string checkpoint_path; // default: log_path
    std::u16string snapshot_path;   // empty: none (contract BPREP-3)
    std::u16string state_path;      // this instance's own folder below the configured state_path
    OnlineAnswer online = OnlineAnswer::automatic;
    std::uint32_t tombstone_lifetime_days = 180;
    VerifyLevel verify = VerifyLevel::full;
    PathForm path_form = PathForm::local;
    // Contract MIR-1; always false off Windows and for named instances (MIR-2).
    bool registry_mirror = false;
};

// [transport.servers.NAME]
struct ServerConfig {
    std::string transport; // embedded, rpc or a plug-in's name
    std::string address;   // host:port, for rpc
    std::string instance;  // which directory instance there
    std::uint32_t connect_timeout_s = 10;
    // For rpc:
    Authentication authentication = Authentication::negotiate;
    ProtectionLevel protection = ProtectionLevel::privacy;
    std::string principal; // the service's Kerberos name; empty: host/ and the address's host
};

// [transport.plugins.NAME]: absolute path of the shared library for this build's bitness.
struct PluginConfig {
    std::u16string path;
};

// Before the path of a Unix-domain socket in [service] listen.
inline constexpr std::string_view local_address_prefix = "unix:";

struct ServiceConfig {
    std::vector<std::string> listen{"127.0.0.1:49152"}; // HOST:PORT or unix:/PATH
    std::vector<std::string> allow_backup;
    std::vector<std::string> allow_restore;
    bool allow_anonymous = false;
    ProtectionLevel protection = ProtectionLevel::privacy; // the least that is accepted
    std::vector<std::u16string> restore_roots;
    std::string metrics; // loopback HOST:PORT of the metrics; empty: none
    std::uint32_t max_connections = 4096;
    std::uint32_t max_calls = 256;          // that run at once; others wait
    std::uint32_t max_authentications = 32; // that run at once; others wait
    std::uint32_t bind_timeout_s = 30;      // for a caller to bind and be admitted
    std::uint32_t fragment_timeout_s = 60;  // from a fragment's first octet to its last
    std::uint32_t unread_timeout_s = 120;   // in which a client takes nothing of its answer
    std::uint32_t hang_up_timeout_s = 5;    // for a client to hang up when told so
    std::uint32_t max_calls_per_connection = 4;
    std::uint32_t max_waiting_calls_per_connection = 8; // above, nothing is read from it
    std::uint32_t max_open_calls_per_connection = 32;   // being received, waiting or running
    std::uint32_t max_presentation_contexts = 32;       // of a connection
    std::uint32_t max_request_bytes =
        8 * 1024 * 1024;                          // of one request; twice that of unfinished ones
    std::uint32_t max_unsent_bytes = 1024 * 1024; // of answers that a connection has not taken
    // Of requests, and of answers not taken, of all connections.
    std::uint32_t max_held_bytes = 1024 * 1024 * 1024;
    // Of requests, and as much of answers not taken, of a connection whose caller is not admitted.
    std::uint32_t max_stranger_bytes = 65'536;
    std::uint32_t max_metrics_requests = 64; // that are served at once
    std::uint32_t metrics_timeout_s = 5;     // for one of them
    std::uint32_t stop_timeout_s = 60; // for running calls, before verifications are cancelled
};

struct Config {
    std::u16string file; // where it was read from; empty: built-in defaults
    // Where each setting that is not a default was read: "directory.database" -> "FILE:LINE".
    std::map<std::string, std::string> origins;
    DirectoryConfig directory;
    std::map<std::string, DirectoryConfig> instances;
    std::string default_transport = "embedded";
    std::map<std::string, ServerConfig> servers; // keys in lower case
    std::map<std::string, PluginConfig> plugins;
    ServiceConfig service;
    log::Settings log;

    // The named instance ("" = default), or hrCouldNotConnect that lists the known ones / says how
    // to configure one (contract COM-5). On a domain controller the default instance may be there
    // without a database: the registry knows it (DC-1).
    Result<const DirectoryConfig*> instance(std::string_view name) const;
};

using ConfigPtr = std::shared_ptr<const Config>;

// Parses and checks a configuration. `origin` names the source in error sentences ("FILE:LINE: key:
// ..."). Unknown keys, wrong types, values out of range, relative paths and a state path inside or
// above a directory path are hrError.
Result<Config> parse_config(std::string_view toml, std::string_view origin);

// The [log] section alone, or the defaults where it cannot be read: so that a mistake elsewhere in
// the file is told where its log is.
log::Settings parse_log_settings(std::string_view toml);

// Finds, checks for trust (design point 8), reads and parses the configuration: `explicit_file` if
// not empty (the tools' --config), else the environment where it counts, else the registry or the
// platform's default place; no file gives the built-in defaults. Also applies NTDSBCLI_LOG and
// configures the log: NTDSBCLI_LOG is LEVEL or LEVEL:FILE ("debug", "trace:/tmp/ntdsb.log"; the
// levels of [log]), wins over [log] and, like NTDSBCLI_CONFIG, counts only where
// platform::environment_is_trusted says so. A log file that cannot be opened is no failure: the log
// then goes to standard error. Every failure is hrError with a sentence that says where and what to
// do; also logged.
Result<ConfigPtr> load_config(std::u16string_view explicit_file = {});

} // namespace ntdsb
