// DsBackupRead with the embedded service beside the system's own read of the same file, both from
// the page cache.
#include "backup_stream.h"
#include "bare_file.h"
#include "measure.h"

#include "support/big_database.h"

namespace ntdsb::bench {
namespace {

constexpr std::size_t file_size = 256 * mib, slice = 16 * mib;

// The bare read begins half a file ahead, so that neither finds in a cache what the other has read.
void measure(const contract::MadeDirectory& directory, std::size_t buffer_size,
             const std::string& what, Goal goal) {
    BackupStream ours(slice);
    const BareFile bare(directory.database_file());
    std::vector<std::byte> buffer(buffer_size), bare_buffer(buffer_size);
    std::size_t at = file_size / 2;
    bare.seek(at);
    const auto read_bare = [&] {
        if (at == file_size) bare.seek(at = 0);
        for (const std::size_t end = at + slice; at < end; at += buffer_size)
            bare.read(bare_buffer);
    };
    constexpr double amount = slice / mib;
    report({"DsBackupRead, embedded", what, BareFile::name, "MiB/s", goal},
           by_turns(Work{[&] { ours.read_slice(buffer); }, amount}, Work{read_bare, amount}));
}

} // namespace
} // namespace ntdsb::bench

int main() {
    using namespace ntdsb::bench;
    const contract::MadeDirectory directory;
    ntdsb::test::write_big_database(directory.database_file(), file_size);
    directory.configure("verify = 'off'");
    measure(directory, mib / 16, "64 KiB buffers, verification off", {});
    measure(directory, mib, "1 MiB buffers, verification off", at_least(0.9));
    directory.configure("verify = 'full'");
    measure(directory, mib / 16, "64 KiB buffers, full verification", {});
    measure(directory, mib, "1 MiB buffers, full verification", {});
    return 0;
}
