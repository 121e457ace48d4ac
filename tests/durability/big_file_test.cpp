// What only a large database shows: its backup restored is byte-identical, and its verification
// needs little memory (2 GiB in `./dev prove`).
#include "big_file.h"

#include "child_roles.h"
#include "ese/same_content.h"
#include "scenarios.h"
#include "support/big_database.h"
#include "support/child_process.h"
#include "support/peak_memory.h"
#include "wire/read_reply.h"

#include <fstream>

namespace ntdsb::service {

int verify_in_little_memory(const std::vector<std::string>& words) {
    constexpr std::uint64_t most = std::uint64_t{16} << 20;
    ese::RestoreSet set;
    set.configured_database = platform::Path(words.at(1));
    set.databases = {set.configured_database};
    set.log_path = set.backup_log_path = set.checkpoint_path =
        set.configured_database.parent_path() / "none";
    set.check_identities = false;
    const auto before = test::peak_memory();
    const auto report = ese::verify_restore_set(set, false);
    const auto needed = test::peak_memory() - before;
    std::cout << "memory needed by the verification of "
              << std::filesystem::file_size(set.configured_database) / 1024 / 1024
              << " MiB: " << needed / 1024 << " KiB" << std::endl;
    return report.findings.empty() && needed < most ? 0 : 1;
}

namespace {

class BigFile : public testing::Test {
protected:
    BigFile() { test::write_big_database(directory.database(), size); }

    // Reads the database as a client does; the copy.
    platform::Path back_up(const wire::ContextHandle& session) {
        const auto copy = directory.root() / "copy.dit";
        EXPECT_EQ(
            client.call<wire::BackupOpenFile>({session, wire_path(directory.database()), 0}).status,
            S_OK);
        std::ofstream out(copy, std::ios::binary);
        test::Bytes buffer(1 << 20);
        for (;;) {
            wire::ReadReplySink sink(buffer);
            const auto called = client.association().call(
                wire::BackupRead::interface_of, wire::BackupRead::opnum,
                wire::encode(wire::BackupRead::Request{session, 1 << 20}), sink);
            EXPECT_TRUE(called);
            const auto outcome = sink.outcome().value();
            if (outcome.status != 0) {
                EXPECT_EQ(outcome.status, ERROR_HANDLE_EOF);
                return copy;
            }
            out.write(reinterpret_cast<const char*>(buffer.data()),
                      static_cast<std::streamsize>(outcome.count));
        }
    }

    const std::uint64_t size = std::uint64_t{is_proving() ? 2048u : 8u} << 20;
    RestoreDirectory directory;
    Client client{directory};
};

TEST_F(BigFile, IsByteIdenticalAfterBackupAndRestore) {
    const auto backup = client.call<wire::BackupPrepare>({u"", 0, 1});
    ASSERT_EQ(backup.status, S_OK);
    const auto copy = back_up(backup.session);
    client.call<wire::BackupEnd>({backup.session});
    ASSERT_EQ(std::filesystem::file_size(copy), size);
    EXPECT_TRUE(ese::same_content(directory.database(), copy).value());

    std::filesystem::rename(copy, directory.database());
    const auto restore = client.prepare(backup.token);
    ASSERT_EQ(restore.status, S_OK);
    EXPECT_EQ(client.register_whole(restore.session), S_OK);
    EXPECT_EQ(client.complete(restore.session, S_OK), S_OK);
    EXPECT_TRUE(start_directory(*directory.instance()));
    if (is_proving())
        std::cout << "byte-identical after backup and restore: " << size << " bytes\n";
}

TEST_F(BigFile, IsVerifiedInLittleMemory) {
    constexpr std::uint64_t more_than_allowed = std::uint64_t{40} << 20; // unused pages: zeros
    if (size < more_than_allowed)
        std::filesystem::resize_file(directory.database(), more_than_allowed);
    test::ChildProcess verifying({"verify-memory", directory.database().string()});
    EXPECT_EQ(verifying.wait(), 0);
}

} // namespace
} // namespace ntdsb::service
