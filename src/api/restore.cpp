// The exports of a restore (ntdsbcli.h): each traces, defines its out-parameters, checks handle and
// arguments, makes one client call. A and W are two names of one template.
#include "api/entry.h"

namespace ntdsb::api {

namespace {

std::optional<wire::Bytes> copy_token(const void* token, DWORD size) {
    if (token == nullptr) return std::nullopt;
    const auto* bytes = static_cast<const std::byte*>(token);
    return wire::Bytes(bytes, bytes + size);
}

// PREP-3, PREP-4: one that the wire does not carry is none of ours. ABI-11: it can be read.
Result<void> check_token_argument(const void* token, DWORD size) {
    if ((token == nullptr) != (size == 0))
        return fail(ERROR_INVALID_PARAMETER, "PREP-3: pvExpiryToken is ",
                    token == nullptr ? "NULL" : "given", " and cbExpiryTokenSize is ", size);
    if (size > wire::max_token_bytes)
        return fail(hrUnknownExpiryTokenFormat, "PREP-4: a token of ", size,
                    " bytes was not made by this service");
    return check_readable(token, size, "pvExpiryToken");
}

template <class Form>
HRESULT restore_prepare(std::string_view name, const typename Form::Char* server, ULONG flags,
                        PVOID token, DWORD token_size, HBC* hbc) {
    trace(name, StringArgument<Form>{server}, std::uint32_t{flags}, token,
          std::uint32_t{token_size}, hbc);
    store(hbc, nullptr);
    return run(name, [&]() -> Result<void> {
        NTDSB_CHECK(check_pointer(hbc, "phbc"));
        NTDSB_TRY(const auto server_name, read_server<Form>(server));
        NTDSB_CHECK(check_token_argument(token, token_size));
        NTDSB_TRY(const auto handle,
                  client::prepare_restore(server_name, flags, copy_token(token, token_size)));
        store(hbc, hbc_of(handle));
        return ok();
    });
}

template <class Form>
HRESULT restore_locations(std::string_view name, HBC hbc, typename Form::Char** list, DWORD* size) {
    trace(name, hbc, list, size);
    store(list, nullptr);
    store(size, 0);
    return run(name, [&]() -> Result<void> {
        const auto handle = handle_of(hbc);
        if (client::HandleTable::kind_of(handle) == client::SessionKind::backup) { // LOC-1
            NTDSB_TRY(const auto session, client::find_backup(handle));
            NTDSB_CHECK(check_pointer(list, "pszDatabaseLocationList"));
            NTDSB_CHECK(check_pointer(size, "pcbSize"));
            return hand_out_list<Form>(session->database_locations(), list, size);
        }
        NTDSB_TRY(const auto session, client::find_restore(handle));
        NTDSB_CHECK(check_pointer(list, "pszDatabaseLocationList"));
        NTDSB_CHECK(check_pointer(size, "pcbSize"));
        return hand_out_list<Form>(session->database_locations(), list, size);
    });
}

template <class Form>
Result<std::u16string> read_path(const typename Form::Char* path, std::string_view argument) {
    NTDSB_TRY(auto text, read_string<Form>(path, argument));
    NTDSB_CHECK(check_path_argument(text, argument));
    return text;
}

// The array need not be aligned.
template <class Form>
typename Form::RestoreMap map_element(const typename Form::RestoreMap* map, LONG at) {
    typename Form::RestoreMap pair;
    std::memcpy(&pair,
                reinterpret_cast<const char*>(map) + static_cast<std::size_t>(at) * sizeof pair,
                sizeof pair);
    return pair;
}

bool is_possible_map_count(LONG count) {
    return count > 0 && static_cast<std::uint32_t>(count) <= wire::max_restore_map_pairs;
}

// `count` is a possible one.
template <class Pair>
std::size_t map_size(const Pair* map, LONG count) {
    return static_cast<std::size_t>(count) * sizeof *map;
}

// How a map is traced: the pointer, and behind it the pairs of one that will be read.
template <class Form>
struct MapArgument {
    const typename Form::RestoreMap* map;
    LONG count;
};
template <class Form>
void append_argument(std::string& line, MapArgument<Form> argument) {
    api::append_argument(line, static_cast<const void*>(argument.map));
    if (argument.map == nullptr || !is_possible_map_count(argument.count)) return;
    if (!platform::is_readable(argument.map, map_size(argument.map, argument.count))) {
        line += "(unreadable)";
        return;
    }
    for (LONG i = 0; i < argument.count; ++i) {
        const auto pair = map_element<Form>(argument.map, i);
        line += i == 0 ? '{' : ';';
        api::append_argument(line, StringArgument<Form>{Form::source(pair)});
        line += ',';
        api::append_argument(line, StringArgument<Form>{Form::target(pair)});
    }
    line += '}';
}

// REG-3: the count is judged before the array is touched.
template <class Form>
Result<std::vector<wire::RestoreMapPair>> read_map(const typename Form::RestoreMap* map,
                                                   LONG count) {
    if (!is_possible_map_count(count))
        return fail(ERROR_INVALID_PARAMETER, "REG-3: crstmap is ", std::int32_t{count}, "; 1 to ",
                    wire::max_restore_map_pairs, " pairs are possible");
    NTDSB_CHECK(check_pointer(map, "rgrstmap"));
    NTDSB_CHECK(check_readable(map, map_size(map, count), "rgrstmap"));
    std::vector<wire::RestoreMapPair> pairs;
    for (LONG i = 0; i < count; ++i) {
        const auto pair = map_element<Form>(map, i);
        NTDSB_TRY(auto source, read_path<Form>(Form::source(pair), "a database name of rgrstmap"));
        NTDSB_TRY(auto target,
                  read_path<Form>(Form::target(pair), "a new database name of rgrstmap"));
        pairs.push_back({std::move(source), std::move(target)});
    }
    return pairs;
}

template <class Form>
HRESULT restore_register(std::string_view name, HBC hbc, const typename Form::Char* checkpoint,
                         const typename Form::Char* logs, const typename Form::RestoreMap* map,
                         LONG count, const typename Form::Char* backup_logs, ULONG low,
                         ULONG high) {
    trace(name, hbc, StringArgument<Form>{checkpoint}, StringArgument<Form>{logs},
          MapArgument<Form>{map, count}, std::int32_t{count}, StringArgument<Form>{backup_logs},
          std::uint32_t{low}, std::uint32_t{high});
    return run(name, [&]() -> Result<void> {
        NTDSB_TRY(const auto session, client::find_restore(handle_of(hbc)));
        NTDSB_CHECK(session->check_unrestricted());
        wire::RestoreRegister::Request request;
        NTDSB_TRY(request.checkpoint_path, read_path<Form>(checkpoint, "szCheckPointFilePath"));
        NTDSB_TRY(request.log_path, read_path<Form>(logs, "szLogPath"));
        NTDSB_TRY(request.backup_log_path, read_path<Form>(backup_logs, "szBackupLogPath"));
        NTDSB_TRY(request.map, read_map<Form>(map, count));
        request.gen_low = low;
        request.gen_high = high;
        return session->register_restore(std::move(request));
    });
}

} // namespace
} // namespace ntdsb::api

