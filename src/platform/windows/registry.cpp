// Registry access through the W functions. Values may be hostile: sizes are limited and text may
// lack its NUL.
#include "platform/windows/registry.h"

#include "platform/disk_hook.h"

#include <cstring>

namespace ntdsb::platform {
namespace {

constexpr DWORD largest_value = 1u << 20;

Error registry_error(LSTATUS status, std::string_view attempt, const wchar_t* path) {
    return system_error(static_cast<DWORD>(status),
                        text(attempt, " HKEY_LOCAL_MACHINE\\", from_wide(path)));
}

struct RawValue {
    DWORD type = REG_NONE;
    std::vector<std::byte> data;
};

// std::nullopt if there is no such value.
Result<std::optional<RawValue>> read_value(HKEY key, const wchar_t* path, const wchar_t* name) {
    RawValue value;
    DWORD size = 512;
    LSTATUS status = ERROR_MORE_DATA;
    for (int attempt = 0; status == ERROR_MORE_DATA && attempt < 8 && size <= largest_value;
         ++attempt) { // it may grow meanwhile
        value.data.resize(size);
        status = RegQueryValueExW(key, name, nullptr, &value.type,
                                  reinterpret_cast<BYTE*>(value.data.data()), &size);
    }
    if (status == ERROR_FILE_NOT_FOUND) return std::optional<RawValue>();
    if (status != ERROR_SUCCESS)
        return registry_error(status, text("read the value ", from_wide(name), " of"), path);
    value.data.resize(size);
    return std::optional<RawValue>(std::move(value));
}

} // namespace

Result<std::optional<RegistryKey>> RegistryKey::open(const wchar_t* path, REGSAM access) {
    HKEY key = nullptr;
    const LSTATUS status =
        RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, access | KEY_WOW64_64KEY, &key);
    if (status == ERROR_FILE_NOT_FOUND) return std::optional<RegistryKey>();
    if (status != ERROR_SUCCESS) return registry_error(status, "open the registry key", path);
    return std::optional<RegistryKey>(RegistryKey(key, path));
}

Result<RegistryKey> RegistryKey::create(const wchar_t* path, REGSAM access) {
    NTDSB_CHECK(about_to(DiskOperation::create_key, path));
    HKEY key = nullptr;
    const auto make = [&](DWORD options) {
        return RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, nullptr, options,
                               access | KEY_WOW64_64KEY, nullptr, &key, nullptr);
    };
    LSTATUS status = make(REG_OPTION_NON_VOLATILE);
    if (status == ERROR_ACCESS_DENIED) status = make(REG_OPTION_BACKUP_RESTORE); // ACC-1
    if (status != ERROR_SUCCESS) return registry_error(status, "create the registry key", path);
    return RegistryKey(key, path);
}

RegistryKey::RegistryKey(RegistryKey&& other) noexcept
    : key_(std::exchange(other.key_, nullptr)), path_(other.path_) {}
RegistryKey::~RegistryKey() {
    if (key_) RegCloseKey(key_);
}

Result<std::optional<std::u16string>> RegistryKey::text_value(const wchar_t* name) const {
    NTDSB_TRY(const auto value, read_value(key_, path_, name));
    if (!value || (value->type != REG_SZ && value->type != REG_EXPAND_SZ))
        return std::optional<std::u16string>();
    std::u16string text(value->data.size() / sizeof(char16_t), u'\0');
    if (!text.empty()) std::memcpy(text.data(), value->data.data(), text.size() * sizeof(char16_t));
    text.resize(std::min(text.find(u'\0'), text.size()));
    return std::optional<std::u16string>(std::move(text));
}

Result<std::optional<std::uint32_t>> RegistryKey::number_value(const wchar_t* name) const {
    NTDSB_TRY(const auto value, read_value(key_, path_, name));
    std::uint32_t number = 0;
    if (!value || value->type != REG_DWORD || value->data.size() != sizeof number)
        return std::optional<std::uint32_t>();
    std::memcpy(&number, value->data.data(), sizeof number);
    return std::optional<std::uint32_t>(number);
}

Result<void> RegistryKey::set(const wchar_t* name, DWORD type, const void* data, std::size_t size) {
    NTDSB_CHECK(about_to(DiskOperation::set_value, path_));
    const LSTATUS status = RegSetValueExW(key_, name, 0, type, static_cast<const BYTE*>(data),
                                          static_cast<DWORD>(size));
    if (status != ERROR_SUCCESS)
        return registry_error(status, text("write the value ", from_wide(name), " of"), path_);
    return ok();
}

Result<void> RegistryKey::set_text(const wchar_t* name, std::u16string_view value) {
    const std::u16string terminated(value);
    return set(name, REG_SZ, terminated.c_str(), (terminated.size() + 1) * sizeof(char16_t));
}

Result<void> RegistryKey::set_number(const wchar_t* name, std::uint32_t value) {
    return set(name, REG_DWORD, &value, sizeof value);
}

Result<void> RegistryKey::set_texts(const wchar_t* name,
                                    const std::vector<std::u16string>& values) {
    std::u16string list;
    for (const auto& value : values) list.append(value) += u'\0';
    list += u'\0';
    return set(name, REG_MULTI_SZ, list.data(), list.size() * sizeof(char16_t));
}

Result<void> RegistryKey::flush() {
    NTDSB_CHECK(about_to(DiskOperation::flush_key, path_));
    const LSTATUS status = RegFlushKey(key_);
    if (status != ERROR_SUCCESS) return registry_error(status, "flush the registry key", path_);
    return ok();
}

Result<bool> RegistryKey::is_empty() const {
    DWORD keys = 0;
    DWORD values = 0;
    const LSTATUS status = RegQueryInfoKeyW(key_, nullptr, nullptr, nullptr, &keys, nullptr,
                                            nullptr, &values, nullptr, nullptr, nullptr, nullptr);
    if (status != ERROR_SUCCESS) return registry_error(status, "examine the registry key", path_);
    return keys == 0 && values == 0;
}

Result<void> remove_registry_key(const wchar_t* path) {
    NTDSB_CHECK(about_to(DiskOperation::remove_key, path));
    const LSTATUS status = RegDeleteKeyExW(HKEY_LOCAL_MACHINE, path, KEY_WOW64_64KEY, 0);
    if (status == ERROR_SUCCESS || status == ERROR_FILE_NOT_FOUND) return ok();
    return registry_error(status, "remove the registry key", path);
}

} // namespace ntdsb::platform
