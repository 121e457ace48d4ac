// The table of targets (fuzz.h), and what they share.
#include "fuzz/fuzz.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace ntdsb::fuzz {

namespace {

constexpr std::array all_targets{
    Target{"ndr_request", ndr_request, 2000, "src/wire/(ndr|operations)\\."},
    Target{"ndr_reply", ndr_reply, 2000, "src/wire/"},
    Target{"rpc_server", rpc_server, 800, "src/rpc/(pdu|server_association)|src/server/dispatch"},
    Target{"rpc_client", rpc_client, 1000, "src/rpc/(pdu|client_association|fault)"},
    Target{"rpc_protection", rpc_protection, 2000, "src/rpc/(verification_trailer|ntlm_session)"},
    Target{"server_sockets", server_sockets, 100,
           "src/server/(connection|connection_calls|send_queue|reply_stream|workers|groups)\\."},
    Target{"standard_interfaces", standard_interfaces, 2000,
           "src/server/(endpoint_mapper|management|octets|interfaces)"},
    Target{"metrics_request", metrics_request, 2000, "src/server/metrics_page"},
    Target{"expiry_token", expiry_token, 2000, "src/service/(expiry_token|binary)"},
    Target{"registration_record", registration_record, 2000, "src/service/(record|binary)"},
    Target{"configuration", configuration, 300, "src/core/config\\.cpp"},
    Target{"ese_database", ese_database, 300, "src/ese/(headers|page_checksum|page_kernel|bytes)"},
    Target{"ese_log", ese_log, 2000, "src/ese/(headers|log_files|bytes)"},
    Target{"ese_checkpoint", ese_checkpoint, 1000, "src/ese/(headers|bytes)"},
    Target{"restore_set", restore_set, 100, "src/ese/"},
    Target{"string_lists", string_lists, 2000, "src/api/text_form"},
    Target{"names_and_paths", names_and_paths, 2000,
           "src/core/(path|utf16|text|host_name|upper_case)|src/transport/server_name|"
           "src/platform/socket\\.cpp"},
    Target{"plugin_table", plugin_table, 1000, "src/transport/plugin"},
    Target{"manifest", manifest, 500, "src/tools/manifest"},
    Target{"api_calls", api_calls, 40, "src/(api|client|service)/"},
};

} // namespace

std::span<const Target> targets() { return all_targets; }

const Target* find_target(std::string_view name) {
    const auto* const found = std::ranges::find(all_targets, name, &Target::name);
    return found == all_targets.end() ? nullptr : found;
}

std::u16string as_utf16(Input input) {
    std::u16string out(input.size() / 2, u'\0');
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<char16_t>(std::to_integer<unsigned>(input[2 * i]) |
                                       std::to_integer<unsigned>(input[2 * i + 1]) << 8);
    return out;
}

void broken(std::string_view rule, std::string_view found, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: broken: %.*s: %.*s is false\n", file, line,
                 static_cast<int>(rule.size()), rule.data(), static_cast<int>(found.size()),
                 found.data());
    std::abort();
}

} // namespace ntdsb::fuzz
