// What a tool passes to each function is what the client's log says and what arrives at the other
// end of a transport, argument by argument, in both forms; and what the other end answers is what the
// tool gets.
#include "carried_calls.h"

#include "contract/api_forms.h"

#include <fstream>

namespace plugins {
namespace {

using namespace ntdsb;
using contract::FormName;

std::u16string utf16(std::string_view ascii) { return {ascii.begin(), ascii.end()}; }
std::u16string utf16(const contract::WideString& text) { return {text.begin(), text.end()}; }

// An argument that is a string beyond ASCII, and what it means.
template <class String>
struct Meaning {
    String string;
    std::u16string meaning;
};
// An argument that is a map; its length is another argument.
template <class Map>
struct MapOf {
    Map* map;
    std::vector<std::pair<std::u16string, std::u16string>> pairs;
};

// --- An argument as it is passed

const char* passed(const std::string& string) { return string.c_str(); }
const WCHAR* passed(const contract::WideString& string) { return string.c_str(); }
template <class String>
auto passed(const Meaning<String>& argument) {
    return argument.string.c_str();
}
template <class Map>
Map* passed(const MapOf<Map>& argument) {
    return argument.map;
}
template <class Value>
requires std::is_scalar_v<Value> Value passed(const Value& value) { return value; }

// --- The same argument as the client's log writes it

std::string in_quotes(std::u16string_view string) { return text('"', string, '"'); }
std::string logged(const std::string& string) { return in_quotes(utf16(string)); }
std::string logged(const contract::WideString& string) { return in_quotes(utf16(string)); }
template <class String>
std::string logged(const Meaning<String>& argument) {
    return in_quotes(argument.meaning);
}
// A string is never passed so, but for none.
template <class Char>
requires(std::is_same_v<Char, const char> || std::is_same_v<Char, const WCHAR>) std::string
    logged(Char*) {
    return "NULL";
}
template <class Value>
requires std::is_integral_v<Value> std::string logged(Value value) {
    return text(hex(std::uint64_t{static_cast<std::uint32_t>(value)}));
}
template <class Value>
std::string logged(Value* pointer) {
    return text(hex(std::uint64_t{reinterpret_cast<std::uintptr_t>(pointer)}));
}
template <class Map>
std::string logged(const MapOf<Map>& argument) {
    std::string out = logged(argument.map);
    char separator = '{';
    for (const auto& [source, target] : argument.pairs) {
        out += text(separator, in_quotes(source), ',', in_quotes(target));
        separator = ';';
    }
    return out + "}";
}

template <class... Arguments>
std::string logged_call(const std::string& function, const Arguments&... arguments) {
    std::string out = function;
    char separator = '(';
    ((out += separator + logged(arguments), separator = ','), ...);
    return out + ")";
}

template <class Form>
class CarriedCalls : public testing::Test {
protected:
    using String = typename Form::String;
    using Char = typename Form::Char;

    CarriedCalls() {
        contract::set_environment("NTDSBCLI_LOG", "trace:" + log_file());
        BOOL online = TRUE;
        EXPECT_CODE(Form::is_online(server.c_str(), &online), S_OK); // reads the setting
    }
    ~CarriedCalls() override { contract::set_environment("NTDSBCLI_LOG", "off"); }

    std::string log_file() const { return (stub.directory.root() / "client.log").string(); }
    // What the client has logged since the last call of this.
    std::vector<std::string> new_lines() {
        std::ifstream in(log_file(), std::ios::binary);
        in.seekg(log_read_);
        std::vector<std::string> lines;
        std::string line;
        while (std::getline(in, line)) {
            log_read_ = in.tellg();
            if (!line.empty() && line.back() == '\r') line.pop_back();
            lines.push_back(line);
        }
        return lines;
    }
    // The lines of the last call in which `beginning` stands, from there on.
    std::vector<std::string> said(const std::string& beginning) const {
        std::vector<std::string> found;
        for (const std::string& line : lines_) {
            const auto at = line.find(beginning);
            if (at != std::string::npos) found.push_back(line.substr(at));
        }
        return found;
    }

