// VER-8: which of many findings becomes the result.
#include "ese/findings.h"

#include "support/codes.h"

#include <gtest/gtest.h>

#include <vector>

namespace ntdsb {
namespace {

// As the contract lists them.
const std::vector<Code> contract_order{
    as_code(hrFileAccessDenied),
    as_code(hrDiskIO),
    as_code(hrDatabaseNotFound),
    as_code(hrInvalidDatabase),
    as_code(hrDatabaseCorrupted),
    as_code(hrDatabaseInconsistent),
    as_code(hrBadDbSignature),
    as_code(hrBadBackupDatabaseSize),
    as_code(hrContentsExpired),
    as_code(hrMissingRestoreLogFiles),
    as_code(hrLogFileCorrupt),
    as_code(hrGivenLogFileHasBadSignature),
    as_code(hrGivenLogFileIsNotContiguous),
    as_code(hrExistingLogFileHasBadSignature),
    as_code(hrExistingLogFileIsNotContiguous),
    as_code(hrBadLogSignature),
    as_code(hrRestoreLogTooHigh),
    as_code(hrRestoreLogTooLow),
    as_code(hrCheckpointCorrupt),
    as_code(hrBadCheckpointSignature),
    as_code(hrReadVerifyFailure),
};

TEST(VerificationResult, IsSuccessWithoutFindings) { EXPECT_EQ(ese::result_of({}), Code{S_OK}); }

TEST(VerificationResult, IsTheFirstCodeOfEveryPairInTheContractsOrder) { // VER-8
    for (std::size_t i = 0; i < contract_order.size(); ++i) {
        for (std::size_t j = i; j < contract_order.size(); ++j) {
            const ese::Finding first{contract_order[i], "a", "b"},
                second{contract_order[j], "c", "d"};
            EXPECT_EQ(ese::result_of({first, second}), contract_order[i]);
            EXPECT_EQ(ese::result_of({second, first}), contract_order[i]);
        }
    }
}

TEST(VerificationResult, IsTheRefusedLinkBeforeAllOfThem_ACC4) {
    const ese::Finding link{platform::link_refused, "a", "b"};
    for (const Code code : contract_order) {
        const ese::Finding other{code, "c", "d"};
        EXPECT_EQ(ese::result_of({link, other}), platform::link_refused);
        EXPECT_EQ(ese::result_of({other, link}), platform::link_refused);
    }
    EXPECT_FALSE(ese::is_unsound(platform::link_refused));
}

} // namespace
} // namespace ntdsb
