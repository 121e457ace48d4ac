// What a tool passes to each function is what arrives at the other end of a transport, argument by
// argument, in both forms.
#include "carried_calls.h"

#include "contract/api_forms.h"

namespace plugins {
namespace {

using namespace ntdsb;
using contract::FormName;

std::u16string utf16(std::string_view ascii) { return {ascii.begin(), ascii.end()}; }

template <class Form>
class CarriedCalls : public testing::Test {
protected:
    using String = typename Form::String;
    using Char = typename Form::Char;

    template <class Op>
    void expect_arrives(std::string_view operation, typename Op::Request request) {
        const auto arrived = take_arrived();
        ASSERT_FALSE(arrived.empty()) << operation;
        EXPECT_EQ(arrived.back(), described(operation, std::move(request)));
    }
    String database() const { return Form::text(stub.directory.database()); }
    String logs() const { return Form::text(stub.directory.log_path()); }

    Stub stub{"good"};
    const String server = Form::text("localhost");
};
TYPED_TEST_SUITE(CarriedCalls, contract::BothForms, FormName);

#define EXPECT_ARRIVES(operation, ...) \
    this->template expect_arrives<wire::operation>(#operation, __VA_ARGS__)

TYPED_TEST(CarriedCalls, OfNoSession) {
    using Form = TypeParam;
    BOOL online = TRUE;
    EXPECT_CODE(Form::is_online(this->server.c_str(), &online), S_OK);
    EXPECT_EQ(online, FALSE);
    EXPECT_ARRIVES(IsDirectoryOnline, {u""});
    EXPECT_CODE(Form::set_current_log(this->server.c_str(), 4711), S_OK);
    EXPECT_ARRIVES(SetCurrentLogNumber, {u"", 4711});
    const contract::Bytes token{std::byte{1}, std::byte{2}};
    EXPECT_CODE(DsRestoreCheckExpiryToken(const_cast<std::byte*>(token.data()), 2),
                hrUnknownExpiryTokenFormat);
    EXPECT_ARRIVES(CheckExpiryToken, {u"", token});
}

TYPED_TEST(CarriedCalls, OfABackup) {
    using Form = TypeParam;
    HBC hbc = nullptr;
    PVOID token = nullptr;
    DWORD size = 0;
    EXPECT_CODE(
        Form::backup_prepare(this->server.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, &hbc), S_OK);
    DsBackupFree(token);
    EXPECT_ARRIVES(BackupPrepare, {u"", 0, BACKUP_TYPE_FULL});
    typename Form::Char* list = nullptr;
    EXPECT_CODE(Form::database_names(hbc, &list, &size), S_OK);
    DsBackupFree(list);
    EXPECT_ARRIVES(BackupGetDatabaseNames, {});
    EXPECT_CODE(Form::backup_logs(hbc, &list, &size), S_OK);
    DsBackupFree(list);
    EXPECT_ARRIVES(BackupGetBackupLogs, {});
    LARGE_INTEGER file_size{};
    const auto database = this->database();
    EXPECT_CODE(Form::open_file(hbc, database.c_str(), 65536, &file_size), S_OK);
    EXPECT_ARRIVES(BackupOpenFile, {{}, utf16(this->stub.directory.database()), 65536});
    std::vector<std::byte> buffer(12345);
    EXPECT_CODE(DsBackupRead(hbc, buffer.data(), 12345, &size), S_OK);
    EXPECT_EQ(size, 12345u);
    EXPECT_ARRIVES(BackupRead, {{}, 12345});
    EXPECT_CODE(DsBackupClose(hbc), S_OK);
    EXPECT_ARRIVES(BackupClose, {});
    EXPECT_CODE(DsBackupTruncateLogs(hbc), hrInvalidBackupSequence);
    EXPECT_ARRIVES(BackupTruncateLogs, {});
    EXPECT_CODE(Form::locations(hbc, &list, &size), S_OK);
    DsBackupFree(list);
    EXPECT_ARRIVES(BackupGetDatabaseLocations, {});
    EXPECT_CODE(DsBackupEnd(hbc), S_OK);
    EXPECT_ARRIVES(BackupEnd, {});
}

TYPED_TEST(CarriedCalls, OfARestore) {
    using Form = TypeParam;
    auto token = this->stub.directory.back_up();
    HBC hbc = nullptr;
    EXPECT_CODE(Form::restore_prepare(this->server.c_str(), 0, token.data(),
                                      static_cast<DWORD>(token.size()), &hbc),
                S_OK);
    EXPECT_ARRIVES(RestorePrepare, {u"", 0, token});
    typename Form::Char* list = nullptr;
    DWORD size = 0;
    EXPECT_CODE(Form::locations(hbc, &list, &size), S_OK);
    DsBackupFree(list);
    EXPECT_ARRIVES(RestoreGetDatabaseLocations, {});

    const auto logs = this->logs();
    const auto backup = Form::text(this->stub.directory.backup_path());
    auto source = Form::text(this->stub.directory.database()), target = this->database();
    auto old_checkpoint = Form::text(this->stub.directory.log_path() + "/edb.chk"),
         new_checkpoint = old_checkpoint;
    typename Form::Map map[2];
    Form::set(map[0], source, target);
    Form::set(map[1], old_checkpoint, new_checkpoint);
    EXPECT_CODE(
        Form::restore_register(hbc, logs.c_str(), logs.c_str(), map, 2, backup.c_str(), 3, 5),
        S_OK);
    const auto at = [](const auto& text) { return utf16(Form::ascii(text)); };
    EXPECT_ARRIVES(RestoreRegister,
                   {{},
                    at(logs),
                    at(logs),
                    {{at(source), at(target)}, {at(old_checkpoint), at(new_checkpoint)}},
                    at(backup),
                    3,
                    5});
    EXPECT_CODE(DsRestoreRegisterComplete(hbc, hrDatabaseCorrupted), S_OK);
    EXPECT_ARRIVES(RestoreRegisterComplete, {{}, static_cast<Code>(hrDatabaseCorrupted)});
    EXPECT_CODE(DsRestoreEnd(hbc), S_OK);
    EXPECT_ARRIVES(RestoreEnd, {});
}

TYPED_TEST(CarriedCalls, OfAnIdentityAndAConfiguredServer) {
    using Form = TypeParam;
    const auto elsewhere = Form::text("FAR"), user = Form::text("user"),
               domain = Form::text("EXAMPLE"), password = Form::text("se cret");
    EXPECT_CODE(Form::set_identity(user.c_str(), domain.c_str(), password.c_str()), S_OK);
    BOOL online = TRUE;
    EXPECT_CODE(Form::is_online(elsewhere.c_str(), &online), S_OK);
    EXPECT_EQ(take_arrived().front(),
              "connect restore to far at \"pipe:far\" within 7000 ms as user, EXAMPLE, se cret");
    EXPECT_CODE(Form::set_identity(nullptr, nullptr, nullptr), S_OK);
    EXPECT_CODE(Form::is_online(elsewhere.c_str(), &online), S_OK);
    EXPECT_EQ(take_arrived().front(),
              "connect restore to far at \"pipe:far\" within 7000 ms as NULL, NULL, NULL");
    EXPECT_EQ(open_connections(), 0);
}

} // namespace
} // namespace plugins
