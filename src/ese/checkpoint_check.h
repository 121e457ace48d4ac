// The checkpoint of a restore set: contract VER-4.
#pragma once

#include "ese/findings.h"
#include "ese/restore_set.h"

#include <optional>

namespace ntdsb::ese {

// `logs`: the signature of the log stream; `lowest_required`: none when every database is clean.
// Where either is not known there is nothing to compare.
void check_checkpoint(const platform::Path& checkpoint_path, platform::Links links,
                      const std::optional<Signature>& logs,
                      const std::optional<std::uint32_t>& lowest_required, Findings& findings);

} // namespace ntdsb::ese
