// The BFT-prefixed lists and the two forms of paths (contract ABI-4, ABI-5, LOC-2, PATH-4).
#include "service/locations.h"

#include "backup_directory.h"

namespace ntdsb::service {
namespace {

using namespace std::string_literals;

TEST(Locations, EmptyListIsTwoNuls) { // ABI-5
    std::u16string list;
    close_list(list);
    EXPECT_EQ(list, u"\0\0"s);
}

TEST(Locations, EntriesArePrefixPathNulAndOneMoreNul) { // ABI-4, ABI-5
    std::u16string list;
    append_entry(list, bft_database, u"/a");
    append_entry(list, bft_log_dir, u"/b");
    close_list(list);
    EXPECT_EQ(list, u"\x44/a\0\x82/b\0\0"s);
}

TEST(Locations, CarriesLoneSurrogatesUntouched) { // ABI-7
    std::u16string list;
    append_entry(list, bft_log, std::u16string{u'/', 0xD800, u'x'});
    EXPECT_EQ(list, (std::u16string{bft_log, u'/', 0xD800, u'x', u'\0'}));
}

TEST(Locations, ListsDatabaseLogFolderAndCheckpointFolderExactly) { // LOC-2
    const BackupDirectory directory;
    const auto& config = directory.config.directory;
    const std::vector<ListEntry> expected{
        {0x44, config.database}, {0x82, config.log_path}, {0x83, config.checkpoint_path}};
    EXPECT_EQ(entries_of(database_locations(*directory.instance())), expected);
}

TEST(Locations, UncFormIsTheDrivesAdministrativeShare) { // LOC-2, path_style
    const std::pair<std::u16string, std::u16string> cases[] = {
        {u"C:\\Windows\\NTDS\\ntds.dit", u"\\\\dc1\\C$\\Windows\\NTDS\\ntds.dit"},
        {u"d:/ntds", u"\\\\dc1\\d$\\ntds"},
        {u"\\\\?\\E:\\x", u"\\\\dc1\\E$\\x"},
        {u"C:\\", u"\\\\dc1\\C$\\"},
        {u"\\\\files\\share\\ntds", u"\\\\files\\share\\ntds"},
        {u"/srv/ntds", u"/srv/ntds"},
    };
    for (const auto& [path, expected] : cases)
        EXPECT_EQ(administrative_share_path(path, u"dc1"), expected) << text(path);
    EXPECT_EQ(administrative_share_path(u"C:\\x", u""), u"C:\\x");
}

TEST(Locations, OwnAdministrativeSharesAreResolved) { // PATH-4, COM-6
    const std::vector<std::u16string> own{u"dc1", u"dc1.example.net"};
    const std::pair<std::u16string, std::u16string> cases[] = {
        {u"\\\\dc1\\C$\\Windows\\NTDS", u"C:\\Windows\\NTDS"},
        {u"\\\\DC1.Example.NET\\c$\\x", u"c:\\x"},
        {u"//localhost/C$/x/y", u"C:\\x\\y"},
        {u"\\\\127.0.0.1\\D$", u"D:\\"},
        {u"\\\\dc1\\D$\\", u"D:\\"},
        {u"\\\\?\\UNC\\dc1\\C$\\x", u"C:\\x"},
        {u"\\\\dc2\\C$\\x", u"\\\\dc2\\C$\\x"},
        {u"\\\\dc1\\share\\x", u"\\\\dc1\\share\\x"},
        {u"\\\\dc1\\CD$\\x", u"\\\\dc1\\CD$\\x"},
        {u"\\\\dc1\\C$x\\y", u"\\\\dc1\\C$x\\y"},
        {u"C:\\x", u"C:\\x"},
    };
    for (const auto& [path, expected] : cases)
        EXPECT_EQ(resolve_own_share(path, own), expected) << text(path);
}

TEST(Locations, UncFormComesBackToTheSamePath) { // LOC-2: as Register accepts them back
    const std::vector<std::u16string> own{u"dc1"};
    for (const std::u16string path : {u"C:\\Windows\\NTDS\\ntds.dit", u"C:\\", u"d:\\a b\\\u00e4"})
        EXPECT_EQ(resolve_own_share(administrative_share_path(path, u"dc1"), own), path);
}

} // namespace
} // namespace ntdsb::service
