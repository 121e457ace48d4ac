// locations, online, history, token show and explain: questions that change nothing.
#include "tools/directory_api.h"
#include "tools/manifest.h"

#include "core/utf16.h"
#include "messages/message_table.h"
#include "platform/process.h"
#include "service/expiry_token.h"
#include "service/history.h"

#include <algorithm>
#include <charconv>
#include <ostream>

namespace ntdsb::tools {

namespace {

constexpr std::size_t largest_history = 2 * service::history_limit;

// --- locations

Result<Locations> ask_locations(const Options& options) {
    const platform::ThreadPrivileges privileges;
    NTDSB_TRY(const auto server, reach_server(options));
    ApiRestore session(options);
    NTDSB_CHECK(session.prepare(server, {}));
    return session.locations();
}

Result<bool> ask_online(const Options& options) {
    NTDSB_TRY(const auto server, reach_server(options));
    return is_online(options, server);
}

// --- history

// The lines of one file that are JSON objects; what is none (a torn last line) is shown as it is.
Result<void> add_lines(const platform::Path& file, Json& lines) {
    NTDSB_TRY(const auto info, platform::file_info(file));
    if (!info) return ok();
    NTDSB_TRY(const auto bytes, platform::read_whole_file(file, largest_history));
    const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (std::size_t at = 0; at < content.size();) {
        const auto end = std::min(content.find('\n', at), content.size());
        const auto line = content.substr(at, end - at);
        Json json = Json::parse(line, nullptr, false);
        if (json.is_object())
            lines.push_back(std::move(json));
        else if (!line.empty())
            lines.push_back({{"damaged", line}});
        at = end + 1;
    }
    return ok();
}

Result<Json> read_history(const Options& options) {
    NTDSB_TRY(const auto instance, open_instance(options));
    Json lines = Json::array();
    NTDSB_CHECK(add_lines(instance->state_file(service::older_history_file), lines));
    NTDSB_CHECK(add_lines(instance->state_file(service::history_file), lines));
    return lines;
}

// A value of a history line as people read it; the file may hold anything.
std::string plain(const Json& line, const char* key) {
    const auto found = line.find(key);
    if (found == line.end()) return {};
    if (!found->is_string()) return found->dump(-1, ' ', false, Json::error_handler_t::replace);
    return text(wtf8_to_utf16(found->get<std::string>())); // control characters made visible
}

void print_event(std::ostream& out, const Json& line) {
    if (line.contains("damaged")) {
        out << "a line that cannot be read: " << plain(line, "damaged") << '\n';
        return;
    }
    out << plain(line, "time") << "  " << plain(line, "event") << " by " << plain(line, "holder");
    if (line.contains("outcome") && line["outcome"].is_number_unsigned())
        out << " with " << code_name(static_cast<Code>(line["outcome"].get<std::uint32_t>()));
    if (line.contains("registered_at"))
        out << " (registered " << plain(line, "registered_at") << " by "
            << plain(line, "registered_by") << ", logs " << plain(line, "gen_low") << ".."
            << plain(line, "gen_high") << ")";
    out << '\n';
}

// --- token show

Json token_json(const service::ExpiryToken& token) {
    Json databases = Json::array();
    for (const auto& database : token.databases)
        databases.push_back({{"signature", hex_digits(database.signature.bytes)},
                             {"size", database.size},
                             {"dbtime", database.dbtime},
                             {"header_checksum", database.header_checksum}});
    return {{"backup_time", platform::format_filetime(token.backup_time)},
            {"tombstone_lifetime_days", token.tombstone_lifetime_days},
            {"databases", std::move(databases)}};
}

Result<service::ExpiryToken> read_token(const std::string& name) {
    NTDSB_TRY(const auto path, path_argument(name));
    NTDSB_TRY(const auto bytes, platform::read_whole_file(path, largest_token));
    auto token = service::decode_token(bytes);
    if (!token) return fail(token.error().code, shown(path), ": ", token.error().what);
    return token;
}

void print_token(std::ostream& out, const service::ExpiryToken& token, const Result<void>& age) {
    out << "backup taken   " << platform::format_filetime(token.backup_time) << '\n'
        << "good for       " << token.tombstone_lifetime_days << " days"
        << (age ? "" : "; " + age.error().what) << '\n';
    for (const auto& database : token.databases)
        out << "database       " << database.size << " bytes, signature "
            << hex_digits(database.signature.bytes) << ", dbtime " << database.dbtime
            << ", header checksum " << text(hex(std::uint64_t{database.header_checksum})) << '\n';
}

// --- explain

std::optional<std::uint32_t> parse_code(std::string_view code) {
    int base = 10;
    const bool negative = code.starts_with('-');
    if (negative) code.remove_prefix(1);
    if (code.starts_with("0x") || code.starts_with("0X")) {
        code.remove_prefix(2);
        base = 16;
    }
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), value, base);
    if (error != std::errc() || end != code.data() + code.size()) return std::nullopt;
    return negative ? 0u - value : value;
}

