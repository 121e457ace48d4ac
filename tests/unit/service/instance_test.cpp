// Finding an instance and judging its state folder (design points 8, 9; contract DC-1, COM-5).
#include "service/instance.h"

#include "fake_domain_controller.h"
#include "restore_directory.h"

#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace ntdsb::service {
namespace {

using platform::DiskOperation;

// The failure of `open`; code and sentence.
Error refusal(const RestoreDirectory& directory, std::u16string_view name = u"") {
    auto opened = Instance::open(directory.shared_config(), name);
    if (!opened) return opened.error();
    ADD_FAILURE() << "it was opened";
    return {};
}

TEST(Instance, MakesItsStateFolderForTheOwnerAlone) {
    const RestoreDirectory directory;
    ASSERT_TRUE(Instance::open(directory.shared_config(), u""));
    ASSERT_TRUE(std::filesystem::is_directory(directory.state()));
#ifndef _WIN32
    EXPECT_EQ(std::filesystem::status(directory.state()).permissions(),
              std::filesystem::perms::owner_all);
#endif
}

TEST(Instance, SecondOpenChangesNothingOnDisk) { // ONL-1: it is cheap
    const RestoreDirectory directory;
    ASSERT_TRUE(Instance::open(directory.shared_config(), u""));
    platform::set_disk_hook(
        [](DiskOperation, const platform::Path&) { return Code{ERROR_DISK_FULL}; });
    EXPECT_TRUE(Instance::open(directory.shared_config(), u""));
}

TEST(Instance, FindLeavesTheDiskAlone) { // ONL-1
    const RestoreDirectory directory;
    const auto found = Instance::find(directory.shared_config(), u"");
    ASSERT_TRUE(found);
    EXPECT_EQ(found.value()->database(), directory.database());
    EXPECT_FALSE(std::filesystem::exists(directory.state()));
}

TEST(Instance, UnknownNameAndNoDirectoryCouldNotConnect) { // COM-5
    RestoreDirectory directory;
    EXPECT_EQ(refusal(directory, u"lds1").code, hrCouldNotConnect);
    directory.config.directory = {};
    EXPECT_EQ(refusal(directory).code, hrCouldNotConnect);
}

TEST(Instance, StateFolderThatCannotBeMadeIsAnErrorThatNamesIt) {
    RestoreDirectory directory;
    directory.config.directory.state_path =
        wire_path(directory.database() / "state"); // below a file
    const auto error = refusal(directory);
    EXPECT_EQ(error.code, hrError);
    EXPECT_NE(error.what.find(directory.database().filename().string()), std::string::npos)
        << error.what;
    EXPECT_NE(error.what.find("state_path"), std::string::npos) << error.what;
}

TEST(Instance, FileInTheStateFoldersPlaceIsRefused) {
    const RestoreDirectory directory;
    std::filesystem::create_directories(directory.state().parent_path());
    test::write_file(directory.state(), {});
    EXPECT_EQ(refusal(directory).code, hrError);
}

TEST(Instance, FullAndReadOnlyDisksAreErrorsThatSayWhatToDo) {
    const RestoreDirectory directory;
    for (const platform::DiskHook hook :
         {platform::DiskHook([](DiskOperation operation, const platform::Path&) {
              return operation == DiskOperation::create_folder ? Code{0} : Code{ERROR_DISK_FULL};
          }),
          platform::DiskHook(
              [](DiskOperation, const platform::Path&) { return Code{ERROR_WRITE_PROTECT}; })}) {
        platform::set_disk_hook(hook);
        const auto error = refusal(directory);
        EXPECT_EQ(error.code, hrError);
        EXPECT_NE(error.what.find("set state_path"), std::string::npos) << error.what;
        platform::set_disk_hook(nullptr);
    }
    EXPECT_TRUE(Instance::open(directory.shared_config(), u"")) << "nothing of it stays";
}

TEST(Instance, MarkerOfAnotherPlatformIsRefused) { // design point 9
    const RestoreDirectory directory;
    ASSERT_TRUE(Instance::open(directory.shared_config(), u""));
    const std::string other = "wine /home/other/.wine";
    const auto bytes = std::as_bytes(std::span(other));
    test::write_file(directory.state() / "platform", test::Bytes(bytes.begin(), bytes.end()));
    const auto error = refusal(directory);
    EXPECT_EQ(error.code, hrError);
    EXPECT_NE(error.what.find(other), std::string::npos) << error.what;
}

TEST(Instance, DomainControllersPlacesComeFromItsRegistry) { // DC-1
    RestoreDirectory directory;
    fake_domain_controller().places =
        platform::DirectoryPlaces{u"/dc/ntds.dit", u"/dc/logs", u"/dc/work"};
    EXPECT_EQ(Instance::find(directory.shared_config(), u"").value()->database(),
              directory.database())
        << "the configuration names others";

    directory.config.directory.database.clear();
    directory.config.directory.log_path.clear();
    directory.config.directory.checkpoint_path.clear();
    const auto found = Instance::find(directory.shared_config(), u"");
    ASSERT_TRUE(found);
    EXPECT_EQ(found.value()->directory().database, u"/dc/ntds.dit");
    EXPECT_EQ(found.value()->directory().log_path, u"/dc/logs");
    EXPECT_EQ(found.value()->directory().checkpoint_path, u"/dc/work");
    EXPECT_EQ(found.value()->directory().state_path, wire_path(directory.state()));
}

TEST(Instance, StateFolderAmongADomainControllersFilesIsRefused) { // design point 8
    RestoreDirectory directory;
    directory.config.directory.database.clear();
    const auto inside = wire_path(directory.state() / "logs");
    const auto above = wire_path(directory.root());
    for (const auto& folder : {inside, above}) {
        fake_domain_controller().places =
            platform::DirectoryPlaces{join_path(folder, u"ntds.dit"), folder, folder};
        EXPECT_EQ(refusal(directory).code, hrError) << text(folder);
    }
}

#ifndef _WIN32

TEST(Instance, LinkInTheStateFoldersPlaceIsRefused) {
    const RestoreDirectory directory;
    std::filesystem::create_directory(directory.root() / "elsewhere");
    std::filesystem::create_directories(directory.state().parent_path());
    std::filesystem::create_directory_symlink(directory.root() / "elsewhere", directory.state());
    EXPECT_EQ(refusal(directory).code, hrError);
}

TEST(Instance, StateFolderThatOthersMayWriteIsRefused) { // design point 8
    const RestoreDirectory directory;
    std::filesystem::create_directories(directory.state());
    std::filesystem::permissions(directory.state(), std::filesystem::perms::all);
    const auto error = refusal(directory);
    EXPECT_EQ(error.code, hrError);
    EXPECT_NE(error.what.find(directory.state().string()), std::string::npos) << error.what;
}

TEST(Instance, CallerWithoutRightsToTheStateFolderIsDenied) { // ACC-2, COM-9
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    const RestoreDirectory directory;
    ASSERT_TRUE(Instance::open(directory.shared_config(), u""));
    const auto config = directory.shared_config();
    const pid_t child = ::fork();
    if (child == 0) {
        constexpr uid_t nobody = 65534;
        const bool changed = ::setresuid(nobody, nobody, nobody) == 0;
        ::_exit(changed ? static_cast<int>(code_of(Instance::open(config, u"")) & 0xff) : 255);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), ERROR_ACCESS_DENIED);
}

#endif

} // namespace
} // namespace ntdsb::service
