// GetLastError's value in an Error, and the helpers of system_error.h.
#include "platform/windows/system_error.h"

#include <sddl.h>

namespace ntdsb::platform {
namespace {

// The system's sentence for `error`, without its line end; empty if it has none.
std::u16string system_message(DWORD error) {
    wchar_t buffer[512];
    const DWORD length =
        FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr, error,
                       0, buffer, static_cast<DWORD>(std::size(buffer)), nullptr);
    std::wstring_view message(buffer, length);
    while (!message.empty() && (message.back() <= L' ' || message.back() == L'.'))
        message.remove_suffix(1);
    return from_wide(message);
}

} // namespace

Error system_error(DWORD error, std::string_view attempt) {
    // Above are HRESULTs and the like, which documentation lists in hexadecimal.
    constexpr DWORD most_win32 = 0xffff;
    const std::string number = error > most_win32 ? text(hex(std::uint64_t{error})) : text(error);
    const std::u16string message = system_message(error);
    return fail(error, "could not ", attempt, message.empty() ? "" : ": ", message, " (error ",
                number, ")");
}

Error system_error(DWORD error, std::string_view attempt, const std::filesystem::path& path) {
    return system_error(error, text(attempt, " ", wire_path(path)));
}

std::wstring to_wide(std::u16string_view utf16) { return std::wstring(utf16.begin(), utf16.end()); }
std::u16string from_wide(std::wstring_view wide) {
    return std::u16string(wide.begin(), wide.end());
}

std::wstring long_form(const std::filesystem::path& path) {
    // CreateDirectoryW keeps 12 characters of MAX_PATH for a file's name.
    constexpr std::size_t longest_short_folder = 247;
    const std::wstring& native = path.native();
    if (native.size() <= longest_short_folder || native.starts_with(L"\\\\?\\")) return native;
    const std::u16string whole = normalize_path(from_wide(native), PathStyle::windows);
    if (whole.starts_with(u"\\\\")) return L"\\\\?\\UNC" + to_wide(whole).substr(1);
    return path.is_absolute() ? L"\\\\?\\" + to_wide(whole) : native;
}

Result<PrivateSecurity> PrivateSecurity::make(For what) {
    // Protected from inheritance; full access for SYSTEM, Administrators and the owner; in folders
    // inherited by what is made there.
    const wchar_t* const text = what == For::folder
                                    ? L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"
                                    : L"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)";
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &descriptor,
                                                              nullptr)) {
        return system_error(GetLastError(), "build a private access list");
    }
    return PrivateSecurity(descriptor);
}

PrivateSecurity::~PrivateSecurity() {
    if (descriptor_) LocalFree(descriptor_);
}

SECURITY_ATTRIBUTES PrivateSecurity::attributes() const noexcept {
    SECURITY_ATTRIBUTES attributes{};
    attributes.nLength = sizeof attributes;
    attributes.lpSecurityDescriptor = descriptor_;
    return attributes;
}

} // namespace ntdsb::platform
