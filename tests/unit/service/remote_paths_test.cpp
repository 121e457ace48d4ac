// Which files a remote caller's restore may name: contract ACC-4.
#include "service/remote_paths.h"

#include "core/utf16.h"
#include "restore_directory.h"

#include <utility>

namespace ntdsb::service {
namespace {

class RemotePaths : public testing::Test {
protected:
    RemotePaths() {
        request = directory.request();
        std::filesystem::create_directories(outside());
    }
    platform::Path outside() const { return directory.root() / "outside"; }
    Result<wire::RestoreRegister::Request> judge() const {
        NTDSB_TRY(const auto places, find_remote_places(directory.config.directory, roots));
        return check_remote_paths(request, places);
    }
    Code judged() const { return code_of(judge()); }

    RestoreDirectory directory;
    wire::RestoreRegister::Request request;
    std::vector<std::u16string> roots{wire_path(directory.backup())};
};

TEST_F(RemotePaths, BelowARootAndInTheDirectorysOwnFoldersPass) { // ACC-4
    EXPECT_EQ(judged(), S_OK);
    request.backup_log_path = wire_path(directory.backup() / "monday" / "logs"); // not there yet
    EXPECT_EQ(judged(), S_OK);
    request.backup_log_path = request.log_path;
    roots.clear();
    EXPECT_EQ(judged(), S_OK);
}

TEST_F(RemotePaths, OthersAreDenied) { // ACC-4
    request.backup_log_path = wire_path(outside());
    EXPECT_EQ(judged(), ERROR_ACCESS_DENIED);
    request = directory.request();
    request.map.push_back({u"/old/second.dit", wire_path(outside() / "second.dit")});
    EXPECT_EQ(judged(), ERROR_ACCESS_DENIED);
    request = directory.request();
    request.backup_log_path = wire_path(directory.backup()) + u"2"; // its name begins like a root's
    EXPECT_EQ(judged(), ERROR_ACCESS_DENIED);
    request = directory.request();
    roots.clear();
    EXPECT_EQ(judged(), ERROR_ACCESS_DENIED);
}

#ifdef _WIN32
TEST_F(RemotePaths, AnotherComputersShareIsDeniedUnseen) {
    roots.push_back(u"\\\\other\\share");
    request.backup_log_path = u"\\\\other\\share\\logs";
    EXPECT_EQ(judged(), ERROR_ACCESS_DENIED);
}

TEST_F(RemotePaths, AnotherComputersNamesAreKnownInEveryForm) { // ACC-4
    EXPECT_EQ(code_of(check_remote_names(request)), S_OK);
    for (const std::u16string path :
         {u"\\\\other\\share\\x", u"//other/share/x", u"\\\\?\\UNC\\other\\share\\x.",
          u"\\\\?\\GLOBALROOT\\Device\\Mup\\other\\share\\x", u"\\\\.\\UNC\\other\\share\\x"}) {
        for (std::u16string* const argument :
             {&request.checkpoint_path, &request.log_path, &request.backup_log_path,
              &request.map.front().source, &request.map.front().target}) {
            const std::u16string before = std::exchange(*argument, path);
            EXPECT_EQ(code_of(check_remote_names(request)), ERROR_ACCESS_DENIED)
                << utf16_to_wtf8(path);
            *argument = before;
        }
    }
    request.log_path = u"\\\\?\\C:\\NTDS";
    EXPECT_EQ(code_of(check_remote_names(request)), S_OK);
}
#else
TEST_F(RemotePaths, LinksAreFollowed) {
    std::filesystem::create_directory_symlink(outside(), directory.backup() / "link");
    request.backup_log_path = wire_path(directory.backup() / "link");
    EXPECT_EQ(judged(), ERROR_ACCESS_DENIED);
    request.backup_log_path = wire_path(directory.backup() / "link" / "absent");
    EXPECT_EQ(judged(), ERROR_ACCESS_DENIED);
    std::filesystem::create_directory_symlink(directory.backup(), outside() / "back");
    request.backup_log_path = wire_path(outside() / "back");
    EXPECT_EQ(judged(), S_OK);
}

// What is judged is what is used: a link exchanged afterwards leads nowhere else.
TEST_F(RemotePaths, GivesThePathsWithoutTheirLinks_ACC4) {
    const auto place = std::filesystem::canonical(directory.backup()) / "place";
    std::filesystem::create_directory(place);
    std::filesystem::create_directory_symlink(place, directory.backup() / "link");
    request.backup_log_path = wire_path(directory.backup() / "link");
    request.map.push_back({u"/old/second.dit", wire_path(directory.backup() / "link" / "s.dit")});
    const auto judged_paths = judge();
    ASSERT_TRUE(judged_paths) << judged_paths.error().what;
    EXPECT_EQ(judged_paths.value().backup_log_path, wire_path(place));
    EXPECT_EQ(judged_paths.value().map.back().target, wire_path(place / "s.dit"));
    EXPECT_EQ(judged_paths.value().map.back().source, u"/old/second.dit");
    EXPECT_EQ(judged_paths.value().log_path, request.log_path);
}

TEST_F(RemotePaths, LinkMadeAfterRegisterIsSeenAtComplete) {
    directory.use_logs();
    directory.config.service.restore_roots = roots;
    Client client(directory, remote_caller());
    const auto below = directory.backup() / "below";
    std::filesystem::create_directory(below);
    auto asked = directory.request();
    asked.session = client.prepared();
    asked.backup_log_path = wire_path(below);
    EXPECT_EQ(client.call<wire::RestoreRegister>(asked).status, S_OK);
    std::filesystem::remove(below);
    std::filesystem::create_directory_symlink(outside(), below);
    EXPECT_EQ(client.complete(asked.session, S_OK), ERROR_ACCESS_DENIED);
    EXPECT_EQ(directory.start_blocked(), hrRestoreInProgress);
}
#endif

} // namespace
} // namespace ntdsb::service
