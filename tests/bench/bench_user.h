// Whom the figures with privacy are measured as: made up, known to bench_host's service alone.
#pragma once

namespace ntdsb::bench {

inline constexpr char bench_domain[] = "NTDSB", bench_user[] = "bench",
                      bench_password[] = "Bench-1";

} // namespace ntdsb::bench
