// See output.h.
#include "tools/output.h"

#include "core/path.h"
#include "core/utf16.h"
#include "ese/restore_set.h"
#include "messages/message_table.h"

#include <istream>
#include <ostream>

namespace ntdsb::tools {

using service::RecordState;

void print(const Options& options, const Json& json) {
    *options.out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

std::string code_name(Code code) {
    const MessageEntry* entry = find_message(static_cast<std::uint32_t>(code));
    return entry != nullptr ? std::string(entry->name) : text(hex(code));
}

std::string_view code_text(Code code) {
    const MessageEntry* entry = find_message(static_cast<std::uint32_t>(code));
    return entry != nullptr ? entry->text : std::string_view();
}

Json error_json(const Error& error) {
    return {{"error", code_name(error.code)},
            {"code", static_cast<std::uint32_t>(error.code)},
            {"what", error.what}};
}

int report(const Options& options, const Error& error, int exit_status) {
    if (options.json)
        print(options, error_json(error));
    else
        *options.err << "ntdsbctl: " << error.what << " (" << code_name(error.code) << ")\n";
    return exit_status;
}

int exit_of(Code code) {
    switch (code) {
    case hrRestoreInProgress:
    case hrBackupInProgress:
    case hrDatabaseInUse:
    case hrBackupNotAllowedYet:
    case hrContentsExpired:
        return exit_no;
    default:
        return ese::is_unsound(code) ? exit_no : exit_failed;
    }
}

void note(const Options& options, std::string_view sentence) {
    if (!options.json) *options.out << sentence << std::endl;
}

Result<bool> confirm(const Options& options, std::string_view question) {
    if (options.yes) return true;
    if (options.in == nullptr)
        return fail(hrError, "there is no terminal to ask on: \"", question,
                    "\"; nothing was done. Add --yes to say so in advance");
    *options.err << question << " [y/N] " << std::flush;
    std::string answer;
    std::getline(*options.in, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

std::string_view state_name(RecordState state) {
    switch (state) {
    case RecordState::registered:
        return "registered";
    case RecordState::failed:
        return "failed";
    case RecordState::completed:
        return "completed";
    case RecordState::started:
        return "started";
    }
    return "unknown";
}

Result<platform::Path> path_argument(const std::string& utf8) {
    NTDSB_TRY(const auto path, utf8_to_utf16(utf8));
    if (path.empty()) return fail(ERROR_INVALID_PARAMETER, "the path is empty");
    std::error_code error;
    const auto whole = std::filesystem::absolute(native_path(path), error);
    const auto absolute = normalize_path(error ? path : wire_path(whole));
    NTDSB_CHECK(check_path_grammar(absolute, "the path"));
    return native_path(absolute);
}

std::string hex_digits(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const std::byte byte : bytes) {
        const auto value = std::to_integer<unsigned>(byte);
        out += digits[value >> 4];
        out += digits[value & 0xF];
    }
    return out;
}

std::string shown(const platform::Path& path) { return text(wire_path(path)); }

Result<service::InstancePtr> open_instance(const Options& options) {
    NTDSB_TRY(const ConfigPtr config, load_config(options.config_file));
    NTDSB_TRY(const std::u16string name, utf8_to_utf16(options.instance));
    return service::Instance::open(config, name);
}

std::string_view next_step(const service::InterlockStatus& status) {
    if (status.restore_session_alive)
        return "wait until the restore session completes, or end its process (ntdsbctl "
               "end-session) and run the restore again";
    if (status.start_blocked && status.start_blocked->code == hrRestoreInProgress)
        return "run the restore again and complete it, or give it up (ntdsbctl abandon); the "
               "directory stays blocked until then";
    if (status.backup == service::BackupSource::live)
        return "wait until the backup ends, or end its process; the directory cannot start "
               "meanwhile";
    if (status.engine_running)
        return "none; stop the directory before you restore it or back up its live files";
    if (status.record && status.record->state == RecordState::completed)
        return "start the restored directory: ntdsbctl run -- ENGINE";
    return "none; the directory is started with: ntdsbctl run -- ENGINE";
}

} // namespace ntdsb::tools
