// What holds between processes: the interlock (contract REG-8), a client that dies between Register
// and Complete (END-3, REC-5). The other process is this executable again, run as `contract --child
// ROLE FOLDER`.
#include "made_directory.h"
#include "support/child_process.h"

#include <chrono>
#include <thread>

namespace contract {
namespace {

namespace fs = std::filesystem;

void wait_for(const fs::path& file) {
    for (int i = 0; i < 3000 && !fs::exists(file); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(fs::exists(file)) << file;
}

TEST(
    Processes,
    AClientKilledBetweenRegisterAndCompleteLeavesTheDirectoryBlockedAndFreesTheInterlock_END3_REC5) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    ntdsb::test::ChildProcess child({"--child", "register-and-wait", directory.root().string()});
    wait_for(directory.root() / "registered");
    {
        const Restore other(token);
        EXPECT_CODE(other.register_whole(directory), hrRestoreInProgress)
            << "while the client lives";
    }
    child.kill();
    EXPECT_CODE(Backup().prepared(), hrRestoreInProgress) << "the directory stays blocked";
    const Restore other(token);
    EXPECT_CODE(other.register_whole(directory), S_OK) << "the restore can be run again";
    directory.copy_back();
    EXPECT_CODE(other.complete(), S_OK);
}

TEST(Processes, OfManyThatRegisterAtOnceExactlyOneWins_REG8) {
    const MadeDirectory directory;
    directory.back_up();
    constexpr int clients = 4;
    std::vector<ntdsb::test::ChildProcess> children;
    for (int i = 0; i < clients; ++i)
        children.emplace_back(
            std::vector<std::string>{"--child", "race-to-register", directory.root().string()});
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    write_file(directory.root() / "go", {});
    int winners = 0, refused = 0;
    for (auto& child : children) {
        const int status = child.wait();
        winners += status == 0;
        refused += status == 3;
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(refused, clients - 1);
}

// A directory that another process has made, used from this one.
Restore prepare_from(const fs::path& root) {
    return Restore(read_file(root / "backup" / "token.bin"));
}

HRESULT register_from(const Restore& restore, const fs::path& root) {
    std::string database = (root / "ntds" / "ntds.dit").string(), logs = (root / "ntds").string(),
                backup = (root / "backup").string();
    EDB_RSTMAPA map{database.data(), database.data()};
    return ::DsRestoreRegisterA(restore.handle(), logs.c_str(), logs.c_str(), &map, 1,
                                backup.c_str(), 0, 0);
}

int register_and_wait(const fs::path& root) {
    const Restore restore = prepare_from(root);
    if (register_from(restore, root) != S_OK) return 1;
    write_file(root / "registered", {});
    std::this_thread::sleep_for(std::chrono::seconds(60));
    return 1;
}

int race_to_register(const fs::path& root) {
    const Restore restore = prepare_from(root);
    for (int i = 0; i < 3000 && !fs::exists(root / "go"); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const HRESULT code = register_from(restore, root);
    if (code == S_OK)
        std::this_thread::sleep_for(
            std::chrono::seconds(2)); // so that the others meet a live session
    return code == S_OK ? 0 : code == hrRestoreInProgress ? 3 : 1;
}

} // namespace

int run_gate(const fs::path& root);
int run_engine(const fs::path& root);

int child_main(const std::string& role, const fs::path& root) {
    if (role == "gate") return run_gate(root);
    if (role == "engine") return run_engine(root);
    if (role == "register-and-wait") return register_and_wait(root);
    if (role == "race-to-register") return race_to_register(root);
    return 2;
}

} // namespace contract

int main(int argc, char** argv) {
    if (argc == 4 && std::string(argv[1]) == "--child")
        return contract::child_main(argv[2], argv[3]);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
