// See directory_api.h.
#include "tools/directory_api.h"

#include "core/host_name.h"
#include "core/path.h"
#include "core/utf16.h"
#include "platform/process.h"
#include "platform/socket.h"
#include "transport/server_name.h"

namespace ntdsb::tools {

namespace {

static_assert(sizeof(WCHAR) == sizeof(char16_t));

LPCWSTR wide(const std::u16string& value) { return reinterpret_cast<LPCWSTR>(value.c_str()); }

// A list as the DLL hands it out, freed.
std::vector<ListedFile> take_list(LPWSTR list, DWORD size) {
    const std::u16string_view all(reinterpret_cast<const char16_t*>(list), size / sizeof(char16_t));
    std::vector<ListedFile> files;
    for (std::size_t at = 0; at < all.size() && all[at] != 0;) {
        const auto entry = all.substr(at, std::min(all.find(u'\0', at), all.size()) - at);
        files.push_back({entry.front(), std::u16string(entry.substr(1))});
        at += entry.size() + 1;
    }
    DsBackupFree(list);
    return files;
}

// The DLL finds its configuration by itself; the environment is the one way to name another.
Result<void> hand_on_config(const Options& options) {
    if (options.config_file.empty()) return ok();
    std::error_code error;
    const auto whole = std::filesystem::absolute(native_path(options.config_file), error);
    const auto file = error ? options.config_file : wire_path(whole);
    if (same_path(file, platform::default_config_file())) return ok();
    if (!platform::environment_is_trusted())
        return fail(hrError,
                    "--config cannot be handed on to ntdsbcli: this process has more rights than "
                    "its user, and there the library heeds no environment variable. Leave --config "
                    "out, name the file as ConfigFile in HKLM\\SOFTWARE\\ntdsbcli, or set "
                    "AllowEnvironment = 1 (REG_DWORD) there");
    platform::set_environment("NTDSBCLI_CONFIG", file);
    return ok();
}

Result<std::u16string> server_of_instance(const Config& config, const std::string& instance) {
    NTDSB_CHECK(config.instance(instance));
    for (const auto& [name, server] : config.servers) {
        if (server.instance == instance && server.transport == "embedded")
            return utf8_to_utf16(name);
    }
    return fail(hrError, "no server name leads to the instance \"", instance,
                "\"; the library knows instances by server names alone. Add to ",
                config.file.empty() ? platform::default_config_file() : config.file,
                ": [transport.servers.", instance,
                R"(] with transport = "embedded" and instance = ")", instance, "\"");
}

// As the library finds it: without leading backslashes and without case (COM-3).
Result<std::optional<ServerConfig>> configured_server(const Config& config,
                                                      const std::string& name) {
    NTDSB_TRY(const auto plain, transport::check_server_name(wtf8_to_utf16(name)));
    const auto found = config.servers.find(plain);
    if (found == config.servers.end()) return std::nullopt;
    return found->second;
}

// The instance that the options lead to, where the library itself is its service.
Result<std::optional<std::string>> instance_here(const Config& config, const Options& options) {
    ServerConfig server;
    server.transport = config.default_transport;
    if (!options.server.empty()) {
        NTDSB_TRY(auto configured, configured_server(config, options.server));
        if (configured) server = *std::move(configured);
    } else if (!options.instance.empty()) {
        return options.instance; // by server_of_instance
    }
    if (server.transport != "embedded") return std::nullopt;
    return server.instance;
}

} // namespace

Error api_error(const Options& options, std::string_view call, HRESULT code) {
    const auto failed = [&](const auto&... parts) { return fail(code, call, ": ", parts...); };
    const auto meaning = code_text(static_cast<Code>(code));
    if (meaning.empty()) return failed("it failed with an unknown code");
    if (code != static_cast<HRESULT>(hrError)) return failed(meaning);
    const auto config = load_config(options.config_file);
    if (!config) return failed(config.error().what);
    const auto name = instance_here(*config.value(), options);
    if (!name || !name.value())
        return failed(meaning, " It is the service's log, on its computer.");
    const auto instance = service::Instance::open(config.value(), wtf8_to_utf16(*name.value()));
    if (!instance) return failed(instance.error().what);
    return failed(meaning, " The log is written with level = \"info\" in [log].");
}

Result<std::u16string> reach_server(const Options& options) {
    NTDSB_CHECK(hand_on_config(options));
    if (options.instance.empty())
        return utf8_to_utf16(options.server.empty() ? "localhost" : options.server);
    NTDSB_TRY(const ConfigPtr config, load_config(options.config_file));
    if (options.server.empty()) return server_of_instance(*config, options.instance);
    NTDSB_TRY(const auto server, configured_server(*config, options.server));
    if (server && server->instance == options.instance) return utf8_to_utf16(options.server);
    return fail(hrError, "--server ", options.server, " does not lead to the instance \"",
                options.instance, "\"; leave one of the two out, or say so in [transport.servers.",
                options.server, "]");
}

Result<void> check_files_are_here(const Options& options) {
    if (options.server.empty()) return ok();
    NTDSB_TRY(const ConfigPtr config, load_config(options.config_file));
    NTDSB_TRY(const auto server, configured_server(*config, options.server));
    if (!server || server->transport != "rpc") return ok();
    const std::string& address = server->address;
    NTDSB_TRY(const auto where, platform::split_address(address));
    NTDSB_TRY(const auto host, utf8_to_utf16(where.host));
    if (is_this_computer(host, platform::computer_names())) return ok();
    return fail(ERROR_NOT_SUPPORTED, "the directory of ", options.server, " is at ", address,
                ", and its files are put in place there: run this command on that computer");
}

