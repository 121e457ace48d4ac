// See checkpoint_check.h.
#include "ese/checkpoint_check.h"

#include "ese/header_file.h"

namespace ntdsb::ese {

void check_checkpoint(const platform::Path& checkpoint_path, platform::Links links,
                      const std::optional<Signature>& logs,
                      const std::optional<std::uint32_t>& lowest_required, Findings& findings) {
    platform::Path place = checkpoint_path;
    if (links == platform::Links::followed) { // one may lead to a file or a folder
        if (auto resolved = platform::resolved_path(place)) place = std::move(resolved).value();
    }
    auto info = platform::file_info(place, links);
    if (!info) {
        if (const Error error = read_error(info.error(), ERROR_FILE_NOT_FOUND);
            error.code != ERROR_FILE_NOT_FOUND)
            findings.add("VER-4", checkpoint_path, error);
        return;
    }
    if (!info.value()) return;
    const auto file =
        info.value()->is_folder ? in_folder(checkpoint_path, u"edb.chk") : checkpoint_path;
    auto checkpoint = read_checkpoint(file, links);
    if (!checkpoint) {
        if (checkpoint.error().code != ERROR_FILE_NOT_FOUND)
            findings.add("VER-4", file, checkpoint.error());
        return;
    }
    if (logs && checkpoint.value().signature != *logs) {
        findings.add("VER-4", file,
                     fail(hrBadCheckpointSignature, shown(file),
                          ": the log signature at offset 20 is ",
                          shown(checkpoint.value().signature.bytes), " where that of the logs, ",
                          shown(logs->bytes), ", is expected"));
    }
    if (lowest_required && checkpoint.value().generation > *lowest_required) {
        findings.add("VER-4", file,
                     fail(hrCheckpointCorrupt, shown(file),
                          ": the checkpoint at offset 16 is at generation ",
                          checkpoint.value().generation, ", above the lowest that recovery needs, ",
                          *lowest_required,
                          "; it belongs to a later state of the database and may be deleted"));
    }
}

} // namespace ntdsb::ese
