// Inside of the platform layer: the rule of trust (design point 8) as a judgement on facts, the
// same for every platform, so that it can be tested where the facts themselves are synthetic
// (Wine). How the facts are found is each platform's.
#pragma once

#include "core/result.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace ntdsb::platform {

// What decides whether a file or folder can be trusted. "Others" are all but administrators
// (Windows: Administrators, SYSTEM, TrustedInstaller; elsewhere root and this user).
struct TrustFacts {
    bool owner_trusted = false;
    bool others_may_write = false;   // change its content; in a folder: add entries
    bool others_may_replace = false; // change its rights, or in a folder remove and rename entries
                                     // of administrators; the sticky bit prevents that
};

enum class TrustRole { itself, parent };

// Empty if it is trusted; else what is wrong, as the end of a sentence that starts with its path. A
// parent may take others' entries: what matters is that they cannot exchange ours.
std::string_view trust_fault(const TrustFacts& facts, TrustRole role);

// The platform's part: the facts of what is at `path`, links not followed; std::nullopt if nothing
// is there.
Result<std::optional<TrustFacts>> trust_facts(const std::filesystem::path& path);
// Whether owners and access lists mean something here; they do not under Wine.
bool trust_is_knowable();
// What to do about a fault of what is at `path`, as a whole sentence with commands.
std::string trust_mend(const std::filesystem::path& path, TrustRole role);

} // namespace ntdsb::platform
