// A directory's settings between the file and the configuration: what is missing is filled in, and
// what holds between the settings of all directories is checked.
#pragma once

#include "core/config.h"

#include <optional>
#include <string>
#include <vector>

namespace ntdsb {

// A [directory] or [instances.NAME] as written, before what is missing is filled in.
struct DirectoryDraft {
    DirectoryConfig directory;
    std::u16string state_path; // the configured one, above the instance's own folder
    std::optional<PathForm> path_form;
    std::optional<bool> registry_mirror;
    std::string place; // "FILE:LINE: [section] ", for errors about the whole
};

// Fills in and checks them all; the first is the default one. An error names file, line and key.
Result<void> complete(std::vector<DirectoryDraft>& drafts);

} // namespace ntdsb
