#include "service/restore_arguments.h"

#include "core/path.h"
#include "platform/file.h"
#include "service/locations.h"

#include <map>

namespace ntdsb::service {

namespace {

constexpr std::uint32_t highest_generation = 0xFFFFF; // five hex digits, REG-5
constexpr std::u16string_view checkpoint_file = u"edb.chk";

Result<std::u16string> resolve_path(std::u16string_view path, std::string_view argument,
                                    std::string_view rule) {
    if (const auto judged = check_path_grammar(path, argument); !judged)
        return fail(judged.error().code, rule, ": ", judged.error().what);
    return normalize_path(resolve_own_share(path)); // PATH-4
}

// Equal as written, or once links are followed.
bool is_same_place(std::u16string_view path, std::u16string_view configured) {
    if (same_path(path, configured)) return true;
    const auto a = platform::resolved_path(native_path(path));
    const auto b = platform::resolved_path(native_path(configured));
    return a && b && same_path(wire_path(a.value()), wire_path(b.value()));
}

// REG-2: the engine would recover elsewhere.
Result<void> check_configured(std::u16string_view path, std::u16string_view configured,
                              std::string_view argument) {
    if (is_same_place(path, configured)) return ok();
    return fail(ERROR_INVALID_PARAMETER, "REG-2: ", argument, " is ", path,
                ", and the configured one is ", configured,
                "; pass what DsRestoreGetDatabaseLocations gives");
}

// The pairs of a map by one of their two paths; the keys are made once, since a map may hold 1,024
// long paths.
using PairsByPath = std::map<std::u16string, const wire::RestoreMapPair*>;

// REG-4. True: the pair is one of those before it.
Result<bool> is_repeated(const wire::RestoreMapPair& pair, PairsByPath& by_source,
                         PairsByPath& by_target) {
    const auto [source, new_source] = by_source.try_emplace(path_key(pair.source), &pair);
    const auto [target, new_target] = by_target.try_emplace(path_key(pair.target), &pair);
    if (new_source && new_target) return false;
    if (!new_source && !new_target && source->second == target->second) return true;
    if (!new_source)
        return fail(ERROR_INVALID_PARAMETER, "REG-4: rgrstmap restores ", pair.source,
                    " to two places, ", source->second->target, " and ", pair.target);
    return fail(ERROR_INVALID_PARAMETER, "REG-4: rgrstmap restores two databases, ",
                target->second->source, " and ", pair.source, ", to ", pair.target);
}

// REG-3, REG-4, REG-11.
Result<void> resolve_map(std::vector<wire::RestoreMapPair>& map) {
    if (map.empty() || map.size() > wire::max_restore_map_pairs)
        return fail(ERROR_INVALID_PARAMETER, "REG-3: rgrstmap has ", map.size(), " pairs; 1 to ",
                    wire::max_restore_map_pairs, " are possible");
    for (wire::RestoreMapPair& pair : map) {
        NTDSB_TRY(pair.source, resolve_path(pair.source, "a database name of rgrstmap", "REG-3"));
        NTDSB_TRY(pair.target,
                  resolve_path(pair.target, "a new database name of rgrstmap", "REG-3"));
    }
    PairsByPath by_source;
    PairsByPath by_target;
    std::vector<wire::RestoreMapPair> merged;
    for (const wire::RestoreMapPair& pair : map) {
        NTDSB_TRY(const bool repeated, is_repeated(pair, by_source, by_target));
        if (!repeated) merged.push_back(pair);
    }
    map = std::move(merged);
    return ok();
}

// REG-5.
Result<void> check_generations(std::uint32_t low, std::uint32_t high) {
    if (low > highest_generation || high > highest_generation)
        return fail(ERROR_INVALID_PARAMETER, "REG-5: genLow ", low, " or genHigh ", high,
                    " is above ", highest_generation);
    if (low > high)
        return fail(ERROR_INVALID_PARAMETER, "REG-5: genLow ", low, " is above genHigh ", high);
    return ok();
}

} // namespace

Result<void> resolve_register_arguments(wire::RestoreRegister::Request& request,
                                        const DirectoryConfig& directory) {
    NTDSB_TRY(request.checkpoint_path,
              resolve_path(request.checkpoint_path, "szCheckPointFilePath", "REG-2"));
    NTDSB_TRY(request.log_path, resolve_path(request.log_path, "szLogPath", "REG-2"));
    NTDSB_TRY(request.backup_log_path,
              resolve_path(request.backup_log_path, "szBackupLogPath", "REG-2"));
    NTDSB_CHECK(check_configured(request.log_path, directory.log_path, "szLogPath"));
    // The parameter is named after the checkpoint file: edb.chk in the configured folder is as good
    // as the folder.
    if (!is_same_place(request.checkpoint_path,
                       join_path(directory.checkpoint_path, checkpoint_file)))
        NTDSB_CHECK(check_configured(request.checkpoint_path, directory.checkpoint_path,
                                     "szCheckPointFilePath"));
    NTDSB_CHECK(resolve_map(request.map));
    return check_generations(request.gen_low, request.gen_high);
}

bool is_checkpoint_pair(const wire::RestoreMapPair& pair, const DirectoryConfig& directory) {
    return same_path(path_file_name(pair.target), checkpoint_file) ||
           is_same_place(pair.target, directory.checkpoint_path);
}

} // namespace ntdsb::service