Result<void> ApiSession::check(std::string_view call, HRESULT code) const {
    if (code == S_OK) return ok();
    return api_error(options_, call, code);
}

void ApiSession::end() noexcept {
    if (handle_ != nullptr && !ended_.exchange(true)) end_(handle_);
}

Result<Locations> ApiSession::locations() const {
    LPWSTR list = nullptr;
    DWORD size = 0;
    NTDSB_CHECK(check("DsRestoreGetDatabaseLocations",
                      DsRestoreGetDatabaseLocationsW(handle_, &list, &size)));
    Locations found;
    for (auto& entry : take_list(list, size)) {
        switch (entry.kind) {
        case 0x44: // BFT_NTDS_DATABASE, a char in the header
            found.database = std::move(entry.path);
            break;
        case 0x82: // BFT_LOG_DIR
            found.log_path = std::move(entry.path);
            break;
        case 0x83: // BFT_CHECKPOINT_DIR
            found.checkpoint_path = std::move(entry.path);
            break;
        default:
            break;
        }
    }
    return found;
}

ApiBackup::ApiBackup(const Options& options)
    : ApiSession(options, [](HBC hbc) { return DsBackupEnd(hbc); }) {}

Result<std::vector<std::byte>> ApiBackup::prepare(const std::u16string& server) {
    PVOID token = nullptr;
    DWORD size = 0;
    NTDSB_CHECK(check("DsBackupPrepare", DsBackupPrepareW(wide(server), 0, BACKUP_TYPE_FULL, &token,
                                                          &size, &handle_)));
    const auto* const bytes = static_cast<const std::byte*>(token);
    std::vector<std::byte> copy(bytes, bytes + size);
    DsBackupFree(token);
    return copy;
}

Result<std::vector<ListedFile>> ApiBackup::files() const {
    LPWSTR list = nullptr;
    DWORD size = 0;
    NTDSB_CHECK(
        check("DsBackupGetDatabaseNames", DsBackupGetDatabaseNamesW(handle_, &list, &size)));
    auto files = take_list(list, size);
    NTDSB_CHECK(check("DsBackupGetBackupLogs", DsBackupGetBackupLogsW(handle_, &list, &size)));
    for (auto& log : take_list(list, size)) files.push_back(std::move(log));
    return files;
}

Result<std::uint64_t> ApiBackup::open(const ListedFile& file) const {
    constexpr DWORD hint = 1 << 20;
    LARGE_INTEGER size{};
    NTDSB_CHECK(check(text("DsBackupOpenFile ", file.path),
                      DsBackupOpenFileW(handle_, wide(file.path), hint, &size)));
    return static_cast<std::uint64_t>(size.QuadPart);
}

Result<std::size_t> ApiBackup::read(std::span<std::byte> into) const {
    DWORD got = 0;
    const HRESULT code = DsBackupRead(handle_, into.data(), static_cast<DWORD>(into.size()), &got);
    if (code == static_cast<HRESULT>(ERROR_HANDLE_EOF)) return std::size_t{0};
    NTDSB_CHECK(check("DsBackupRead", code));
    return std::size_t{got};
}

Result<void> ApiBackup::close() const { return check("DsBackupClose", DsBackupClose(handle_)); }

Result<void> ApiBackup::truncate_logs() const {
    return check("DsBackupTruncateLogs", DsBackupTruncateLogs(handle_));
}

ApiRestore::ApiRestore(const Options& options)
    : ApiSession(options, [](HBC hbc) { return DsRestoreEnd(hbc); }) {}

Result<void> ApiRestore::prepare(const std::u16string& server, std::span<const std::byte> token) {
    std::vector<std::byte> copy(token.begin(), token.end()); // the DLL's argument is not const
    return check("DsRestorePrepare",
                 DsRestorePrepareW(wide(server), 0, copy.empty() ? nullptr : copy.data(),
                                   static_cast<DWORD>(copy.size()), &handle_));
}

Result<void> ApiRestore::register_restore(const Registration& registration) const {
    std::u16string source = registration.source;
    std::u16string target = registration.locations.database;
    EDB_RSTMAPW map{reinterpret_cast<WCHAR*>(source.data()),
                    reinterpret_cast<WCHAR*>(target.data())};
    return check("DsRestoreRegister",
                 DsRestoreRegisterW(handle_, wide(registration.locations.checkpoint_path),
                                    wide(registration.locations.log_path), &map, 1,
                                    wide(registration.backup_log_path), registration.gen_low,
                                    registration.gen_high));
}

Result<void> ApiRestore::complete(HRESULT state) const {
    return check("DsRestoreRegisterComplete", DsRestoreRegisterComplete(handle_, state));
}

Result<bool> is_online(const Options& options, const std::u16string& server) {
    BOOL answer = FALSE;
    const HRESULT code = DsIsNTDSOnlineW(wide(server), &answer);
    if (code != S_OK) return api_error(options, "DsIsNTDSOnline", code);
    return answer != FALSE;
}

} // namespace ntdsb::tools