    // Calls a function whose log line is to be `line`, the only one of its name.
    template <class Call>
    HRESULT call_logged(const std::string& line, Call call) {
        new_lines();
        take_arrived();
        const HRESULT code = call();
        lines_ = new_lines();
        EXPECT_EQ(said(line.substr(0, line.find('(') + 1)), std::vector{line});
        return code;
    }
    template <class Function, class... Arguments>
    HRESULT call(const std::string& name, Function function, const Arguments&... arguments) {
        return call_logged(logged_call(name, arguments...),
                           [&] { return function(passed(arguments)...); });
    }
    // A function of two forms.
    template <class Function, class... Arguments>
    HRESULT call_form(const std::string& name, Function function, const Arguments&... arguments) {
        return call(name + Form::name, function, arguments...);
    }

    // The last call brought this request to the other end, no other, and the decorator for traces
    // saw it pass.
    template <class Op>
    void expect_arrives(std::string_view operation, const typename Op::Request& request) {
        auto arrived = take_arrived();
        std::erase_if(arrived, [](const auto& line) { return line.rfind("connect ", 0) == 0; });
        EXPECT_EQ(arrived, std::vector{described(operation, request)});
        const auto traced = said("mine ");
        ASSERT_EQ(traced.size(), 1u) << operation;
        const std::string expected =
            text("mine ", Op::interface_of == wire::Interface::restore ? "restore" : "backup",
                 " opnum ", Op::opnum, ": request ", wire::encode(request).size(), " bytes, reply ",
                 last_reply().size(), " bytes, carried, ");
        EXPECT_EQ(traced[0].substr(0, expected.size()), expected);
        const auto time = traced[0].substr(std::min(expected.size(), traced[0].size()));
        const auto digits = time.find_first_not_of("0123456789");
        EXPECT_TRUE(digits != 0 && digits != std::string::npos && time.substr(digits) == " us")
            << traced[0];
    }
    // What the other end has answered.
    template <class Op>
    typename Op::Reply replied() {
        auto reply = wire::decode<typename Op::Reply>(last_reply());
        EXPECT_TRUE(reply);
        return reply ? std::move(reply).value() : typename Op::Reply{};
    }
    // A list that was handed out, which is freed.
    void expect_list(Char* list, DWORD size, const std::optional<std::u16string>& expected) {
        std::u16string found;
        for (DWORD i = 0; list != nullptr && i < size / sizeof(Char); ++i)
            found += static_cast<char16_t>(static_cast<std::make_unsigned_t<Char>>(list[i]));
        DsBackupFree(list);
        EXPECT_EQ(found, expected);
    }
    // A session as the tool calls it, and as the other end does.
    struct Session {
        HBC hbc = nullptr;
        wire::ContextHandle there;
    };
    // A backup of this computer's directory.
    Session prepare_backup() {
        Session session;
        PVOID token = nullptr;
        DWORD size = 0;
        EXPECT_CODE(call_form("DsBackupPrepare", Form::backup_prepare, server, ULONG{0},
                              ULONG{BACKUP_TYPE_FULL}, &token, &size, &session.hbc),
                    S_OK);
        expect_arrives<wire::BackupPrepare>("BackupPrepare", {u"", 0, BACKUP_TYPE_FULL});
        const auto reply = replied<wire::BackupPrepare>();
        session.there = reply.session;
        const auto* const bytes = static_cast<const std::byte*>(token);
        EXPECT_EQ(contract::Bytes(bytes, bytes + size), reply.token);
        DsBackupFree(token);
        return session;
    }
    // A restore without a token.
    Session prepare_restore() {
        Session session;
        EXPECT_CODE(call_form("DsRestorePrepare", Form::restore_prepare, server, ULONG{0}, PVOID{},
                              DWORD{0}, &session.hbc),
                    S_OK);
        expect_arrives<wire::RestorePrepare>("RestorePrepare", {u"", 0, std::nullopt});
        session.there = replied<wire::RestorePrepare>().session;
        return session;
    }
    String database() const { return Form::text(stub.directory.database()); }
    String logs() const { return Form::text(stub.directory.log_path()); }

