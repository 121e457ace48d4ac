// The restore service's figures: page verification beside the memory's own rate, verification of
// whole files beside read(2) and with its peak memory, Register beside the bare atomic write.
//
//     figures
//     figures verify NAME FILE          one verification in this process
#include "bare_file.h"
#include "measure.h"
#include "service_figures.h"

#include "restore_directory.h"
#include "support/big_database.h"
#include "support/child_process.h"
#include "support/peak_memory.h"
#include "support/real_data.h"

#include <span>

namespace ntdsb::bench {
namespace {

// In a process of its own, whose peak is the verification's.
int verify(const std::string& name, const platform::Path& file) {
    ese::RestoreSet set;
    set.databases = {file};
    set.configured_database = file;
    set.log_path = set.backup_log_path = set.checkpoint_path = file.parent_path() / "none";
    set.check_identities = false;
    const auto before = test::peak_memory();
    bool sound = true;
    const auto verify_once = [&] { sound &= ese::verify_restore_set(set, false).findings.empty(); };
    verify_once();
    const auto needed = static_cast<double>(test::peak_memory() - before) / (1 << 20);
    const auto size = std::filesystem::file_size(file);
    const BareFile bare(file);
    std::vector<std::byte> buffer(1 << 20);
    const auto read_once = [&] {
        bare.seek(0);
        for (std::uint64_t left = size; left > 0;) {
            const auto part = std::min<std::uint64_t>(left, buffer.size());
            bare.read(std::span(buffer).first(part));
            left -= part;
        }
    };
    const double amount = static_cast<double>(size) / (1 << 20);
    report({"Verification", name, std::string(BareFile::name) + ", one thread", "MiB/s"},
           by_turns(Work{verify_once, amount}, Work{read_once, amount}));
    report_alone({"Verification", name + ", peak memory", "", "MiB", at_most(16)}, needed);
    return sound ? 0 : 1;
}

void measure_verification(const std::string& name, const platform::Path& file) {
    if (test::ChildProcess({"verify", name, file.string()}).wait() != 0)
        throw std::runtime_error(name + " is not sound");
}

void measure_register() {
    const service::RestoreDirectory directory;
    service::Client client(directory);
    wire::ContextHandle session = client.prepared();
    if (client.register_whole(session) != S_OK) throw std::runtime_error("Register failed");
    const auto bytes = test::read_file(directory.record_file());
    Turns turns;
    for (double spent = 0; spent < 2 * budget();) {
        client.end(session);
        session = client.prepared();
        turns.ours.push_back(seconds_of([&] { client.register_whole(session); }));
        turns.peer.push_back(
            seconds_of([&] { bare_atomic_write(directory.state() / "bare", bytes); }));
        spent += turns.ours.back() + turns.peer.back();
    }
    report({"Register", "DsRestoreRegister, in the service",
            "write, flush, rename, flush of the folder", "us", at_most(1.5)},
           turns);
}

int measure_all() {
    constexpr std::uint64_t made_size = std::uint64_t{2} << 30;
    measure_page_rates();
    if (const auto real = test::real_database("page32k"))
        measure_verification("a real database of 24 MiB", *real);
    {
        const test::TempFolder folder;
        test::write_big_database(folder / "big.dit", made_size);
        measure_verification("a made database of 2 GiB", folder / "big.dit");
    }
    measure_register();
    return 0;
}

} // namespace
} // namespace ntdsb::bench

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 3 && words[0] == "verify") return ntdsb::bench::verify(words[1], words[2]);
    return ntdsb::bench::measure_all();
}
