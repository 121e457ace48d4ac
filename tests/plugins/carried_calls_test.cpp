// What a tool passes to each function is what the client's log says and what arrives at the other
// end of a transport, argument by argument, in both forms.
#include "carried_calls.h"

#include "contract/api_forms.h"

#include <fstream>

namespace plugins {
namespace {

using namespace ntdsb;
using contract::FormName;

std::u16string utf16(std::string_view ascii) { return {ascii.begin(), ascii.end()}; }

// The arguments of a request as the client's log writes them, in order. Tokens are logged as
// pointers, and which instance is meant is no argument.
class Traced {
public:
    template <class Request>
    static std::vector<std::string> arguments(Request request) {
        if constexpr (requires { request.instance; }) request.instance.clear();
        Traced traced;
        request.fields(traced);
        return traced.arguments_;
    }
    void operator()(std::uint32_t value) { arguments_.push_back(text(hex(std::uint64_t{value}))); }
    void operator()(std::int32_t value) { arguments_.push_back(text(hex(value))); }
    void operator()(const std::u16string& value) {
        if (!value.empty()) arguments_.push_back(text('"', std::u16string_view(value), '"'));
    }
    void operator()(const wire::ContextHandle&) {}
    void ranged(std::uint32_t value, std::uint32_t, std::uint32_t) { (*this)(value); }
    void counted_token(const std::optional<wire::Bytes>& value) {
        if (value) (*this)(static_cast<std::uint32_t>(value->size()));
    }
    void counted_map(const std::vector<wire::RestoreMapPair>& value) {
        for (const auto& pair : value) (*this)(pair.source), (*this)(pair.target);
        (*this)(static_cast<std::int32_t>(value.size()));
    }

private:
    std::vector<std::string> arguments_;
};

template <class Form>
class CarriedCalls : public testing::Test {
protected:
    using String = typename Form::String;
    using Char = typename Form::Char;

    CarriedCalls() {
        contract::set_environment("NTDSBCLI_LOG", "trace:" + log_file());
        BOOL online = TRUE;
        EXPECT_CODE(Form::is_online(server.c_str(), &online), S_OK); // reads the setting
        take_arrived();
    }
    ~CarriedCalls() override { contract::set_environment("NTDSBCLI_LOG", "off"); }