    Stub stub{"good"};
    const String server = Form::text("localhost");

private:
    std::streamoff log_read_ = 0;
    std::vector<std::string> lines_;
};
TYPED_TEST_SUITE(CarriedCalls, contract::BothForms, FormName);

// CALL: the code of a function of one form; CALL_FORM: of the form's own.
#define CALL(function, ...) this->call(#function, function, __VA_ARGS__)
#define CALL_FORM(name, function, ...) this->call_form(#name, TypeParam::function, __VA_ARGS__)
#define EXPECT_ARRIVES(operation, ...) \
    this->template expect_arrives<wire::operation>(#operation, __VA_ARGS__)
#define REPLIED(operation) this->template replied<wire::operation>()

TYPED_TEST(CarriedCalls, OfNoSession) {
    BOOL online = TRUE;
    EXPECT_CODE(CALL_FORM(DsIsNTDSOnline, is_online, this->server, &online), S_OK);
    EXPECT_EQ(online, FALSE);
    EXPECT_ARRIVES(IsDirectoryOnline, {u""});
    EXPECT_EQ(REPLIED(IsDirectoryOnline).online, 0u);
    EXPECT_CODE(CALL_FORM(DsSetCurrentBackupLog, set_current_log, this->server, DWORD{0xFFFFFFFF}),
                S_OK);
    EXPECT_ARRIVES(SetCurrentLogNumber, {u"", 0xFFFFFFFF});
    contract::Bytes token{std::byte{1}, std::byte{0}, std::byte{0xFE}};
    EXPECT_CODE(CALL(DsRestoreCheckExpiryToken, token.data(), DWORD{3}),
                hrUnknownExpiryTokenFormat);
    EXPECT_ARRIVES(CheckExpiryToken, {u"", token});
}

TYPED_TEST(CarriedCalls, OfABackup) {
    const auto [hbc, session] = this->prepare_backup();
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    EXPECT_CODE(CALL_FORM(DsBackupGetDatabaseNames, database_names, hbc, &list, &size), S_OK);
    EXPECT_ARRIVES(BackupGetDatabaseNames, {session});
    this->expect_list(list, size, REPLIED(BackupGetDatabaseNames).list);
    EXPECT_CODE(CALL_FORM(DsBackupGetBackupLogs, backup_logs, hbc, &list, &size), S_OK);
    EXPECT_ARRIVES(BackupGetBackupLogs, {session});
    this->expect_list(list, size, REPLIED(BackupGetBackupLogs).list);
    LARGE_INTEGER file_size{};
    EXPECT_CODE(
        CALL_FORM(DsBackupOpenFile, open_file, hbc, this->database(), DWORD{65536}, &file_size),
        S_OK);
    EXPECT_ARRIVES(BackupOpenFile, {session, utf16(this->stub.directory.database()), 65536});
    EXPECT_EQ(static_cast<std::uint64_t>(file_size.QuadPart), REPLIED(BackupOpenFile).size);
    contract::Bytes buffer(12345),
        content = contract::read_file(this->stub.directory.database_file());
    EXPECT_CODE(CALL(DsBackupRead, hbc, buffer.data(), DWORD{12345}, &size), S_OK);
    EXPECT_ARRIVES(BackupRead, {session, 12345});
    EXPECT_EQ(size, 12345u);
    content.resize(12345);
    EXPECT_TRUE(buffer == content);
    EXPECT_CODE(CALL(DsBackupClose, hbc), S_OK);
    EXPECT_ARRIVES(BackupClose, {session});
    EXPECT_CODE(CALL(DsBackupTruncateLogs, hbc), hrInvalidBackupSequence);
    EXPECT_ARRIVES(BackupTruncateLogs, {session});
    EXPECT_CODE(CALL_FORM(DsRestoreGetDatabaseLocations, locations, hbc, &list, &size), S_OK);
    EXPECT_ARRIVES(BackupGetDatabaseLocations, {session});
    this->expect_list(list, size, REPLIED(BackupGetDatabaseLocations).list);
    EXPECT_CODE(CALL(DsBackupEnd, hbc), S_OK);
    EXPECT_ARRIVES(BackupEnd, {session});
}

TYPED_TEST(CarriedCalls, OfARestore) {
    using Form = TypeParam;
    auto token = this->stub.directory.back_up();
    HBC hbc = nullptr;
    EXPECT_CODE(CALL_FORM(DsRestorePrepare, restore_prepare, this->server, ULONG{0}, token.data(),
                          static_cast<DWORD>(token.size()), &hbc),
                S_OK);
    EXPECT_ARRIVES(RestorePrepare, {u"", 0, token});
    const auto session = REPLIED(RestorePrepare).session;
    typename Form::Char* list = nullptr;
    DWORD size = 0;
    EXPECT_CODE(CALL_FORM(DsRestoreGetDatabaseLocations, locations, hbc, &list, &size), S_OK);
    EXPECT_ARRIVES(RestoreGetDatabaseLocations, {session});
    this->expect_list(list, size, REPLIED(RestoreGetDatabaseLocations).list);

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
    const MapOf<typename Form::Map> whole{
        map, {{utf16(source), utf16(target)}, {utf16(old_checkpoint), utf16(new_checkpoint)}}};
    EXPECT_CODE(CALL_FORM(DsRestoreRegister, restore_register, hbc, checkpoint, logs, whole,
                          LONG{2}, backup, ULONG{3}, ULONG{5}),
                S_OK);
    EXPECT_ARRIVES(RestoreRegister, {session,
                                     utf16(checkpoint),
                                     utf16(logs),
                                     {{utf16(source), utf16(target)},
                                      {utf16(old_checkpoint), utf16(new_checkpoint)}},
                                     utf16(backup),
                                     3,
                                     5});
    EXPECT_CODE(CALL(DsRestoreRegisterComplete, hbc, HRESULT{hrDatabaseCorrupted}), S_OK);
    EXPECT_ARRIVES(RestoreRegisterComplete, {session, static_cast<Code>(hrDatabaseCorrupted)});
    EXPECT_CODE(CALL(DsRestoreEnd, hbc), S_OK);
    EXPECT_ARRIVES(RestoreEnd, {session});
}

TYPED_TEST(CarriedCalls, OfARestoreWithoutTokenAndOfACatchUp) { // PREP-1, PREP-2
    const auto restricted = this->prepare_restore();
    EXPECT_CODE(CALL(DsRestoreEnd, restricted.hbc), S_OK);
    EXPECT_ARRIVES(RestoreEnd, {restricted.there});
    HBC hbc = this;
    contract::Bytes token{std::byte{0}, std::byte{0xff}, std::byte{0x0a}};
    EXPECT_CODE(CALL_FORM(DsRestorePrepare, restore_prepare, this->server,
                          ULONG{RESTORE_TYPE_CATCHUP}, token.data(), DWORD{3}, &hbc),
                hrUnknownExpiryTokenFormat);
    EXPECT_ARRIVES(RestorePrepare, {u"", RESTORE_TYPE_CATCHUP, token});
    EXPECT_EQ(hbc, nullptr);
}

// Each handle leads to its own session.
TYPED_TEST(CarriedCalls, OfSessionsAtOnce) {
    const auto first = this->prepare_restore(), second = this->prepare_restore();
    EXPECT_NE(first.there, second.there);
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    for (const auto& [hbc, session] : {first, second}) {
        EXPECT_CODE(CALL_FORM(DsRestoreGetDatabaseLocations, locations, hbc, &list, &size), S_OK);
        EXPECT_ARRIVES(RestoreGetDatabaseLocations, {session});
        DsBackupFree(list);
        EXPECT_CODE(CALL(DsRestoreEnd, hbc), S_OK);
        EXPECT_ARRIVES(RestoreEnd, {session});
    }
}

// ABI-7: UTF-16 as it is, lone surrogates and all. In the A form what the code page holds.
TYPED_TEST(CarriedCalls, OfTextBeyondAscii) {
    const auto [hbc, session] = this->prepare_backup();
    typename TypeParam::String name = TypeParam::text("x");
    std::u16string expected = u"x\u00E9";
    if constexpr (sizeof(typename TypeParam::Char) == 2) {
        expected += u"\U0001F600\xDC00";
        for (const char16_t unit : expected.substr(1))
            name += static_cast<typename TypeParam::Char>(unit);
    } else {
#ifdef _WIN32
        name += "\xE9"; // code page 1252
#else
        name += "\xC3\xA9";
#endif
    }
    LARGE_INTEGER file_size{};
    EXPECT_CODE(CALL_FORM(DsBackupOpenFile, open_file, hbc,
                          (Meaning<typename TypeParam::String>{name, expected}), DWORD{0xFFFFFFFF},
                          &file_size),
                ERROR_FILE_NOT_FOUND);
    EXPECT_ARRIVES(BackupOpenFile, {session, expected, 0xFFFFFFFF});
    EXPECT_CODE(DsBackupEnd(hbc), S_OK);
}

// The instance that the server's configuration names goes with every operation that starts there.
TYPED_TEST(CarriedCalls, OfANamedInstance) {
    this->stub.use_instance("lds1");
    BOOL online = TRUE;
    const auto there = TypeParam::text("far");
    EXPECT_CODE(CALL_FORM(DsIsNTDSOnline, is_online, there, &online), hrCouldNotConnect);
    EXPECT_ARRIVES(IsDirectoryOnline, {u"lds1"});
    EXPECT_CODE(CALL_FORM(DsSetCurrentBackupLog, set_current_log, there, DWORD{5}),
                hrCouldNotConnect);
    EXPECT_ARRIVES(SetCurrentLogNumber, {u"lds1", 5});
    HBC hbc = nullptr;
    EXPECT_CODE(
        CALL_FORM(DsRestorePrepare, restore_prepare, there, ULONG{0}, PVOID{}, DWORD{0}, &hbc),
        hrCouldNotConnect);
    EXPECT_ARRIVES(RestorePrepare, {u"lds1", 0, std::nullopt});
    PVOID token = nullptr;
    DWORD size = 0;
    EXPECT_CODE(CALL_FORM(DsBackupPrepare, backup_prepare, there, ULONG{0}, ULONG{BACKUP_TYPE_FULL},
                          &token, &size, &hbc),
                hrCouldNotConnect);
    EXPECT_ARRIVES(BackupPrepare, {u"lds1", 0, BACKUP_TYPE_FULL});
}

TYPED_TEST(CarriedCalls, OfAnIdentityAndAConfiguredServer) {
    using Form = TypeParam;
    const auto elsewhere = Form::text("FAR"), user = Form::text("user"),
               domain = Form::text("EXAMPLE"), password = Form::text("se cret");
    const std::string set_identity = text("DsSetAuthIdentity", Form::name);
    EXPECT_CODE(this->call_logged(logged_call(set_identity, user, domain),
                                  [&] {
                                      return Form::set_identity(user.c_str(), domain.c_str(),
                                                                password.c_str());
                                  }),
                S_OK);
    BOOL online = TRUE;
    EXPECT_CODE(CALL_FORM(DsIsNTDSOnline, is_online, elsewhere, &online), S_OK);
    EXPECT_EQ(take_arrived().front(),
              "connect restore to far at \"pipe:far\" within 7000 ms as user, EXAMPLE, se cret");
    const auto log = contract::read_file(this->log_file());
    const std::string_view logged_text(reinterpret_cast<const char*>(log.data()), log.size());
    EXPECT_EQ(logged_text.find("se cret"), logged_text.npos);
    EXPECT_NE(logged_text.find("\"FAR\""), logged_text.npos);
    const typename Form::Char* const none = nullptr;
    EXPECT_CODE(this->call_logged(logged_call(set_identity, none, none),
                                  [&] { return Form::set_identity(none, none, none); }),
                S_OK);
    EXPECT_CODE(CALL_FORM(DsIsNTDSOnline, is_online, elsewhere, &online), S_OK);
    EXPECT_EQ(take_arrived().front(),
              "connect restore to far at \"pipe:far\" within 7000 ms as NULL, NULL, NULL");
    EXPECT_EQ(open_connections(), 0);
}

} // namespace
} // namespace plugins
