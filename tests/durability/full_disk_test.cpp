// Disks that are really full or read-only: a small file system of the test's own where this process
// may mount one, else (and besides) a limit on the size of files. What is refused changed nothing,
// and once there is room again all goes on (contract REC-1, CMPL-3, CMPL-4).
#include "full_disk.h"

#include "child_roles.h"
#include "scenarios.h"
#include "support/child_process.h"

#include <fstream>

#include <csignal>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

namespace ntdsb::service {

namespace {

constexpr int role_cannot_mount = 77;

// A file system of a few pages below a folder, in a mount namespace of this process's own.
class SmallDisk {
public:
    explicit SmallDisk(const platform::Path& folder) : folder_(folder) {
        std::filesystem::create_directories(folder);
        mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
                   ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   ::mount("none", folder.c_str(), "tmpfs", 0, "size=256k,mode=700") == 0;
    }
    bool is_mounted() const { return mounted_; }
    void make_read_only(bool read_only) {
        unsigned long flags = MS_REMOUNT;
        if (read_only) flags |= MS_RDONLY;
        if (::mount("none", folder_.c_str(), "tmpfs", flags, "size=256k,mode=700") != 0)
            throw std::runtime_error(std::generic_category().message(errno));
    }
    // Leaves so many pages free.
    void fill_but(unsigned pages) {
        free_all();
        std::ofstream filler(filler_file(), std::ios::binary);
        const std::string page(4096, 'x');
        unsigned written = 0;
        while (filler.write(page.data(), 4096).flush()) ++written;
        filler.close();
        if (pages > written) throw std::runtime_error("the disk is too small for the test");
        std::filesystem::resize_file(filler_file(), (written - pages) * std::uintmax_t{4096});
    }
    void free_all() { std::filesystem::remove(filler_file()); }

private:
    platform::Path filler_file() const { return folder_ / "filler"; }
    platform::Path folder_;
    bool mounted_ = false;
};

// What is wrong, for the test that started the role.
class Problems {
public:
    explicit Problems(const platform::Path& root) : file_(root / "problems") {}
    void expect(bool holds, const std::string& what) {
        if (!holds) std::ofstream(file_, std::ios::app) << what << "\n";
        any_ |= !holds;
    }
    void expect_code(Code found, Code expected, const std::string& what) {
        expect(found == expected, text(what, " gave ", hex(found), " instead of ", hex(expected)));
    }
    void expect_state(RestoreDirectory& directory, const char* state, bool blocked) {
        const auto found = state_word(directory);
        expect(found == state, text("the record says ", found, " instead of ", state));
        expect((directory.start_blocked() != S_OK) == blocked, text("startable while ", found));
    }
    int status() const { return any_ ? 1 : 0; }

private:
    platform::Path file_;
    bool any_ = false;
};

Code start(RestoreDirectory& directory) { return code_of(start_directory(*directory.instance())); }

// Register with more and more room, until it is enough. How often it was not.
unsigned register_with_growing_room(SmallDisk& disk, RestoreDirectory& directory, Client& client,
                                    const wire::ContextHandle& session, Problems& problems) {
    for (unsigned pages = 0;; ++pages) {
        disk.fill_but(pages);
        const Code code = client.register_whole(session);
        if (code == S_OK || pages == 16) return pages;
        problems.expect_code(code, ERROR_DISK_FULL, text("Register with ", pages, " free pages"));
        problems.expect_state(directory, "none", false);
    }
}

void restore_on_a_full_disk(SmallDisk& disk, RestoreDirectory& directory, Problems& problems) {
    static_cast<void>(directory.instance());
    Client client(directory);
    const auto session = client.prepared();
    // The lock files are there from the start: what is wanting is room for the record.
    problems.expect(!directory.start_blocked(), "the directory is blocked at first");
    const unsigned refusals =
        register_with_growing_room(disk, directory, client, session, problems);
    problems.expect(refusals > 0 && refusals < 16, text(refusals, " refusals"));
    problems.expect_state(directory, "registered", true);

    disk.fill_but(0);
    problems.expect_code(client.complete(session, S_OK), ERROR_DISK_FULL, "Complete when full");
    problems.expect_code(client.complete(session, failed_restore), ERROR_DISK_FULL,
                         "a report of failure when full");
    problems.expect_state(directory, "registered", true);
    disk.free_all();
    problems.expect_code(client.complete(session, S_OK), S_OK, "Complete with room");
    problems.expect_state(directory, "completed", false);

    disk.fill_but(0);
    problems.expect_code(start(directory), ERROR_DISK_FULL, "the start when full");
    problems.expect_state(directory, "completed", false);
    disk.free_all();
    problems.expect_code(start(directory), S_OK, "the start with room");
    problems.expect_state(directory, "started", false);
}

void restore_on_a_read_only_disk(SmallDisk& disk, RestoreDirectory& directory, Problems& problems) {
    Client client(directory);
    const auto session = client.prepared();
    disk.make_read_only(true);
    problems.expect_code(client.register_whole(session), ERROR_WRITE_PROTECT,
                         "Register on read-only media");
    problems.expect_code(start(directory), ERROR_WRITE_PROTECT, "the start on read-only media");
    disk.make_read_only(false);
    problems.expect_state(directory, "started", false);
    problems.expect_code(client.register_whole(session), S_OK, "Register");
    problems.expect_code(client.complete(session, S_OK), S_OK, "Complete");
}

// VER-7 on a log path without room.
void place_logs_on_a_full_disk(const std::string& root, Problems& problems) {
    RestoreDirectory directory{platform::Path(root)};
    SmallDisk disk(directory.ntds());
    std::filesystem::create_directories(directory.ntds());
    directory.use_logs();
    Client client(directory);
    const auto session = client.prepared();
    problems.expect_code(client.register_whole(session), S_OK, "Register");
    unsigned refusals = 0;
    for (unsigned pages = 0; pages < 8; ++pages) { // a log has two; one that is placed stays
        disk.fill_but(pages);
        const Code code = client.complete(session, S_OK);
        if (code == S_OK) break;
        ++refusals;
        problems.expect_code(code, ERROR_DISK_FULL, text("Complete with ", pages, " free pages"));
        problems.expect_state(directory, "registered", true);
        for (const auto& entry : std::filesystem::directory_iterator(directory.ntds()))
            problems.expect(entry.path().extension() != ".unfinished", "half a log stays");
    }
    problems.expect(refusals > 2 && refusals < 8, text(refusals, " refusals"));
    problems.expect_state(directory, "completed", false);
    problems.expect(recovery_fault(directory).empty(), recovery_fault(directory));
}

} // namespace

int full_disk(const std::vector<std::string>& words) {
    Problems problems(words.at(1));
    if (words.at(0) == "full-disk-logs") {
        place_logs_on_a_full_disk(words.at(1), problems);
        return problems.status();
    }
    RestoreDirectory directory{platform::Path(words.at(1))};
    directory.with_logs = true;
    SmallDisk disk(directory.state().parent_path());
    if (!disk.is_mounted()) return role_cannot_mount;
    restore_on_a_full_disk(disk, directory, problems);
    restore_on_a_read_only_disk(disk, directory, problems);
    return problems.status();
}

int limited_files(const std::vector<std::string>& words) {
    Problems problems(words.at(1));
    RestoreDirectory directory{platform::Path(words.at(1))};
    directory.with_logs = true;
    Client client(directory);
    const auto session = client.prepared();
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    unsigned refusals = 0;
    for (limit.rlim_cur = 0; limit.rlim_cur < 2000; limit.rlim_cur += 50) {
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const Code code = client.register_whole(session);
        if (code == S_OK) break;
        problems.expect(code == ERROR_DISK_FULL, text("Register gave ", hex(code)));
        ++refusals;
        problems.expect(state_word(directory) == "none", "a refused Register left a record");
    }
    problems.expect(refusals > 2 && limit.rlim_cur < 2000, text(refusals, " refusals"));
    problems.expect_state(directory, "registered", true);
    return problems.status();
}

namespace {

class FullDisk : public testing::Test {
protected:
    int play(const char* role) {
        test::ChildProcess child({role, directory.root().string()});
        return child.wait();
    }
    std::string problems() const {
        std::ifstream in(directory.root() / "problems");
        return {std::istreambuf_iterator<char>(in), {}};
    }
    FullDisk() { make_directory(directory); }
    RestoreDirectory directory;
};

TEST_F(FullDisk, AndReadOnlyMediaRefuseAndChangeNothing) {
    const int status = play("full-disk");
    if (status == role_cannot_mount) GTEST_SKIP() << "this user may not mount a file system";
    EXPECT_EQ(status, 0) << problems();
}

TEST_F(FullDisk, OfTheLogsLeavesNoHalfLogs) { // VER-7
    if (::geteuid() != 0) GTEST_SKIP() << "this user may not mount a file system";
    EXPECT_EQ(play("full-disk-logs"), 0) << problems();
}

TEST_F(FullDisk, LimitedFileSizesRefuseAndChangeNothing) {
    EXPECT_EQ(play("limited-files"), 0) << problems();
}

} // namespace
} // namespace ntdsb::service