    std::string log_file() const { return (stub.directory.root() / "client.log").string(); }
    // The last line that a call of `function` begins with.
    std::string said_of(const std::string& function) const {
        std::ifstream in(log_file(), std::ios::binary);
        std::string line, last;
        while (std::getline(in, line)) {
            for (const std::string& name : {function, function + Form::name}) {
                const auto at = line.find(name + "(");
                if (at != std::string::npos) last = line.substr(at);
            }
        }
        return last;
    }
    void expect_logged(const std::string& function, const std::vector<std::string>& arguments) {
        const std::string line = said_of(function);
        std::size_t at = line.find('(');
        for (const std::string& argument : arguments) {
            at = line.find(argument, at);
            ASSERT_NE(at, std::string::npos) << argument << " is not (in order) in: " << line;
            at += argument.size();
        }
    }
    template <class Op>
    void expect_arrives(const std::string& function, std::string_view operation,
                        typename Op::Request request) {
        expect_logged(function, Traced::arguments(request));
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

#define EXPECT_ARRIVES(function, operation, ...) \
    this->template expect_arrives<wire::operation>(#function, #operation, __VA_ARGS__)

TYPED_TEST(CarriedCalls, OfNoSession) {
    using Form = TypeParam;
    BOOL online = TRUE;
    EXPECT_CODE(Form::is_online(this->server.c_str(), &online), S_OK);
    EXPECT_EQ(online, FALSE);
    EXPECT_ARRIVES(DsIsNTDSOnline, IsDirectoryOnline, {u""});
    EXPECT_CODE(Form::set_current_log(this->server.c_str(), 4711), S_OK);
    EXPECT_ARRIVES(DsSetCurrentBackupLog, SetCurrentLogNumber, {u"", 4711});
    const contract::Bytes token{std::byte{1}, std::byte{2}};
    EXPECT_CODE(DsRestoreCheckExpiryToken(const_cast<std::byte*>(token.data()), 2),
                hrUnknownExpiryTokenFormat);
    EXPECT_ARRIVES(DsRestoreCheckExpiryToken, CheckExpiryToken, {u"", token});
}

TYPED_TEST(CarriedCalls, OfABackup) {
    using Form = TypeParam;
    HBC hbc = nullptr;
    PVOID token = nullptr;
    DWORD size = 0;
    EXPECT_CODE(
        Form::backup_prepare(this->server.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, &hbc), S_OK);
    DsBackupFree(token);
    EXPECT_ARRIVES(DsBackupPrepare, BackupPrepare, {u"", 0, BACKUP_TYPE_FULL});
    typename Form::Char* list = nullptr;
    EXPECT_CODE(Form::database_names(hbc, &list, &size), S_OK);
    DsBackupFree(list);
    EXPECT_ARRIVES(DsBackupGetDatabaseNames, BackupGetDatabaseNames, {});
    EXPECT_CODE(Form::backup_logs(hbc, &list, &size), S_OK);
    DsBackupFree(list);
    EXPECT_ARRIVES(DsBackupGetBackupLogs, BackupGetBackupLogs, {});
    LARGE_INTEGER file_size{};
    const auto database = this->database();
    EXPECT_CODE(Form::open_file(hbc, database.c_str(), 65536, &file_size), S_OK);
    EXPECT_ARRIVES(DsBackupOpenFile, BackupOpenFile,
                   {{}, utf16(this->stub.directory.database()), 65536});
    std::vector<std::byte> buffer(12345);
    EXPECT_CODE(DsBackupRead(hbc, buffer.data(), 12345, &size), S_OK);
    EXPECT_EQ(size, 12345u);
    EXPECT_ARRIVES(DsBackupRead, BackupRead, {{}, 12345});
    EXPECT_CODE(DsBackupClose(hbc), S_OK);
    EXPECT_ARRIVES(DsBackupClose, BackupClose, {});
    EXPECT_CODE(DsBackupTruncateLogs(hbc), hrInvalidBackupSequence);
    EXPECT_ARRIVES(DsBackupTruncateLogs, BackupTruncateLogs, {});
    EXPECT_CODE(Form::locations(hbc, &list, &size), S_OK);
    DsBackupFree(list);
    EXPECT_ARRIVES(DsRestoreGetDatabaseLocations, BackupGetDatabaseLocations, {});
    EXPECT_CODE(DsBackupEnd(hbc), S_OK);
    EXPECT_ARRIVES(DsBackupEnd, BackupEnd, {});
}

TYPED_TEST(CarriedCalls, OfARestore) {
    using Form = TypeParam;
    auto token = this->stub.directory.back_up();
    HBC hbc = nullptr;
    EXPECT_CODE(Form::restore_prepare(this->server.c_str(), 0, token.data(),
                                      static_cast<DWORD>(token.size()), &hbc),
                S_OK);
    EXPECT_ARRIVES(DsRestorePrepare, RestorePrepare, {u"", 0, token});
    typename Form::Char* list = nullptr;
    DWORD size = 0;
    EXPECT_CODE(Form::locations(hbc, &list, &size), S_OK);
    DsBackupFree(list);
    EXPECT_ARRIVES(DsRestoreGetDatabaseLocations, RestoreGetDatabaseLocations, {});

    // Every argument is another one, so that none can be taken for its neighbour.
    const auto logs = this->logs(),
               checkpoint = Form::text(this->stub.directory.log_path() + "/edb.chk");
    const auto backup = Form::text(this->stub.directory.backup_path());
    auto source = Form::text(this->stub.directory.backup_path() + "/old.dit");
    auto target = this->database();
    auto old_checkpoint = checkpoint, new_checkpoint = checkpoint;
    typename Form::Map map[2];
    Form::set(map[0], source, target);
    Form::set(map[1], old_checkpoint, new_checkpoint);
    EXPECT_CODE(
        Form::restore_register(hbc, checkpoint.c_str(), logs.c_str(), map, 2, backup.c_str(), 3, 5),
        S_OK);
    const auto at = [](const auto& text) { return utf16(Form::ascii(text)); };
    EXPECT_ARRIVES(DsRestoreRegister, RestoreRegister,
                   {{},
                    at(checkpoint),
                    at(logs),
                    {{at(source), at(target)}, {at(old_checkpoint), at(new_checkpoint)}},
                    at(backup),
                    3,
                    5});
    EXPECT_CODE(DsRestoreRegisterComplete(hbc, hrDatabaseCorrupted), S_OK);
    EXPECT_ARRIVES(DsRestoreRegisterComplete, RestoreRegisterComplete,
                   {{}, static_cast<Code>(hrDatabaseCorrupted)});
    EXPECT_CODE(DsRestoreEnd(hbc), S_OK);
    EXPECT_ARRIVES(DsRestoreEnd, RestoreEnd, {});
}

TYPED_TEST(CarriedCalls, OfARestoreWithoutTokenAndOfACatchUp) { // PREP-1, PREP-2
    using Form = TypeParam;
    HBC hbc = nullptr;
    EXPECT_CODE(Form::restore_prepare(this->server.c_str(), 0, nullptr, 0, &hbc), S_OK);
    EXPECT_ARRIVES(DsRestorePrepare, RestorePrepare, {u"", 0, std::nullopt});
    EXPECT_CODE(DsRestoreEnd(hbc), S_OK);
    contract::Bytes token{std::byte{0}, std::byte{0xff}, std::byte{0x0a}};
    EXPECT_CODE(
        Form::restore_prepare(this->server.c_str(), RESTORE_TYPE_CATCHUP, token.data(), 3, &hbc),
        hrUnknownExpiryTokenFormat);
    EXPECT_ARRIVES(DsRestorePrepare, RestorePrepare, {u"", RESTORE_TYPE_CATCHUP, token});
    EXPECT_EQ(hbc, nullptr);
}

// ABI-7: UTF-16 as it is, lone surrogates and all. In the A form what the code page holds.
TYPED_TEST(CarriedCalls, OfTextBeyondAscii) {
    using Form = TypeParam;
    HBC hbc = nullptr;
    PVOID token = nullptr;
    DWORD size = 0;
    ASSERT_CODE(
        Form::backup_prepare(this->server.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, &hbc), S_OK);
    DsBackupFree(token);
    typename Form::String name = Form::text("x");
    std::u16string expected = u"x\u00E9";
    if constexpr (sizeof(typename Form::Char) == 2) {
        expected += u"\U0001F600\xDC00";
        for (const char16_t unit : expected.substr(1))
            name += static_cast<typename Form::Char>(unit);
    } else {
#ifdef _WIN32
        name += "\xE9"; // code page 1252
#else
        name += "\xC3\xA9";
#endif
    }
    LARGE_INTEGER file_size{};
    EXPECT_CODE(Form::open_file(hbc, name.c_str(), 0xFFFFFFFF, &file_size), ERROR_FILE_NOT_FOUND);
    EXPECT_ARRIVES(DsBackupOpenFile, BackupOpenFile, {{}, expected, 0xFFFFFFFF});
    EXPECT_CODE(DsBackupEnd(hbc), S_OK);
}

// The instance that the server's configuration names goes with every operation that starts there.
TYPED_TEST(CarriedCalls, OfANamedInstance) {
    using Form = TypeParam;
    this->stub.use_instance("lds1");
    BOOL online = TRUE;
    const auto there = Form::text("far");
    EXPECT_CODE(Form::is_online(there.c_str(), &online), hrCouldNotConnect);
    EXPECT_ARRIVES(DsIsNTDSOnline, IsDirectoryOnline, {u"lds1"});
    EXPECT_CODE(Form::set_current_log(there.c_str(), 5), hrCouldNotConnect);
    EXPECT_ARRIVES(DsSetCurrentBackupLog, SetCurrentLogNumber, {u"lds1", 5});
    HBC hbc = nullptr;
    EXPECT_CODE(Form::restore_prepare(there.c_str(), 0, nullptr, 0, &hbc), hrCouldNotConnect);
    EXPECT_ARRIVES(DsRestorePrepare, RestorePrepare, {u"lds1", 0, std::nullopt});
    PVOID token = nullptr;
    DWORD size = 0;
    EXPECT_CODE(Form::backup_prepare(there.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, &hbc),
                hrCouldNotConnect);
    EXPECT_ARRIVES(DsBackupPrepare, BackupPrepare, {u"lds1", 0, BACKUP_TYPE_FULL});
}

TYPED_TEST(CarriedCalls, OfAnIdentityAndAConfiguredServer) {
    using Form = TypeParam;
    const auto elsewhere = Form::text("FAR"), user = Form::text("user"),
               domain = Form::text("EXAMPLE"), password = Form::text("se cret");
    EXPECT_CODE(Form::set_identity(user.c_str(), domain.c_str(), password.c_str()), S_OK);
    this->expect_logged("DsSetAuthIdentity", {"\"user\"", "\"EXAMPLE\""}); // and no password
    BOOL online = TRUE;
    EXPECT_CODE(Form::is_online(elsewhere.c_str(), &online), S_OK);
    this->expect_logged("DsIsNTDSOnline", {"\"FAR\""});
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
