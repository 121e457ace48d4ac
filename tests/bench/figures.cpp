// The restore service's figures (./dev bench): page verification beside the memory's own rate,
// verification of whole files with its peak memory, Register beside the bare atomic write.
//
//     figures [--gib N]            the made file's size, 2 by default; 0 leaves it out
//     figures verify FILE          one verification in this process
#include "bench.h"

#include "restore_directory.h"
#include "support/big_database.h"
#include "support/child_process.h"
#include "support/peak_memory.h"
#include "support/real_data.h"

#include <cstdio>

namespace ntdsb::bench {
namespace {

// In a process of its own, whose peak is the verification's.
int verify(const platform::Path& file) {
    ese::RestoreSet set;
    set.databases = {file};
    set.configured_database = file;
    set.log_path = set.backup_log_path = set.checkpoint_path = file.parent_path() / "none";
    set.check_identities = false;
    const auto before = test::peak_memory();
    ese::Report report;
    const double seconds = seconds_of([&] { report = ese::verify_restore_set(set, false); });
    const double mib = static_cast<double>(std::filesystem::file_size(file)) / (1 << 20);
    std::printf("  %6.0f MiB in %6.3f s: %6.0f MiB/s; peak memory %.1f MiB, %.1f of them by the "
                "verification; %zu findings\n",
                mib, seconds, mib / seconds, static_cast<double>(test::peak_memory()) / (1 << 20),
                static_cast<double>(test::peak_memory() - before) / (1 << 20),
                report.findings.size());
    return report.findings.empty() ? 0 : 1;
}

void show_verification(const platform::Path& file, const char* what) {
    std::printf("Verification of %s, three times:\n", what);
    std::fflush(stdout);
    for (int round = 0; round < 3; ++round) test::ChildProcess({"verify", file.string()}).wait();
}

void show_register() {
    constexpr int rounds = 300;
    const service::RestoreDirectory directory;
    service::Client client(directory);
    std::vector<double> registering, writing;
    std::vector<std::byte> bytes;
    for (int round = 0; round < rounds; ++round) {
        const auto session = client.prepared();
        registering.push_back(seconds_of([&] {
            if (client.register_whole(session) != 0) throw std::runtime_error("Register failed");
        }));
        client.end(session);
        bytes = test::read_file(directory.record_file());
        writing.push_back(
            seconds_of([&] { bare_atomic_write(directory.state() / "bare", bytes); }));
    }
    const double ours = median(registering) * 1e6, bare = median(writing) * 1e6;
    std::printf("Register, median of %d, by turns with the bare atomic write of its %zu bytes:\n"
                "  %7.0f us; write, flush, rename, flush of the folder %7.0f us; %.2f times\n",
                rounds, bytes.size(), ours, bare, ours / bare);
}

int show_all(double gib) {
    show_page_rates();
    if (const auto real = test::real_database("page32k"))
        show_verification(*real, "the real file of 24 MiB");
    if (gib > 0) {
        const test::TempFolder folder;
        const auto file = folder / "big.dit";
        test::write_big_database(file, static_cast<std::uint64_t>(gib * (1 << 30)));
        show_verification(file, "a made file");
    }
    show_register();
    return 0;
}

} // namespace
} // namespace ntdsb::bench

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 2 && words[0] == "verify") return ntdsb::bench::verify(words[1]);
    return ntdsb::bench::show_all(words.size() == 2 && words[0] == "--gib" ? std::stod(words[1])
                                                                           : 2);
}
