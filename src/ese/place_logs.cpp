// VER-7: the verified logs are put where the engine recovers from. Every step may be the last one
// before a crash: a log appears under its name only when it is whole and durable, and what is there
// already is compared, never overwritten.
#include "ese/restore_set.h"

#include "core/path.h"
#include "ese/header_file.h"
#include "ese/same_content.h"
#include "ese/work.h"

#include <algorithm>
#include <set>

namespace ntdsb::ese {
namespace {

// Copies in the making: the names are no log's, and tell whose they are.
constexpr std::u16string_view unfinished_prefix = u"ntdsb-restore-";
constexpr std::u16string_view unfinished_suffix = u".unfinished";

platform::Path unfinished_path(const platform::Path& target) {
    std::u16string name(unfinished_prefix);
    name += wire_path(target.filename());
    name += unfinished_suffix;
    return in_folder(target.parent_path(), name);
}

Result<void> remove_unfinished(const platform::Path& folder, platform::Links links) {
    NTDSB_TRY(const auto entries, platform::list_folder(folder, links));
    for (const auto& entry : entries) {
        const auto name = wire_path(entry.name);
        const bool ours = name.starts_with(unfinished_prefix) && name.ends_with(unfinished_suffix);
        if (ours && !entry.info.is_folder)
            NTDSB_CHECK(platform::remove_file(in_folder(folder, name), links));
    }
    return ok();
}

Result<void> check_going_on(const std::atomic<bool>& cancelled) {
    if (!cancelled) return ok();
    return fail(ERROR_OPERATION_ABORTED, "COM-11: the copying of logs was cancelled; what was "
                                         "copied stays, and completing again goes on from there");
}

// ACC-4: a second name in a folder gives its maker no right to the file, and the copy would.
Result<void> check_one_name(const platform::File& source) {
    NTDSB_TRY(const auto names, source.name_count());
    if (names <= 1) return ok();
    return fail(ERROR_ACCESS_DENIED, "ACC-4: ", shown(source.path()), " has ", names,
                " names (hard links), and a remote caller's restore copies no such log; put a copy "
                "in its place");
}

Result<void> copy_durably(const platform::Path& from, const platform::Path& to,
                          platform::Links links, const std::atomic<bool>& cancelled) {
    NTDSB_TRY(const auto source, platform::File::open_read(from, links));
    if (links == platform::Links::refused) NTDSB_CHECK(check_one_name(source));
    NTDSB_TRY(auto target, platform::File::create_shared(to, links));
    std::vector<std::byte> buffer(work_buffer_size);
    std::uint64_t offset = 0;
    for (;;) {
        NTDSB_CHECK(check_going_on(cancelled));
        NTDSB_TRY(const auto got, source.read_at(offset, buffer));
        NTDSB_CHECK(target.write_at(offset, std::span<const std::byte>(buffer).first(got)));
        offset += got;
        if (got < buffer.size()) break;
    }
    return target.flush();
}

Error exists_and_differs(const LogPlacement& placement) {
    return fail(hrExistingLogFileHasBadSignature, shown(placement.to), " exists and differs from ",
                shown(placement.from), ", whose place it takes: it is not overwritten (VER-7)");
}

// Whether `to` is there with the same content; false when there is nothing.
Result<bool> is_placed(const LogPlacement& placement, platform::Links links) {
    NTDSB_TRY(const auto existing, platform::file_info(placement.to, links));
    if (!existing) return false;
    NTDSB_TRY(const auto same, same_content(placement.from, placement.to, links));
    if (!same) return exists_and_differs(placement);
    return true;
}

// Renames to `placement.to` and nowhere else: what appears there meanwhile stays.
Result<void> take_place(const platform::Path& from, const LogPlacement& placement,
                        platform::Links links) {
    auto renamed = platform::rename_new(from, placement.to, links);
    if (renamed) return renamed;
    const Code code = renamed.error().code;
    if (code == ERROR_FILE_EXISTS || code == ERROR_ALREADY_EXISTS)
        return exists_and_differs(placement);
    return renamed;
}

// Within the log path a log only changes its name. That `from` is gone and `to` is there is the
// trace of an earlier run.
Result<void> rename_in_place(const LogPlacement& placement, platform::Links links) {
    NTDSB_TRY(const auto from, platform::file_info(placement.from, links));
    NTDSB_TRY(const auto to, platform::file_info(placement.to, links));
    if (!from && to) return ok();
    return take_place(placement.from, placement, links);
}

Result<void> place(const LogPlacement& placement, platform::Links links,
                   const std::atomic<bool>& cancelled) {
    auto same =
        platform::is_same_file(placement.from.parent_path(), placement.to.parent_path(), links);
    if (same && same.value()) return rename_in_place(placement, links);
    NTDSB_TRY(const bool placed, is_placed(placement, links));
    if (placed) return ok();

    const auto unfinished = unfinished_path(placement.to);
    auto copied = copy_durably(placement.from, unfinished, links, cancelled);
    if (copied) copied = take_place(unfinished, placement, links);
    // The copy's own failure is the one to tell.
    if (!copied) static_cast<void>(platform::remove_file(unfinished, links));
    return copied;
}

} // namespace

Result<void> place_logs(const Report& report, const std::atomic<bool>& cancelled) {
    std::set<platform::Path> folders;
    for (const auto& placement : report.placements) folders.insert(placement.to.parent_path());
    for (const auto& folder : folders) NTDSB_CHECK(remove_unfinished(folder, report.links));
    for (const auto& placement : report.placements)
        NTDSB_CHECK(place(placement, report.links, cancelled));
    for (const auto& folder : folders) NTDSB_CHECK(platform::flush_folder(folder, report.links));
    return check_going_on(cancelled);
}

} // namespace ntdsb::ese
