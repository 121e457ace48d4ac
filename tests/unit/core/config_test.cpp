// core/config.h: every key of the configuration, and an error with file, line, section and key for
// every way to get one wrong.
#include "core/config.h"

#include "core/path.h"
#include "platform/domain_controller.h"
#include "platform/process.h"

#include <gtest/gtest.h>

namespace ntdsb {
namespace {

// TOML texts below write absolute paths as @/srv/x, which is /srv/x or C:/srv/x.
std::string host_toml(std::string_view toml) {
    std::string out;
    for (const char c : toml) {
        if (c != '@')
            out += c;
        else if (host_path_style == PathStyle::windows)
            out += "C:";
    }
    return out;
}

// The same path as the configuration keeps it.
std::u16string host_path(std::u16string_view path) {
    return normalize_path(host_path_style == PathStyle::windows ? u"C:" + std::u16string(path)
                                                                : std::u16string(path));
}

Config parsed(std::string_view toml) {
    auto config = parse_config(host_toml(toml), "test.toml");
    EXPECT_TRUE(config) << (config ? "" : config.error().what);
    return config ? std::move(config).value() : Config();
}

std::string failure(std::string_view toml) {
    const auto config = parse_config(host_toml(toml), "test.toml");
    if (config) return "no failure";
    EXPECT_EQ(config.error().code, hrError);
    return config.error().what;
}

#define EXPECT_STARTS(value, start) \
    EXPECT_EQ(std::string(value).substr(0, std::string_view(start).size()), start) << (value)

#ifndef _WIN32
TEST(Config, TakesLocalSocketsForThisComputer_UNIX1) {
    const auto config = parse_config("[service]\nlisten = [\"unix:/run/ntdsbsrv.sock\"]\n"
                                     "allow_anonymous = true\n",
                                     "test.toml");
    ASSERT_TRUE(config) << config.error().what;
    EXPECT_EQ(config.value().service.listen, std::vector<std::string>{"unix:/run/ntdsbsrv.sock"});
}
#endif

TEST(Config, EmptyGivesTheDefaults) {
    const Config config = parsed("");
    EXPECT_TRUE(config.directory.database.empty());
    EXPECT_EQ(config.directory.online, OnlineAnswer::automatic);
    EXPECT_EQ(config.directory.tombstone_lifetime_days, 180u);
    EXPECT_EQ(config.directory.verify, VerifyLevel::full);
    EXPECT_EQ(config.directory.state_path, join_path(platform::default_state_folder(), u"default"));
    EXPECT_EQ(config.default_transport, "embedded");
    EXPECT_TRUE(config.servers.empty());
    EXPECT_EQ(config.service.listen, std::vector<std::string>{"127.0.0.1:49152"});
    EXPECT_FALSE(config.service.allow_anonymous);
    EXPECT_EQ(config.service.metrics, "");
    EXPECT_EQ(config.log.level, log::Level::off);
}

TEST(Config, ReadsEveryKeyOfADirectory) {
    const DirectoryConfig directory = parsed(R"(
        [directory]
        database = "@/srv/ntds/ntds.dit"
        log_path = "@/srv/logs/"
        checkpoint_path = "@/srv//check"
        snapshot_path = "@/snap"
        online = "yes"
        state_path = "@/var/state"
        tombstone_lifetime_days = 60
        verify = "headers"
        path_style = "unc"
        registry_mirror = false)")
                                          .directory;
    EXPECT_EQ(directory.database, host_path(u"/srv/ntds/ntds.dit"));
    EXPECT_EQ(directory.log_path, host_path(u"/srv/logs"));
    EXPECT_EQ(directory.checkpoint_path, host_path(u"/srv/check"));
    EXPECT_EQ(directory.snapshot_path, host_path(u"/snap"));
    EXPECT_EQ(directory.online, OnlineAnswer::yes);
    EXPECT_EQ(directory.state_path, host_path(u"/var/state/default"));
    EXPECT_EQ(directory.tombstone_lifetime_days, 60u);
    EXPECT_EQ(directory.verify, VerifyLevel::headers);
    EXPECT_EQ(directory.path_form, PathForm::unc);
    EXPECT_FALSE(directory.registry_mirror);
}

TEST(Config, LogPathFollowsTheDatabaseAndCheckpointTheLogs) {
    const auto plain = parsed(R"(directory.database = "@/srv/ntds/ntds.dit")").directory;
    EXPECT_EQ(plain.log_path, host_path(u"/srv/ntds"));
    EXPECT_EQ(plain.checkpoint_path, host_path(u"/srv/ntds"));
    const auto apart =
        parsed("[directory]\ndatabase = \"@/srv/ntds/ntds.dit\"\nlog_path = \"@/logs\"").directory;
    EXPECT_EQ(apart.checkpoint_path, host_path(u"/logs"));
}

TEST(Config, EmptyPathsStandForTheDefault) {
    const auto directory =
        parsed("[directory]\ndatabase = \"\"\nsnapshot_path = \"\"\nstate_path = \"\"").directory;
    EXPECT_TRUE(directory.database.empty());
    EXPECT_TRUE(directory.snapshot_path.empty());
    EXPECT_EQ(directory.state_path, join_path(platform::default_state_folder(), u"default"));
}

TEST(Config, InstancesHaveStateFoldersOfTheirOwn) {
    const Config config = parsed(R"(
        [directory]
        state_path = "@/var/state"
        [instances.lds1]
        database = "@/srv/lds1/adamntds.dit"
        [instances.lds2]
        database = "@/srv/lds2/adamntds.dit"
        state_path = "@/var/other")");
    EXPECT_EQ(config.instances.at("lds1").name, "lds1");
    EXPECT_EQ(config.instances.at("lds1").state_path, host_path(u"/var/state/instances/lds1"));
    EXPECT_EQ(config.instances.at("lds2").state_path, host_path(u"/var/other/instances/lds2"));
}

// MIR-1: on where there is a registry without the vendor's service, for the default instance alone
// (MIR-2).
TEST(Config, MirrorDefaultsByMachineAndInstance) {
    const auto state = platform::ntds_service_state();
    const bool is_alone =
        platform::has_registry() && state && state.value() == platform::ServiceState::absent;
    const Config config =
        parsed(R"(instances.lds1 = {database = "@/srv/x.dit", registry_mirror = true})");
    EXPECT_EQ(config.directory.registry_mirror, is_alone);
    EXPECT_FALSE(config.instances.at("lds1").registry_mirror);
    EXPECT_EQ(parsed("directory.registry_mirror = true").directory.registry_mirror,
              platform::has_registry());
}

TEST(Config, ReadsTransports) {
    const Config config = parsed(R"(
        [transport]
        default = "mine"
        [transport.servers.DC1]
        transport = "rpc"
        address = "127.0.0.1:49152"
        instance = "lds1"
        connect_timeout_s = 3
        [transport.servers.dc2]
        [transport.plugins.mine]
        path = "@/opt/mine/transport.so")");
    EXPECT_EQ(config.default_transport, "mine");
    const ServerConfig& server = config.servers.at("dc1");
    EXPECT_EQ(server.transport, "rpc");
    EXPECT_EQ(server.address, "127.0.0.1:49152");
    EXPECT_EQ(server.instance, "lds1");
    EXPECT_EQ(server.connect_timeout_s, 3u);
    EXPECT_EQ(config.servers.at("dc2").transport, "mine");
    EXPECT_EQ(config.plugins.at("mine").path, host_path(u"/opt/mine/transport.so"));
}

TEST(Config, PluginPathIsThatOfTheBitness) {
    const Config config = parsed(R"(transport.plugins.p = {x64 = "@/64", x86 = "@/32"})");
    EXPECT_EQ(config.plugins.at("p").path, host_path(sizeof(void*) == 8 ? u"/64" : u"/32"));
}

TEST(Config, ReadsServiceAndLog) {
    const Config config = parsed(R"(
        [service]
        listen = ["127.0.0.1:0", "[::1]:49153"]
        allow_backup = ["EXAMPLE\\backup-admins"]
        allow_restore = ["EXAMPLE\\a", "EXAMPLE\\b", "group:restore"]
        allow_anonymous = true
        protection = "integrity"
        restore_roots = ["@/srv", "@/data/"]
        metrics = "[::1]:9100"
        max_connections = 10
        max_calls = 4
        max_authentications = 9
        bind_timeout_s = 5
        fragment_timeout_s = 6
        unread_timeout_s = 7
        max_calls_per_connection = 8
        hang_up_timeout_s = 9
        max_waiting_calls_per_connection = 11
        max_open_calls_per_connection = 40
        max_presentation_contexts = 16
        max_stranger_bytes = 8192
        max_metrics_requests = 13
        metrics_timeout_s = 14
        max_request_bytes = 65536
        max_unsent_bytes = 65537
        max_held_bytes = 4294967295
        stop_timeout_s = 0
        [log]
        level = "debug"
        file = "@/var/log/ntdsb.log")");
    EXPECT_EQ(config.service.listen, (std::vector<std::string>{"127.0.0.1:0", "[::1]:49153"}));
    EXPECT_EQ(config.service.allow_backup, std::vector<std::string>{"EXAMPLE\\backup-admins"});
    EXPECT_EQ(config.service.allow_restore.size(), 3u);
    EXPECT_EQ(config.service.protection, ProtectionLevel::integrity);
    EXPECT_TRUE(config.service.allow_anonymous);
    EXPECT_EQ(config.service.restore_roots,
              (std::vector<std::u16string>{host_path(u"/srv"), host_path(u"/data")}));
    EXPECT_EQ(config.service.metrics, "[::1]:9100");
    EXPECT_EQ(config.service.max_connections, 10u);
    EXPECT_EQ(config.service.max_calls, 4u);
    EXPECT_EQ(config.service.max_authentications, 9u);
    EXPECT_EQ(config.service.bind_timeout_s, 5u);
    EXPECT_EQ(config.service.fragment_timeout_s, 6u);
    EXPECT_EQ(config.service.unread_timeout_s, 7u);
    EXPECT_EQ(config.service.max_calls_per_connection, 8u);
    EXPECT_EQ(config.service.hang_up_timeout_s, 9u);
    EXPECT_EQ(config.service.max_waiting_calls_per_connection, 11u);
    EXPECT_EQ(config.service.max_open_calls_per_connection, 40u);
    EXPECT_EQ(config.service.max_presentation_contexts, 16u);
    EXPECT_EQ(config.service.max_stranger_bytes, 8192u);
    EXPECT_EQ(config.service.max_metrics_requests, 13u);
    EXPECT_EQ(config.service.metrics_timeout_s, 14u);
    EXPECT_EQ(config.service.max_request_bytes, 65536u);
    EXPECT_EQ(config.service.max_unsent_bytes, 65537u);
    EXPECT_EQ(config.service.max_held_bytes, 4294967295u);
    EXPECT_EQ(config.service.stop_timeout_s, 0u);
    EXPECT_EQ(config.log.level, log::Level::debug);
    EXPECT_EQ(config.log.file, host_path(u"/var/log/ntdsb.log"));
}

TEST(Config, AcceptsEveryWordOfAChoice) {
    for (const auto* level : {"off", "error", "warn", "info", "debug", "trace"})
        parsed(text("log.level = \"", level, "\""));
    for (const auto* verify : {"full", "headers", "off"})
        parsed(text("directory.verify = \"", verify, "\""));
    for (const auto* online : {"auto", "yes"}) parsed(text("directory.online = \"", online, "\""));
    for (const auto* style : {"local", "unc"})
        parsed(text("directory.path_style = \"", style, "\""));
}

struct Mistake {
    const char* name;
    const char* toml;
    const char* error; // how the sentence begins
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

class ConfigMistake : public testing::TestWithParam<Mistake> {};

TEST_P(ConfigMistake, IsAnErrorThatNamesThePlace) {
    EXPECT_STARTS(failure(GetParam().toml), GetParam().error);
}

constexpr Mistake mistakes[] = {
    {"Syntax", "[directory]\ndatabase = \n", "test.toml:2: "},
    {"KeyTwice", "[log]\nlevel = \"off\"\nlevel = \"off\"\n", "test.toml:3: "},
    {"UnknownSection", "\n[directories]\n",
     "test.toml:2: directories: is no setting; known are directory, instances, transport, service, "
     "log"},
    {"SectionIsNoTable", "directory = 5",
     "test.toml:1: directory: is not a table; write it as [directory]"},
    {"UnknownKey", "[directory]\n\ndatabse = \"x\"",
     "test.toml:3: [directory] databse: is no setting; known are database, "},
    {"UnknownKeyOfInstance", "[instances.a]\nx = 1",
     "test.toml:2: [instances.a] x: is no setting; known are database, "},
    {"UnknownKeyOfTransport", "[transport]\nx = 1",
     "test.toml:2: [transport] x: is no setting; known are default, servers, plugins"},
    {"UnknownKeyOfServer", "[transport.servers.dc]\nx = 1",
     "test.toml:2: [transport.servers.dc] x: is no setting; known are transport, address, "
     "instance, authentication, protection, principal, connect_timeout_s"},
    {"UnknownKeyOfPlugin", "[transport.plugins.p]\nx = 1",
     "test.toml:2: [transport.plugins.p] x: is no setting; known are path, x64, x86"},
    {"UnknownKeyOfService", "[service]\nx = 1",
     "test.toml:2: [service] x: is no setting; known are listen, "},
    {"MetricsForOthers", "[service]\nmetrics = \"0.0.0.0:9100\"",
     "test.toml:2: [service] metrics: is \"0.0.0.0:9100\"; metrics are served on 127.0.0.1, [::1] "
     "and "
     "localhost only"},
    {"MetricsWithoutPort", "[service]\nmetrics = \"127.0.0.1\"",
     "test.toml:2: [service] metrics: has the address \"127.0.0.1\"; write HOST:PORT"},
    {"BracketsAroundNothing", "[service]\nlisten = [\"[]:1\"]",
     "test.toml:2: [service] listen: has the address \"[]:1\"; write HOST:PORT or [IPV6]:PORT"},
    {"BracketsInBrackets", "[transport.servers.dc]\ntransport = \"rpc\"\naddress = \"[[::1]]:1\"",
     "test.toml:3: [transport.servers.dc] address: has the address \"[[::1]]:1\"; write HOST:PORT"},
    {"BracketsAroundASpace", "[service]\nmetrics = \"[ ]:1\"",
     "test.toml:2: [service] metrics: has the address \"[ ]:1\"; write HOST:PORT"},
    {"NoConnections", "[service]\nmax_connections = 0",
     "test.toml:2: [service] max_connections: is 0; allowed is 1 to 100000"},
    {"UnknownKeyOfLog", "[log]\nx = 1",
     "test.toml:2: [log] x: is no setting; known are level, file"},
    {"DatabaseType", "[directory]\ndatabase = 1",
     "test.toml:2: [directory] database: is not a string"},
    {"DatabaseRelative", "[directory]\ndatabase = \"ntds.dit\"",
     "test.toml:2: [directory] database: the path is \"ntds.dit\", which is not a full path"},
    {"DatabaseIsARoot", "[directory]\ndatabase = \"@/\"", "test.toml:1: [directory] database: "},
    {"LogPathRelative", "[directory]\nlog_path = \"x\"",
     "test.toml:2: [directory] log_path: the path"},
    {"CheckpointPathRelative", "[directory]\ncheckpoint_path = \"x\"",
     "test.toml:2: [directory] checkpoint_path: the path"},
    {"SnapshotPathRelative", "[directory]\nsnapshot_path = \"x\"",
     "test.toml:2: [directory] snapshot_path: the path"},
    {"StatePathRelative", "[directory]\nstate_path = \"x\"",
     "test.toml:2: [directory] state_path: the path"},
    {"StatePathControlCharacter", "[directory]\nstate_path = \"@/x\\n\"",
     "test.toml:2: [directory] state_path: the path has a control character"},
    {"OnlineWord", "[directory]\nonline = \"no\"",
     "test.toml:2: [directory] online: is \"no\"; allowed are auto, yes"},
    {"OnlineType", "[directory]\nonline = true",
     "test.toml:2: [directory] online: is not a string; allowed are auto, yes"},
    {"TombstoneZero", "[directory]\ntombstone_lifetime_days = 0",
     "test.toml:2: [directory] tombstone_lifetime_days: is 0; allowed is 1 to 36500"},
    {"TombstoneHuge", "[directory]\ntombstone_lifetime_days = 4294967476",
     "test.toml:2: [directory] tombstone_lifetime_days: is 4294967476; "},
    {"TombstoneType", "[directory]\ntombstone_lifetime_days = 1.5",
     "test.toml:2: [directory] tombstone_lifetime_days: is not a whole number"},
    {"VerifyWord", "[directory]\nverify = \"FULL\"",
     "test.toml:2: [directory] verify: is \"FULL\"; allowed are off, headers, full"},
    {"PathStyleWord", "[directory]\npath_style = \"x\"",
     "test.toml:2: [directory] path_style: is \"x\"; allowed are local, unc"},
    {"MirrorType", "[directory]\nregistry_mirror = \"true\"",
     "test.toml:2: [directory] registry_mirror: is not a boolean"},
    {"InstanceName", "[instances.\"a/b\"]\ndatabase = \"@/x/y\"",
     "test.toml:1: [instances] a/b: is no name"},
    {"InstanceNameEmpty", "[instances.\"\"]\ndatabase = \"@/x/y\"",
     "test.toml:1: [instances] : is no name"},
    {"InstanceNameDots", "[instances.\"..\"]\ndatabase = \"@/x/y\"",
     "test.toml:1: [instances] ..: is no name"},
    {"InstanceWithoutDatabase", "[instances.a]\nonline = \"yes\"",
     "test.toml:1: [instances.a] database: is missing"},
    {"InstancesInOneCase",
     "instances.a = {database = \"@/x/y\"}\ninstances.A = {database = \"@/z/y\"}",
     "test.toml:1: [instances] a: is there twice"},
    {"InstancesOnOneDatabase",
     "instances.a = {database = \"@/x/y\"}\ninstances.b = {database = \"@/x/./y\"}",
     "test.toml:1: [instances.a] database: "},
    {"StateInsideDatabaseFolder",
     "[directory]\ndatabase = \"@/srv/ntds.dit\"\nstate_path = \"@/srv/state\"",
     "test.toml:1: [directory] state_path: "},
    {"StateIsDatabaseFolder", "[directory]\ndatabase = \"@/srv/ntds.dit\"\nstate_path = \"@/srv\"",
     "test.toml:1: [directory] state_path: "},
    {"StateAboveDatabaseFolder",
     "[directory]\ndatabase = \"@/srv/a/ntds.dit\"\nstate_path = \"@/srv\"",
     "test.toml:1: [directory] state_path: "},
    {"StateInsideLogPath", "[directory]\nlog_path = \"@/logs\"\nstate_path = \"@/logs/x\"",
     "test.toml:1: [directory] state_path: "},
    {"StateInsideCheckpointPath",
     "[directory]\ncheckpoint_path = \"@/logs\"\nstate_path = \"@/logs/x\"",
     "test.toml:1: [directory] state_path: "},
    {"StateInsideSnapshotPath",
     "[directory]\nsnapshot_path = \"@/logs\"\nstate_path = \"@/logs/x\"",
     "test.toml:1: [directory] state_path: "},
    {"StateInsideAnotherInstance",
     "[directory]\nstate_path = \"@/srv/a/state\"\n[instances.a]\ndatabase = "
     "\"@/srv/a/x.dit\"\nstate_path = \"@/var\"",
     "test.toml:1: [directory] state_path: "},
    {"StateSharedByTwo",
     "[directory]\nstate_path = \"@/s/instances\"\n[instances.default]\ndatabase = "
     "\"@/a/b\"\nstate_path = \"@/s\"",
     "test.toml:1: [directory] state_path: "},
    {"DefaultTransportUnknown", "[transport]\ndefault = \"carrier\"",
     "test.toml:2: [transport] default: is \"carrier\"; known are embedded, rpc"},
    {"DefaultTransportType", "[transport]\ndefault = 1",
     "test.toml:2: [transport] default: is not a string"},
    {"ServersNoTable", "[transport]\nservers = 1",
     "test.toml:2: [transport] servers: is not a table; write it as [transport.servers]"},
    {"ServerNoTable", "[transport.servers]\ndc = 1",
     "test.toml:2: [transport.servers] dc: is not a table"},
    {"ServerTwice", "[transport.servers.dc]\n[transport.servers.DC]\n",
     "test.toml:1: [transport.servers] dc: is there twice"},
    {"ServerTransportUnknown", "[transport.servers.dc]\ntransport = \"x\"",
     "test.toml:2: [transport.servers.dc] transport: is \"x\"; known are embedded, rpc"},
    {"ServerTransportType", "[transport.servers.dc]\ntransport = 1",
     "test.toml:2: [transport.servers.dc] transport: is not a string"},
    {"ServerAddressMissing", "[transport.servers.dc]\ntransport = \"rpc\"",
     "test.toml:1: [transport.servers.dc] address: is missing"},
    {"ServerAddressWithoutPort", "[transport.servers.dc]\ntransport = \"rpc\"\naddress = \"dc\"",
     "test.toml:3: [transport.servers.dc] address: has the"},
    {"ServerAddressPortZero", "[transport.servers.dc]\ntransport = \"rpc\"\naddress = \"dc:0\"",
     "test.toml:3: [transport.servers.dc] address: has the"},
    {"ServerAddressPortHigh", "[transport.servers.dc]\ntransport = \"rpc\"\naddress = \"dc:65536\"",
     "test.toml:3: [transport.servers.dc] address: "},
    {"ServerAddressPortText", "[transport.servers.dc]\ntransport = \"rpc\"\naddress = \"dc:1x\"",
     "test.toml:3: [transport.servers.dc] address: "},
    {"ServerAddressNakedV6", "[transport.servers.dc]\ntransport = \"rpc\"\naddress = \"::1:80\"",
     "test.toml:3: [transport.servers.dc] address: "},
    {"ServerInstanceType", "[transport.servers.dc]\ninstance = 1",
     "test.toml:2: [transport.servers.dc] instance: is not a string"},
    {"ServerTimeoutZero", "[transport.servers.dc]\nconnect_timeout_s = 0",
     "test.toml:2: [transport.servers.dc] connect_timeout_s: is 0; allowed is 1 to 3600"},
    {"PluginEmpty", "[transport.plugins.p]\n",
     "test.toml:1: [transport.plugins] p: names no library"},
    {"PluginRelative", "[transport.plugins.p]\npath = \"p.so\"",
     "test.toml:2: [transport.plugins.p] path: the path"},
    {"PluginBuiltInName", "[transport.plugins.rpc]\npath = \"@/p\"",
     "test.toml:1: [transport.plugins] rpc: is a built-in"},
    {"ListenNoList", "[service]\nlisten = \"x:1\"", "test.toml:2: [service] listen: is not a list"},
    {"ListenElement", "[service]\nlisten = [1]", "test.toml:2: [service] listen: is not a string"},
    {"ListenAddress", "[service]\nlisten = [\"nowhere\"]",
     "test.toml:2: [service] listen: has the address \"nowhere\""},
    {"AllowBackupElement", "[service]\nallow_backup = [\"\"]",
     "test.toml:2: [service] allow_backup: has the name \"\"; write DOMAIN\\name, name@REALM or "
     "group:NAME"},
    {"AllowBackupWithoutADomain", "[service]\nallow_backup = [\"alice\"]",
     "test.toml:2: [service] allow_backup: has the name \"alice\"; write "},
    {"AllowBackupNoGroup", "[service]\nallow_backup = [\"group:\"]",
     "test.toml:2: [service] allow_backup: has the name \"group:\"; write "},
    {"AllowBackupHalfAName", "[service]\nallow_backup = ['EXAMPLE\\']",
     "test.toml:2: [service] allow_backup: has the name "},
    {"ProtectionOfService", "[service]\nprotection = \"none\"",
     "test.toml:2: [service] protection: is \"none\"; allowed are integrity, privacy"},
    {"Authentication", "[transport.servers.a]\nauthentication = \"basic\"",
     "test.toml:2: [transport.servers.a] authentication: is \"basic\"; allowed are none, "
     "negotiate, "
     "kerberos, ntlm"},
    {"Principal", "[transport.servers.a]\nprincipal = \"host\"",
     "test.toml:2: [transport.servers.a] principal: is \"host\"; write SERVICE/HOST"},
    {"AllowRestoreType", "[service]\nallow_restore = true",
     "test.toml:2: [service] allow_restore: is not a list"},
    {"AnonymousType", "[service]\nallow_anonymous = 1",
     "test.toml:2: [service] allow_anonymous: is not a boolean"},
#ifdef _WIN32
    {"ListenOnTheSystemsPort", "[service]\nlisten = [\"127.0.0.1:135\"]",
     "test.toml:2: [service] listen: has the address \"127.0.0.1:135\"; port 135 is the system's"},
    {"ListenOnAFile", "[service]\nlisten = [\"unix:/run/s\"]",
     "test.toml:2: [service] listen: has the address \"unix:/run/s\"; there are no such sockets"},
#else
    {"ListenOnARelativeFile", "[service]\nlisten = [\"unix:run/s\"]",
     "test.toml:2: [service] listen: has the address \"unix:run/s\"; behind unix: comes"},
    {"ListenOnAFolder", "[service]\nlisten = [\"unix:/run/\"]",
     "test.toml:2: [service] listen: has the address \"unix:/run/\"; behind unix: comes"},
    {"ListenOnALongName",
     "[service]\nlisten = [\"unix:/1234567890123456789012345678901234567890123456789012345678901234"
     "5678901234567890123456789012345678901234567\"]",
     "test.toml:2: [service] listen: has the address \"unix:/12345"},
    {"RpcToAFile", "[transport.servers.a]\ntransport = \"rpc\"\naddress = \"unix:/run/s\"",
     "test.toml:3: [transport.servers.a] address: has the address"},
#endif
    {"AnonymousBeyondLoopback", "[service]\nlisten = [\"0.0.0.0:1\"]\nallow_anonymous = true",
     "test.toml:1: service: allow_anonymous is true, but"},
    {"AnonymousOnALookalike", "[service]\nlisten = [\"127.example:1\"]\nallow_anonymous = true",
     "test.toml:1: service: allow_anonymous is true, but"},
    {"RestoreRootRelative", "[service]\nrestore_roots = [\"srv\"]",
     "test.toml:2: [service] restore_roots: the path"},
    {"FewerOpenCallsThanWait", "[service]\nmax_waiting_calls_per_connection = 12",
     "test.toml:1: service: max_open_calls_per_connection is 32, but must be 34 or more"},
    {"StrangersSendMoreThanOthers",
     "[service]\nmax_request_bytes = 65536\nmax_stranger_bytes = 65537",
     "test.toml:1: service: max_stranger_bytes is 65537, more than max_request_bytes"},
    {"LogLevelWord", "[log]\nlevel = \"verbose\"",
     "test.toml:2: [log] level: is \"verbose\"; allowed are off, error, warn, info, debug, trace"},
    {"LogFileRelative", "[log]\nfile = \"x.log\"", "test.toml:2: [log] file: the path"},
};

INSTANTIATE_TEST_SUITE_P(Each, ConfigMistake, testing::ValuesIn(mistakes),
                         [](const auto& mistake) { return std::string(mistake.param.name); });

// Found by the fuzzer: the TOML library asserts, or promises the compiler, what these files break.
TEST(Config, WhatTheParserAssertsIsAnError) { // COM-13
    for (const char* toml :
         {"[!x]", "[\x7f]", "[[?]]", "\xC3\xA4 = 1", "[log]\xC3\xA4", "x = 1 \xC2\xA7"})
        EXPECT_STARTS(failure(toml), "test.toml:1: ");
    const Config config = parsed("[log]\nfile = '' # \xC3\xA4\n");
    EXPECT_TRUE(config.log.file.empty());
}

TEST(Config, ForgesNoLogLine) { // COM-13
    for (const char* toml : {"'a\\nb' = 1", "\"a\\nb\" = 1", "[log]\nlevel = \"x\\r\\n\"",
                             "[service]\nallow_anonymous = tr\n"}) {
        const std::string what = failure(toml);
        EXPECT_STARTS(what, "test.toml:");
        EXPECT_EQ(what.find_first_of("\r\n"), std::string::npos) << what;
    }
}

TEST(Config, PathsMayLieBesideEachOther) {
    parsed("[directory]\ndatabase = \"@/srv/ntds.dit\"\nstate_path = \"@/srv2\"");
}

TEST(ConfigInstance, FindsByName) {
    const Config config =
        parsed("directory.database = \"@/a/b\"\ninstances.lds1.database = \"@/c/d\"");
    EXPECT_EQ(config.instance("").value(), &config.directory);
    EXPECT_EQ(config.instance("lds1").value(), &config.instances.at("lds1"));
}

TEST(ConfigInstance, UnknownNameListsTheKnownOnes) { // COM-5
    const auto found = parsed("instances.lds1.database = \"@/c/d\"").instance("lds2");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, hrCouldNotConnect);
    EXPECT_NE(found.error().what.find("known are lds1"), std::string::npos) << found.error().what;
}

TEST(ConfigInstance, UnconfiguredDefaultSaysHowToConfigureIt) { // COM-5
    if (const auto places = platform::domain_controller_places(); places && places.value())
        GTEST_SKIP() << "this is a domain controller";
    const auto found = parsed("").instance("");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, hrCouldNotConnect);
    EXPECT_NE(found.error().what.find("[directory]"), std::string::npos) << found.error().what;
}

} // namespace
} // namespace ntdsb
