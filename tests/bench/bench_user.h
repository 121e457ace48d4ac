// Whom the figures with privacy are measured as: one of tests/support/realm.py's users.
#pragma once

namespace ntdsb::bench {

inline constexpr char bench_user[] = "both", bench_password[] = "Both-1";
inline constexpr char bench_domain[] = "NTDSB", bench_realm[] = "NTDSB.TEST";

} // namespace ntdsb::bench
