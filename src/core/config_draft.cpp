// A directory's defaults and what its settings must hold (config_draft.h).
#include "core/config_draft.h"

#include "core/path.h"
#include "platform/domain_controller.h"
#include "platform/process.h"

#include <utility>

namespace ntdsb {
namespace {

// Whether the vendor's NTDS service is on this machine; what cannot be asked counts as there, which
// leaves its registry alone.
bool has_ntds_service() {
    const auto state = platform::ntds_service_state();
    return !state || state.value() != platform::ServiceState::absent;
}

void fill_in(DirectoryDraft& draft, const std::u16string& default_state_path) {
    DirectoryConfig& directory = draft.directory;
    if (draft.state_path.empty()) draft.state_path = default_state_path;
    if (!directory.database.empty()) {
        if (directory.log_path.empty()) directory.log_path = path_parent(directory.database);
        if (directory.checkpoint_path.empty()) directory.checkpoint_path = directory.log_path;
    }
    if (directory.name.empty()) {
        directory.state_path = join_path(draft.state_path, u"default");
    } else {
        const std::u16string name(directory.name.begin(),
                                  directory.name.end()); // ASCII, see check_name
        directory.state_path = join_path(join_path(draft.state_path, u"instances"), name);
    }
    const bool may_mirror = platform::has_registry() && directory.name.empty(); // MIR-2
    const bool asks =
        platform::has_registry() && (!draft.path_form || (may_mirror && !draft.registry_mirror));
    const bool has_service = asks && has_ntds_service();
    directory.path_form = draft.path_form.value_or(has_service ? PathForm::unc : PathForm::local);
    directory.registry_mirror = may_mirror && draft.registry_mirror.value_or(!has_service); // MIR-1
}

// The tools that restore delete everything in a directory's folders before they copy.
Result<void> check_state_path(const DirectoryDraft& draft, const DirectoryConfig& directory) {
    const std::pair<std::string_view, std::u16string> folders[] = {
        {"database", path_parent(directory.database)},
        {"log_path", directory.log_path},
        {"checkpoint_path", directory.checkpoint_path},
        {"snapshot_path", directory.snapshot_path}};
    for (const auto& [key, folder] : folders) {
        if (folder.empty() || !paths_overlap(draft.state_path, folder)) continue;
        const std::string other =
            directory.name.empty() ? "directory" : "instances." + directory.name;
        return fail(hrError, draft.place, "state_path: ", draft.state_path,
                    " lies inside or above ", folder, ", where [", other, "] has its ", key,
                    "; choose a folder apart from every directory's files");
    }
    return ok();
}

Result<void> check_drafts(const std::vector<DirectoryDraft>& drafts) {
    for (const DirectoryDraft& draft : drafts) {
        const DirectoryConfig& directory = draft.directory;
        if (!directory.database.empty() && path_file_name(directory.database).empty()) {
            return fail(hrError, draft.place, "database: ", directory.database,
                        " is no file; name the database file itself");
        }
        if (directory.database.empty() && !directory.name.empty()) {
            return fail(hrError, draft.place,
                        "database: is missing; name the instance's database file");
        }
        for (const DirectoryDraft& other : drafts) {
            NTDSB_CHECK(check_state_path(draft, other.directory));
            if (&other == &draft) continue;
            if (same_path(directory.state_path, other.directory.state_path)) {
                return fail(hrError, draft.place, "state_path: ", directory.state_path,
                            " would serve two instances; give each a name of its own");
            }
            if (!directory.database.empty() &&
                same_path(directory.database, other.directory.database)) {
                return fail(hrError, draft.place, "database: ", directory.database,
                            " belongs to two instances; only one may have it");
            }
        }
    }
    return ok();
}

} // namespace

Result<void> complete(std::vector<DirectoryDraft>& drafts) {
    const std::u16string common = drafts.front().state_path.empty()
                                      ? platform::default_state_folder()
                                      : drafts.front().state_path;
    for (DirectoryDraft& draft : drafts) fill_in(draft, common);
    return check_drafts(drafts);
}

} // namespace ntdsb
