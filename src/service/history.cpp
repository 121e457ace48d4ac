// See history.h.
#include "service/history.h"

#include "core/log.h"
#include "core/path.h"
#include "core/utf16.h"
#include "platform/append_file.h"
#include "platform/process.h"
#include "service/interlock_view.h"

namespace ntdsb::service {

namespace {

std::string_view event_name(HistoryEvent event) {
    switch (event) {
    case HistoryEvent::registered:
        return "registered";
    case HistoryEvent::completed:
        return "completed";
    case HistoryEvent::failed:
        return "failed";
    case HistoryEvent::started:
        return "started";
    case HistoryEvent::not_started:
        return "not-started";
    case HistoryEvent::abandoned:
        return "abandoned";
    case HistoryEvent::session_ended:
        return "session-ended";
    }
    return "unknown";
}

// A JSON string. A damaged record or lock file may hold anything: control characters are made visible,
// what is no UTF-8 becomes U+FFFD.
std::string json_string(std::string_view value) {
    std::string out = "\"";
    for (const char c : text(wtf8_to_utf16(value))) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string line_of(HistoryEvent event, const RegistrationRecord* record) {
    std::string line = text(
        "{\"time\":", json_string(platform::format_filetime(platform::now_filetime())),
        ",\"event\":", json_string(event_name(event)), ",\"holder\":", json_string(this_process()));
    if (record != nullptr) {
        line += text(
            ",\"registered_by\":", json_string(record->holder),
            ",\"registered_at\":", json_string(platform::format_filetime(record->registered_at)),
            ",\"gen_low\":", record->request.gen_low, ",\"gen_high\":", record->request.gen_high);
        if (record->outcome != 0)
            line += text(",\"outcome\":", static_cast<std::uint32_t>(record->outcome));
    }
    return line + "}\n";
}

// A line that a full disk or a crash cut off must not take the next one with it.
Result<bool> ends_in_a_line(const platform::Path& path, std::uint64_t size) {
    NTDSB_TRY(const auto file, platform::File::open_read(path));
    std::byte last{};
    NTDSB_TRY(const auto got, file.read_at(size - 1, std::span(&last, 1)));
    return got == 0 || last == std::byte{'\n'};
}

Result<void> append(const Instance& instance, HistoryEvent event,
                    const RegistrationRecord* record) {
    const platform::Path path = instance.state_file(history_file);
    NTDSB_TRY(const auto info, platform::file_info(path));
    if (info && (info->is_link || info->is_folder))
        return fail(hrError, wire_path(path), " is no plain file; remove it");
    std::string line = line_of(event, record);
    if (info && info->size >= history_limit) {
        NTDSB_CHECK(platform::rename_replace(path, instance.state_file(older_history_file)));
    } else if (info && info->size != 0) {
        NTDSB_TRY(const bool whole, ends_in_a_line(path, info->size));
        if (!whole) line.insert(0, 1, '\n');
    }
    NTDSB_TRY(auto file, platform::AppendFile::open(path));
    const bool written = file.append(line) && (event == HistoryEvent::registered || file.flush());
    if (!written) return fail(ERROR_WRITE_FAULT, "could not write to ", wire_path(path));
    return ok();
}

} // namespace

void add_to_history(const Instance& instance, HistoryEvent event,
                    const RegistrationRecord* record) noexcept {
    try {
        if (const auto appended = append(instance, event, record); !appended)
            log::warn("REC-11: the history has no line for \"", event_name(event),
                      "\": ", appended.error().what);
    } catch (const std::bad_alloc&) {
        log::warn("REC-11: the history lacks a line: out of memory");
    }
}

} // namespace ntdsb::service
