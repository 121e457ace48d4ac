// Inside of the platform layer: registry keys below HKEY_LOCAL_MACHINE, always in the 64-bit view,
// also from 32-bit tools (design point 8).
#pragma once

#include "platform/windows/system_error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ntdsb::platform {

class RegistryKey {
public:
    // std::nullopt if there is none.
    static Result<std::optional<RegistryKey>> open(const wchar_t* path, REGSAM access);
    // Opens, or creates with its missing parents.
    static Result<RegistryKey> create(const wchar_t* path, REGSAM access);

    RegistryKey(RegistryKey&& other) noexcept;
    RegistryKey& operator=(RegistryKey&&) = delete;
    ~RegistryKey();

    // std::nullopt if there is no such value or it is of another type. Text: REG_SZ or
    // REG_EXPAND_SZ (not expanded), to its first NUL.
    Result<std::optional<std::u16string>> text_value(const wchar_t* name) const;
    Result<std::optional<std::uint32_t>> number_value(const wchar_t* name) const;

    Result<void> set_text(const wchar_t* name, std::u16string_view value);
    Result<void> set_number(const wchar_t* name, std::uint32_t value);
    Result<void> set_texts(const wchar_t* name,
                           const std::vector<std::u16string>& values); // REG_MULTI_SZ
    // On stable storage when this returns.
    Result<void> flush();
    // Whether it has neither values nor keys below it.
    Result<bool> is_empty() const;

private:
    RegistryKey(HKEY key, const wchar_t* path) noexcept : key_(key), path_(path) {}
    Result<void> set(const wchar_t* name, DWORD type, const void* data, std::size_t size);
    HKEY key_;
    const wchar_t* path_; // for error sentences; every path is a literal
};

// Removes the key and its values. None there is success; one with keys below it is an error.
Result<void> remove_registry_key(const wchar_t* path);

} // namespace ntdsb::platform
