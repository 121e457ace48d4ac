// The vendor's NTDS service and its registry keys, on Windows.
#include "platform/domain_controller.h"

#include "core/log.h"
#include "platform/windows/registry.h"
#include "platform/windows/wine.h"

namespace ntdsb::platform {
namespace {

constexpr wchar_t ntds_key[] = L"SYSTEM\\CurrentControlSet\\Services\\NTDS";
constexpr wchar_t parameters_key[] = L"SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters";
constexpr wchar_t mirror_key[] = L"SYSTEM\\CurrentControlSet\\Services\\NTDS\\Restore In Progress";
constexpr wchar_t kept_keys_key[] =
    L"SYSTEM\\CurrentControlSet\\Control\\BackupRestore\\KeysNotToRestore";

class ServiceHandle {
public:
    explicit ServiceHandle(SC_HANDLE handle) noexcept : handle_(handle) {}
    ServiceHandle(const ServiceHandle&) = delete;
    ServiceHandle& operator=(const ServiceHandle&) = delete;
    ~ServiceHandle() {
        if (handle_) CloseServiceHandle(handle_);
    }
    SC_HANDLE get() const noexcept { return handle_; }

private:
    SC_HANDLE handle_;
};

Result<void> write_mirror_values(RegistryKey& key, const RestoreMirror& mirror) {
    std::vector<std::u16string> pairs;
    for (const auto& [old_path, new_path] : mirror.map) {
        pairs.push_back(old_path);
        pairs.push_back(new_path);
    }
    NTDSB_CHECK(key.set_text(L"BackupLogPath", mirror.backup_log_path));
    NTDSB_CHECK(key.set_text(L"CheckpointFilePath", mirror.checkpoint_path));
    NTDSB_CHECK(key.set_text(L"LogPath", mirror.log_path));
    NTDSB_CHECK(key.set_number(L"LowLog Number", mirror.gen_low));
    NTDSB_CHECK(key.set_number(L"HighLog Number", mirror.gen_high));
    NTDSB_CHECK(key.set_texts(L"EDB_RstMap", pairs));
    NTDSB_CHECK(key.set_number(L"EDB_RstMap Size", static_cast<std::uint32_t>(mirror.map.size())));
    return key.flush();
}

// Where there is no vendor's service, its key is there only because the mirror below it was
// written.
Result<void> remove_empty_ntds_key() {
    {
        NTDSB_TRY(const auto key, RegistryKey::open(ntds_key, KEY_READ));
        if (!key) return ok();
        NTDSB_TRY(const bool is_empty, key->is_empty());
        if (!is_empty) return ok();
    }
    return remove_registry_key(ntds_key);
}

Result<ServiceState> ask_service_manager() {
    const ServiceHandle manager(OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT));
    if (!manager.get()) return system_error(GetLastError(), "ask the service manager");
    const ServiceHandle service(OpenServiceW(manager.get(), L"NTDS", SERVICE_QUERY_STATUS));
    if (!service.get()) {
        if (GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST) return ServiceState::absent;
        return system_error(GetLastError(), "open the service NTDS");
    }
    SERVICE_STATUS status{};
    if (!QueryServiceStatus(service.get(), &status))
        return system_error(GetLastError(), "ask for the state of the service NTDS");
    return status.dwCurrentState == SERVICE_STOPPED ? ServiceState::stopped : ServiceState::running;
}

} // namespace

Result<ServiceState> ntds_service_state() {
    // Wine now and then takes the fresh handles of concurrent callers for invalid.
    for (int tries_left = 8;; --tries_left) {
        auto state = ask_service_manager();
        if (state || state.error().code != ERROR_INVALID_HANDLE || tries_left == 0 || !is_wine())
            return state;
    }
}

Result<std::optional<DirectoryPlaces>> domain_controller_places() {
    const std::optional<DirectoryPlaces> none;
    NTDSB_TRY(const auto key, RegistryKey::open(parameters_key, KEY_QUERY_VALUE));
    if (!key) return none;
    NTDSB_TRY(auto database, key->text_value(L"DSA Database file"));
    NTDSB_TRY(auto log_path, key->text_value(L"Database log files path"));
    NTDSB_TRY(auto checkpoint_path, key->text_value(L"DSA Working Directory"));
    if (!database || !log_path || !checkpoint_path) return none;
    return std::optional<DirectoryPlaces>(
        DirectoryPlaces{std::move(*database), std::move(*log_path), std::move(*checkpoint_path)});
}

bool has_registry() noexcept { return true; }

Result<void> write_restore_mirror(const RestoreMirror& mirror) {
    auto written = [&]() -> Result<void> {
        NTDSB_TRY(auto key, RegistryKey::create(mirror_key, KEY_SET_VALUE | KEY_QUERY_VALUE));
        return write_mirror_values(key, mirror);
    }();
    if (!written) {
        if (auto removed = remove_restore_mirror(); !removed) {
            log::error("MIR-1: a half-written mirror stays: ", removed.error().what);
        }
    }
    return written;
}

Result<void> remove_restore_mirror() {
    NTDSB_TRY(const bool exists, restore_mirror_exists());
    if (!exists) return ok();
    NTDSB_CHECK(remove_registry_key(mirror_key));
    {
        NTDSB_TRY(auto parent, RegistryKey::open(ntds_key, KEY_QUERY_VALUE));
        if (parent) NTDSB_CHECK(parent->flush());
    }
    return remove_empty_ntds_key();
}

Result<bool> restore_mirror_exists() {
    NTDSB_TRY(const auto key, RegistryKey::open(mirror_key, KEY_QUERY_VALUE));
    return key.has_value();
}

Result<void> keep_restored_mark_over_restore() {
    {
        NTDSB_TRY(const auto parameters, RegistryKey::open(parameters_key, KEY_QUERY_VALUE));
        if (!parameters) return ok();
    }
    // Entries are relative to HKEY_LOCAL_MACHINE\SYSTEM; one without a backslash at its end names a
    // value.
    NTDSB_TRY(auto kept, RegistryKey::create(kept_keys_key, KEY_SET_VALUE | KEY_QUERY_VALUE));
    NTDSB_CHECK(kept.set_texts(
        L"ntdsbcli",
        {u"CurrentControlSet\\Services\\NTDS\\Parameters\\Database restored from backup"}));
    return kept.flush();
}

Result<void> set_restored_from_backup() {
    NTDSB_TRY(auto parameters, RegistryKey::open(parameters_key, KEY_SET_VALUE | KEY_QUERY_VALUE));
    if (!parameters) return ok();
    NTDSB_CHECK(parameters->set_number(L"Database restored from backup", 1));
    return parameters->flush();
}

} // namespace ntdsb::platform
