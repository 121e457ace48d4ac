// The operations that need no session: they start from a server name (or a token) alone
// (sessions.h; contract ONL, CURLOG, ABI-1).
#include "core/path.h"
#include "platform/process.h"
#include "service/sessions.h"

namespace ntdsb::service {

namespace {

constexpr std::string_view current_log_file = "current-log";
// BACKUP_DISABLE_INCREMENTAL of the public header.
constexpr std::uint32_t disable_incremental = 0xffffffff;

} // namespace

Result<bool> is_directory_online(const ConfigPtr& config, std::u16string_view name) {
    const platform::ThreadPrivileges privileges;
    NTDSB_TRY(const auto instance, Instance::find(config, name));
    if (instance->directory().online == OnlineAnswer::yes) return true; // ONL-2
    // A question makes no state folder; one that is there must be ours to trust its locks.
    NTDSB_TRY(const auto folder,
              platform::file_info(native_path(instance->directory().state_path)));
    if (folder) NTDSB_CHECK(Instance::open(config, name));
    return directory_is_online(*instance);
}

Result<void> set_current_log_number(const ConfigPtr& config,
                                    const wire::SetCurrentLogNumber::Request& request) {
    NTDSB_CHECK(platform::check_right(platform::Right::backup)); // ACC-1
    const platform::ThreadPrivileges privileges;
    NTDSB_TRY(const auto instance, Instance::open(config, request.instance));
    const platform::Path path = instance->state_file(current_log_file);
    if (request.number != disable_incremental) {
        const std::string line = text(request.number, '\n');
        return platform::replace_file_durably(path, std::as_bytes(std::span(line)));
    }
    if (auto removed = platform::remove_file(path);
        !removed && removed.error().code != ERROR_FILE_NOT_FOUND)
        return removed;
    return platform::flush_folder(path.parent_path());
}

Result<void> check_expiry_token(const ConfigPtr& config,
                                const wire::CheckExpiryToken::Request& request) {
    if (!request.token || request.token->empty())
        return fail(ERROR_INVALID_PARAMETER, "ABI-1: there is no token to check");
    NTDSB_TRY(const auto instance, Instance::find(config, request.instance));
    NTDSB_TRY(const auto token, decode_token(*request.token));
    return check_token_age(token, instance->directory().tombstone_lifetime_days,
                           platform::now_filetime());
}

} // namespace ntdsb::service
