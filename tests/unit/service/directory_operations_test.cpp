// The operations without a session, with encoded requests (contract ONL-1, ONL-2, CURLOG-1, ABI-1).
#include "restore_directory.h"

namespace ntdsb::service {
namespace {

class DirectoryOperations : public testing::Test {
protected:
    std::optional<bool> online() {
        const auto reply = Client(directory).call<wire::IsDirectoryOnline>({u""});
        if (reply.status != 0) return std::nullopt;
        return reply.online == 1;
    }
    Code set_current_log(std::uint32_t number) {
        return Client(directory).call<wire::SetCurrentLogNumber>({u"", number}).status;
    }
    Code check_token(std::optional<wire::Bytes> token) {
        return Client(directory).call<wire::CheckExpiryToken>({u"", std::move(token)}).status;
    }
    platform::Path current_log() const { return directory.state() / "current-log"; }

    RestoreDirectory directory;
};

TEST_F(DirectoryOperations, DirectoryIsOnlineWhileItsEngineRuns) { // ONL-1
    EXPECT_EQ(online(), false);
    EXPECT_FALSE(std::filesystem::exists(directory.state())) << "a question makes no state folder";
    {
        const auto engine = start_directory(*directory.instance());
        EXPECT_EQ(online(), true);
    }
    EXPECT_EQ(online(), false);
}

TEST_F(DirectoryOperations, OnlineYesAnswersForAStoppedDirectory) { // ONL-2
    directory.config.directory.online = OnlineAnswer::yes;
    EXPECT_EQ(online(), true);
    EXPECT_TRUE(directory.enter()) << "Register looks at the truth";
}

TEST_F(DirectoryOperations, OnlineDoesNotTrustAnothersStateFolder) { // design point 9
    ASSERT_TRUE(directory.instance());
    test::write_file(directory.state() / "platform", test::Bytes(3, std::byte{'x'}));
    const auto reply = Client(directory).call<wire::IsDirectoryOnline>({u""});
    EXPECT_EQ(reply.status, hrError);
    EXPECT_EQ(reply.online, 0u);
}

TEST_F(DirectoryOperations, UnknownInstanceCouldNotConnect) { // COM-5
    Client client(directory);
    for (const std::u16string name : {u"lds1", u"lds\xD800", u"\xDC00", u"\xDC00\xD800x"}) {
        SCOPED_TRACE(text(name));
        EXPECT_EQ(client.call<wire::IsDirectoryOnline>({name}).status, hrCouldNotConnect);
        EXPECT_EQ(client.call<wire::SetCurrentLogNumber>({name, 1}).status, hrCouldNotConnect);
        EXPECT_EQ(client.call<wire::CheckExpiryToken>({name, directory.token()}).status,
                  hrCouldNotConnect);
        EXPECT_EQ(client.call<wire::RestorePrepare>({name, 0, {}}).status, hrCouldNotConnect);
        EXPECT_EQ(client.call<wire::BackupPrepare>({name, 0, 1}).status, hrCouldNotConnect);
    }
}

TEST_F(DirectoryOperations, CurrentLogIsPersistedReplacedAndCleared) { // CURLOG-1
    const auto content = [&] {
        const auto bytes = test::read_file(current_log());
        return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    EXPECT_EQ(set_current_log(7), S_OK);
    EXPECT_EQ(content(), "7\n");
    EXPECT_EQ(set_current_log(0xFFFFFFFE), S_OK);
    EXPECT_EQ(content(), "4294967294\n");
    EXPECT_EQ(set_current_log(0xFFFFFFFF), S_OK);
    EXPECT_FALSE(std::filesystem::exists(current_log()));
    EXPECT_EQ(set_current_log(0xFFFFFFFF), S_OK) << "nothing to clear";
}

TEST_F(DirectoryOperations, CurrentLogThatCannotBeWrittenKeepsTheOld) { // CURLOG-1
    ASSERT_EQ(set_current_log(7), S_OK);
    const auto before = test::read_file(current_log());
    platform::set_disk_hook(
        [](platform::DiskOperation, const platform::Path&) { return Code{ERROR_DISK_FULL}; });
    EXPECT_EQ(set_current_log(8), ERROR_DISK_FULL);
    EXPECT_EQ(set_current_log(0xFFFFFFFF), ERROR_DISK_FULL);
    platform::set_disk_hook(nullptr);
    EXPECT_EQ(test::read_file(current_log()), before);
}

TEST_F(DirectoryOperations, TokenCheckIsPreparesCheckAlone) { // ABI-1: PREP-3..5
    EXPECT_EQ(check_token(directory.token()), S_OK);
    EXPECT_EQ(check_token(std::nullopt), ERROR_INVALID_PARAMETER);
    EXPECT_EQ(check_token(wire::Bytes(10)), hrUnknownExpiryTokenFormat);
    auto token = decode_token(directory.token()).value();
    token.backup_time += std::uint64_t{25} * 60 * 60 * 10'000'000;
    EXPECT_EQ(check_token(encode_token(token)), hrContentsExpired);
    EXPECT_FALSE(std::filesystem::exists(directory.state()));
}

} // namespace
} // namespace ntdsb::service