using namespace ntdsb::api;

extern "C" {

HRESULT NTDSBCLI_API DsRestorePrepareA(LPCSTR szServerName, ULONG rtFlag, PVOID pvExpiryToken,
                                       DWORD cbExpiryTokenSize, HBC* phbc) {
    return restore_prepare<Ansi>("DsRestorePrepareA", szServerName, rtFlag, pvExpiryToken,
                                 cbExpiryTokenSize, phbc);
}
HRESULT NTDSBCLI_API DsRestorePrepareW(LPCWSTR szServerName, ULONG rtFlag, PVOID pvExpiryToken,
                                       DWORD cbExpiryTokenSize, HBC* phbc) {
    return restore_prepare<Wide>("DsRestorePrepareW", szServerName, rtFlag, pvExpiryToken,
                                 cbExpiryTokenSize, phbc);
}

HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsA(HBC hbc, LPSTR* pszDatabaseLocationList,
                                                    LPDWORD pcbSize) {
    return restore_locations<Ansi>("DsRestoreGetDatabaseLocationsA", hbc, pszDatabaseLocationList,
                                   pcbSize);
}
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsW(HBC hbc, LPWSTR* pszDatabaseLocationList,
                                                    LPDWORD pcbSize) {
    return restore_locations<Wide>("DsRestoreGetDatabaseLocationsW", hbc, pszDatabaseLocationList,
                                   pcbSize);
}

HRESULT NTDSBCLI_API DsRestoreRegisterA(HBC hbc, LPCSTR szCheckPointFilePath, LPCSTR szLogPath,
                                        EDB_RSTMAPA rgrstmap[], LONG crstmap,
                                        LPCSTR szBackupLogPath, ULONG genLow, ULONG genHigh) {
    return restore_register<Ansi>("DsRestoreRegisterA", hbc, szCheckPointFilePath, szLogPath,
                                  rgrstmap, crstmap, szBackupLogPath, genLow, genHigh);
}
HRESULT NTDSBCLI_API DsRestoreRegisterW(HBC hbc, LPCWSTR szCheckPointFilePath, LPCWSTR szLogPath,
                                        EDB_RSTMAPW rgrstmap[], LONG crstmap,
                                        LPCWSTR szBackupLogPath, ULONG genLow, ULONG genHigh) {
    return restore_register<Wide>("DsRestoreRegisterW", hbc, szCheckPointFilePath, szLogPath,
                                  rgrstmap, crstmap, szBackupLogPath, genLow, genHigh);
}

HRESULT NTDSBCLI_API DsRestoreRegisterComplete(HBC hbc, HRESULT hrRestoreState) {
    constexpr std::string_view name = "DsRestoreRegisterComplete";
    trace(name, hbc, std::int32_t{hrRestoreState});
    return run(name, [&]() -> ntdsb::Result<void> {
        NTDSB_TRY(const auto session, ntdsb::client::find_restore(handle_of(hbc)));
        NTDSB_CHECK(session->check_unrestricted());
        return session->complete(hrRestoreState);
    });
}

HRESULT NTDSBCLI_API DsRestoreEnd(HBC hbc) {
    constexpr std::string_view name = "DsRestoreEnd";
    trace(name, hbc);
    return run(name, [&] {
        return ntdsb::client::end_session(handle_of(hbc), ntdsb::client::SessionKind::restore);
    });
}

HRESULT NTDSBCLI_API DsRestoreCheckExpiryToken(PVOID pvExpiryToken, DWORD cbExpiryTokenSize) {
    constexpr std::string_view name = "DsRestoreCheckExpiryToken";
    trace(name, pvExpiryToken, std::uint32_t{cbExpiryTokenSize});
    return run(name, [&]() -> ntdsb::Result<void> {
        NTDSB_CHECK(check_pointer(pvExpiryToken, "pvExpiryToken"));
        NTDSB_CHECK(check_token_argument(pvExpiryToken, cbExpiryTokenSize));
        return ntdsb::client::check_expiry_token(*copy_token(pvExpiryToken, cbExpiryTokenSize));
    });
}

} // extern "C"