// By number as the API returns it (hex, decimal, signed decimal), or by name without case.
const MessageEntry* find_code(const std::string& code) {
    if (const auto number = parse_code(code)) return find_message(*number);
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    for (const auto& entry : message_table()) {
        if (std::ranges::equal(entry.name, code, {}, lower, lower)) return &entry;
    }
    return nullptr;
}

} // namespace

int locations(const Options& options) {
    const auto found = ask_locations(options);
    if (!found) return report(options, found.error(), exit_of(found.error().code));
    const auto& [database, log_path, checkpoint_path] = found.value();
    if (options.json)
        print(options, {{"database", text(database)},
                        {"log_path", text(log_path)},
                        {"checkpoint_path", text(checkpoint_path)}});
    else
        *options.out << "database         " << text(database) << "\nlog path         "
                     << text(log_path) << "\ncheckpoint path  " << text(checkpoint_path) << '\n';
    return exit_ok;
}

int online(const Options& options) {
    const auto answer = ask_online(options);
    if (!answer) return report(options, answer.error(), exit_failed);
    if (options.json)
        print(options, {{"online", answer.value()}});
    else
        *options.out << (answer.value() ? "the directory is online\n"
                                        : "the directory is stopped\n");
    return answer.value() ? exit_ok : exit_no;
}

int history(const Options& options) {
    const auto lines = read_history(options);
    if (!lines) return report(options, lines.error(), exit_failed);
    if (options.json) {
        print(options, {{"events", lines.value()}});
        return exit_ok;
    }
    for (const Json& line : lines.value()) print_event(*options.out, line);
    if (lines.value().empty()) *options.out << "no restore was registered yet\n";
    return exit_ok;
}

int show_token(const Options& options, const std::string& file) {
    const auto token = read_token(file);
    if (!token) return report(options, token.error(), exit_failed);
    const auto age = service::check_token_age(token.value(), token.value().tombstone_lifetime_days,
                                              platform::now_filetime());
    if (options.json) {
        Json json = token_json(token.value());
        json["expired"] = !age;
        print(options, json);
    } else {
        print_token(*options.out, token.value(), age);
    }
    return age ? exit_ok : exit_no;
}

int explain(const Options& options, const std::string& code) {
    const auto* const entry = find_code(code);
    if (entry == nullptr)
        return report(
            options,
            fail(ERROR_INVALID_PARAMETER, "\"", code,
                 "\" is no code or name that ntdsbcli or its service gives a meaning; give "
                 "the number as the API returned it (0xC7FF0004 or decimal) or a name "
                 "(hrRestoreInProgress). The words of Windows' own codes: net helpmsg "
                 "NUMBER"),
            exit_no);
    if (options.json)
        print(options, {{"name", entry->name}, {"code", entry->code}, {"text", entry->text}});
    else
        *options.out << entry->name << " (" << text(hex(std::uint64_t{entry->code})) << ", "
                     << entry->code << ")\n"
                     << entry->text << '\n';
    return exit_ok;
}

} // namespace ntdsb::tools
