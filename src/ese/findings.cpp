// See findings.h.
#include "ese/findings.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace ntdsb::ese {
namespace {

// VER-8.
constexpr std::array<Code, 21> order{
    static_cast<Code>(hrFileAccessDenied),
    static_cast<Code>(hrDiskIO),
    static_cast<Code>(hrDatabaseNotFound),
    static_cast<Code>(hrInvalidDatabase),
    static_cast<Code>(hrDatabaseCorrupted),
    static_cast<Code>(hrDatabaseInconsistent),
    static_cast<Code>(hrBadDbSignature),
    static_cast<Code>(hrBadBackupDatabaseSize),
    static_cast<Code>(hrContentsExpired),
    static_cast<Code>(hrMissingRestoreLogFiles),
    static_cast<Code>(hrLogFileCorrupt),
    static_cast<Code>(hrGivenLogFileHasBadSignature),
    static_cast<Code>(hrGivenLogFileIsNotContiguous),
    static_cast<Code>(hrExistingLogFileHasBadSignature),
    static_cast<Code>(hrExistingLogFileIsNotContiguous),
    static_cast<Code>(hrBadLogSignature),
    static_cast<Code>(hrRestoreLogTooHigh),
    static_cast<Code>(hrRestoreLogTooLow),
    static_cast<Code>(hrCheckpointCorrupt),
    static_cast<Code>(hrBadCheckpointSignature),
    static_cast<Code>(hrReadVerifyFailure),
};

auto rank(const Finding& finding) noexcept {
    return std::distance(order.begin(), std::find(order.begin(), order.end(), finding.code));
}

} // namespace

Code result_of(const std::vector<Finding>& findings) noexcept {
    const auto is_link = [](const Finding& finding) {
        return finding.code == platform::link_refused;
    };
    if (std::ranges::any_of(findings, is_link)) return platform::link_refused;
    const auto first =
        std::min_element(findings.begin(), findings.end(),
                         [](const Finding& a, const Finding& b) { return rank(a) < rank(b); });
    return first == findings.end() ? Code{S_OK} : first->code;
}

bool is_unsound(Code code) noexcept { return std::ranges::find(order, code) != order.end(); }

} // namespace ntdsb::ese
