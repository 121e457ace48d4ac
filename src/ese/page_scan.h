// The checksum of every page of a database: contract VER-6.
#pragma once

#include "ese/database_check.h"
#include "ese/findings.h"
#include "ese/work.h"

namespace ntdsb::ese {

// Bytes that scan_pages will read.
std::uint64_t scan_size(const DatabaseHeader& header) noexcept;

// Damaged pages are found one by one, up to this many in a database; then one finding tells how
// many more there are.
inline constexpr std::uint64_t max_page_findings = 1000;

// From here on two threads are faster than one.
inline constexpr std::uint64_t smallest_size_for_two = std::uint64_t{4} << 20;

// `database.header` must be there. Returns early when cancelled.
void scan_pages(const CheckedDatabase& database, platform::Links links, Work& work,
                Findings& findings);

} // namespace ntdsb::ese
