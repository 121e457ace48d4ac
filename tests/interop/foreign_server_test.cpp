// The library against a service whose stubs and RPC runtime are not ours: widl_server.c on the
// system's rpcrt4.dll, or impacket_server.py. Both keep no directory; they answer what is expected
// below, and write each call down in a line that every argument is held against. One process of the
// service serves all tests; check_foreign_server.py starts it, and NTDSB_FOREIGN_LOG is the file that
// it writes to: first where it listens, then a line a call.
#include "contract/api_forms.h"
#include "contract/made_directory.h"
#include "core/text.h"
#include "support/temp_folder.h"
#include "transport/transport.h"
#include "wire/ndr.h"
#include "wire/reply_sink.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <numeric>
#include <thread>

namespace interop {
namespace {

using namespace ntdsb;
using contract::FormName;

// Statuses that a foreign runtime sends as faults, and what they are to a caller of the API.
constexpr std::pair<const char*, Code> faults[] = {
    {"00000005", ERROR_ACCESS_DENIED},     {"000006f7", RPC_X_BAD_STUB_DATA},
    {"1c00000d", ERROR_OPERATION_ABORTED}, {"1c00001a", ERROR_INVALID_HANDLE},
    {"1c00001b", ERROR_NOT_ENOUGH_MEMORY}, {"1c010003", RPC_S_UNKNOWN_IF},
    {"1c010014", RPC_S_SERVER_TOO_BUSY},   {"1c000001", static_cast<Code>(hrCommunicationError)},
};

// The service, and a configuration that leads to it: as this computer, as the server `foreign` with
// the instance `lds1`, and as the server `failing` with an instance for which it refuses.
class ForeignServer {
public:
    static ForeignServer& get() {
        static ForeignServer server;
        return server;
    }

    // The lines written since the last call of this; at least `count`, or as many as there are
    // after a while.
    std::vector<std::string> take_lines(std::size_t count = 1) {
        std::vector<std::string> lines;
        for (int i = 0; i < 3000; ++i) {
            read_lines(lines);
            if (lines.size() >= count) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return lines;
    }
    // Fails or skips the test if the service does not run.
    void require() const {
        if (!address_.empty()) return;
        if (first_line_.rfind("skipped: ", 0) == 0) GTEST_SKIP() << first_line_;
        FAIL() << "the service does not listen, it says: " << first_line_;
    }
    // What the service calls the session that it opens next; it counts them.
    std::string next_session() { return std::to_string(++sessions_); }

private:
    ForeignServer() : log_(std::getenv("NTDSB_FOREIGN_LOG")) {
        const std::string_view beginning = "listening on ";
        first_line_ = first_of(take_lines());
        if (first_line_.rfind(beginning, 0) == 0) address_ = first_line_.substr(beginning.size());
        const std::filesystem::path file = folder_ / "ntdsbcli.toml";
        const std::string end =
            "transport = 'rpc'\nauthentication = 'none'\naddress = '" + address_ + "'\n";
        std::ofstream(file) << "[service]\nallow_anonymous = true\nlisten = ['" + address_ +
                                   "']\n[transport]\ndefault = 'rpc'\n"
                                   "[transport.servers.foreign]\ninstance = 'lds1'\n" +
                                   end + "[transport.servers.failing]\ninstance = 'failing'\n" +
                                   end + raising(end);
        std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                               std::filesystem::perms::owner_write);
        contract::set_environment("NTDSBCLI_CONFIG", file.string());
    }
    // A server for each fault: its instance has the service raise it.
    static std::string raising(const std::string& end) {
        std::string servers;
        for (const auto& [status, code] : faults)
            servers += "[transport.servers." + std::string(status) + "]\ninstance = 'raise-" +
                       status + "'\n" + end;
        return servers;
    }
    static std::string first_of(const std::vector<std::string>& lines) {
        return lines.empty() ? "nothing" : lines.front();
    }

    void read_lines(std::vector<std::string>& lines) {
        std::ifstream in(log_, std::ios::binary);
        in.seekg(at_);
        std::string line;
        while (std::getline(in, line) && !in.eof()) {
            at_ += static_cast<std::streamoff>(line.size()) + 1;
            if (!line.empty() && line.back() == '\r') line.pop_back();
            lines.push_back(line);
        }
    }

    test::TempFolder folder_;
    std::filesystem::path log_;
    std::string address_, first_line_;
    std::streamoff at_ = 0;
    unsigned sessions_ = 0;
};

// --- As the service writes things down

template <class Text>
std::string in_quotes(const Text& text) {
    std::string out = "\"";
    for (const auto unit : text) {
        char shown[8];
        const auto number = static_cast<unsigned>(unit);
        std::snprintf(shown, sizeof shown, number >= 0x20 && number < 0x7f ? "%c" : "{%04x}",
                      number);
        out += shown;
    }
    return out + "\"";
}

std::string octets(const std::vector<std::byte>& bytes) {
    std::string out;
    for (const std::byte byte : bytes) {
        char shown[3];
        std::snprintf(shown, sizeof shown, "%02x", std::to_integer<unsigned>(byte));
        out += shown;
    }
    return out;
}

void expect_line(const std::string& expected) {
    const auto lines = ForeignServer::get().take_lines();
    ASSERT_EQ(lines.size(), 1u) << expected;
    EXPECT_EQ(lines.front(), expected);
}

std::vector<std::byte> numbered(std::size_t count, unsigned modulus, std::size_t begin = 0) {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = static_cast<std::byte>((begin + i) % modulus);
    return bytes;
}

// Absolute, as this platform writes it.
std::string here(const std::string& name) {
#ifdef _WIN32
    return "C:\\" + name;
#else
    return "/" + name;
#endif
}

using Entries = std::vector<contract::ListEntry>;

template <class Form>
class ForeignServerTest : public testing::Test {
protected:
    using String = typename Form::String;
    using Char = typename Form::Char;

    void SetUp() override { ForeignServer::get().require(); }

    // What a function that hands out a list gave.
    template <class Function>
    Entries list(Function function) {
        Char* list = nullptr;
        DWORD size = 0;
        EXPECT_CODE(function(hbc, &list, &size), S_OK);
        if (list == nullptr) return {};
        auto entries = contract::split_list<Form>(list, size);
        DsBackupFree(list);
        return entries;
    }

    void prepare_restore(std::vector<std::byte> token) {
        ASSERT_CODE(Form::restore_prepare(foreign.c_str(), RESTORE_TYPE_CATCHUP, token.data(),
                                          static_cast<DWORD>(token.size()), &hbc),
                    S_OK);
        session = ForeignServer::get().next_session();
        expect_line("RestorePrepare \"lds1\" 4 " + octets(token));
    }
    void end_restore() {
        EXPECT_CODE(DsRestoreEnd(hbc), S_OK);
        expect_line("RestoreEnd " + session);
    }

    // `pairs` are taken as they are.
    HRESULT register_restore(std::vector<std::pair<String, String>>& pairs,
                             const String& checkpoint, const String& logs, const String& backup) {
        std::vector<typename Form::Map> map(pairs.size());
        for (std::size_t i = 0; i < pairs.size(); ++i)
            Form::set(map[i], pairs[i].first, pairs[i].second);
        return Form::restore_register(hbc, checkpoint.c_str(), logs.c_str(), map.data(),
                                      static_cast<LONG>(map.size()), backup.c_str(), 1, 0xfffff);
    }
    std::string line_of_register(const std::vector<std::pair<String, String>>& pairs,
                                 const String& checkpoint, const String& logs,
                                 const String& backup) const {
        std::string shown;
        for (const auto& [source, target] : pairs)
            shown += (shown.empty() ? "" : ",") + in_quotes(source) + ">" + in_quotes(target);
        return "RestoreRegister " + session + " " + in_quotes(checkpoint) + " " + in_quotes(logs) +
               " " + shown + " " + in_quotes(backup) + " 1 1048575";
    }

    const String foreign = Form::text("foreign"), failing = Form::text("failing");
    HBC hbc = nullptr;
    std::string session;
};
TYPED_TEST_SUITE(ForeignServerTest, contract::BothForms, FormName);

TYPED_TEST(ForeignServerTest, OperationsOfNoSession) {
    using Form = TypeParam;
    BOOL online = FALSE;
    EXPECT_CODE(Form::is_online(this->foreign.c_str(), &online), S_OK);
    EXPECT_EQ(online, TRUE);
    expect_line("IsDirectoryOnline \"lds1\"");
    EXPECT_CODE(Form::set_current_log(this->foreign.c_str(), 0xfffffffe), S_OK);
    expect_line("SetCurrentLogNumber \"lds1\" 4294967294");
    auto token = numbered(7, 251);
    EXPECT_CODE(DsRestoreCheckExpiryToken(token.data(), 7), S_OK);
    expect_line("CheckExpiryToken \"\" 00010203040506");
}

// What its runtime raises, not its answer.
TYPED_TEST(ForeignServerTest, FaultsAreTheirCodes) {
    using Form = TypeParam;
    for (const auto& [status, code] : faults) {
        BOOL online = TRUE;
        EXPECT_CODE(Form::is_online(Form::text(status).c_str(), &online), code);
        EXPECT_EQ(online, FALSE);
        expect_line("IsDirectoryOnline \"raise-" + std::string(status) + "\"");
    }
}

TYPED_TEST(ForeignServerTest, RefusalsAreWhatTheServiceSays) {
    using Form = TypeParam;
    BOOL online = TRUE;
    EXPECT_CODE(Form::is_online(this->failing.c_str(), &online), ERROR_ACCESS_DENIED);
    EXPECT_EQ(online, FALSE);
    expect_line("IsDirectoryOnline \"failing\"");
    EXPECT_CODE(Form::set_current_log(this->failing.c_str(), 0), ERROR_ACCESS_DENIED);
    expect_line("SetCurrentLogNumber \"failing\" 0");
    HBC none = this;
    EXPECT_CODE(Form::restore_prepare(this->failing.c_str(), 0, nullptr, 0, &none),
                ERROR_ACCESS_DENIED);
    EXPECT_EQ(none, nullptr);
    expect_line("RestorePrepare \"failing\" 0 none");
    PVOID token = this;
    DWORD size = 1;
    none = this;
    EXPECT_CODE(
        Form::backup_prepare(this->failing.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, &none),
        ERROR_ACCESS_DENIED);
    EXPECT_EQ(none, nullptr);
    EXPECT_EQ(token, nullptr);
    EXPECT_EQ(size, 0u);
    expect_line("BackupPrepare \"failing\" 0 1");
}

TYPED_TEST(ForeignServerTest, ARestore) {
    using Form = TypeParam;
    this->prepare_restore(numbered(5, 251));
    EXPECT_EQ(this->list(Form::locations),
              (Entries{{0x44, "C:\\ntds\\ntds.dit"}, {0x82, "C:\\logs"}, {0x83, "C:\\ntds"}}));
    expect_line("RestoreGetDatabaseLocations " + this->session);
    const auto checkpoint = Form::text(here("chk")), logs = Form::text(here("logs")),
               backup = Form::text(here("backup"));
    std::vector pairs{std::pair{Form::text(here("a")), Form::text(here("b"))},
                      std::pair{Form::text(here("cc")), Form::text(here("ddd"))}};
    EXPECT_CODE(this->register_restore(pairs, checkpoint, logs, backup), S_OK);
    expect_line(this->line_of_register(pairs, checkpoint, logs, backup));
    // The service answers with what it was told.
    EXPECT_CODE(DsRestoreRegisterComplete(this->hbc, hrDatabaseCorrupted), hrDatabaseCorrupted);
    expect_line(text("RestoreRegisterComplete ", this->session, " ",
                     static_cast<std::uint32_t>(hrDatabaseCorrupted)));
    EXPECT_CODE(DsRestoreRegisterComplete(this->hbc, S_OK), S_OK);
    expect_line("RestoreRegisterComplete " + this->session + " 0");
    this->end_restore();
}

TYPED_TEST(ForeignServerTest, ABackup) {
    using Form = TypeParam;
    PVOID token = nullptr;
    DWORD size = 0;
    ASSERT_CODE(
        Form::backup_prepare(this->foreign.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, &this->hbc),
        S_OK);
    this->session = ForeignServer::get().next_session();
    expect_line("BackupPrepare \"lds1\" 0 1");
    const auto* const begin = static_cast<const std::byte*>(token);
    EXPECT_TRUE(std::vector(begin, begin + size) == numbered(40001, 251)) << size;
    DsBackupFree(token);
    EXPECT_EQ(this->list(Form::database_names), (Entries{{0x44, "C:\\ntds\\ntds.dit"}}));
    expect_line("BackupGetDatabaseNames " + this->session);
    EXPECT_EQ(this->list(Form::locations), (Entries{{0x44, "E:\\ntds\\ntds.dit"}}));
    expect_line("BackupGetDatabaseLocations " + this->session);
    LARGE_INTEGER file_size{};
    EXPECT_CODE(
        Form::open_file(this->hbc, Form::text("x" + here("ntds")).c_str(), 65536, &file_size),
        S_OK);
    EXPECT_EQ(file_size.QuadPart, 0x123456789);
    expect_line("BackupOpenFile " + this->session + " " + in_quotes("x" + here("ntds")) + " 65536");
    std::vector<std::byte> buffer(100);
    EXPECT_CODE(DsBackupRead(this->hbc, buffer.data(), 100, &size), S_OK);
    EXPECT_EQ(size, 5u);
    buffer.resize(5);
    EXPECT_EQ(buffer, numbered(5, 253));
    expect_line("BackupRead " + this->session + " 100");
    EXPECT_CODE(DsBackupRead(this->hbc, buffer.data(), 5, &size), ERROR_HANDLE_EOF);
    EXPECT_EQ(size, 0u);
    expect_line("BackupRead " + this->session + " 5");
    EXPECT_CODE(DsBackupClose(this->hbc), S_OK);
    expect_line("BackupClose " + this->session);
    EXPECT_CODE(Form::open_file(this->hbc, Form::text("y").c_str(), 0, &file_size), S_OK);
    expect_line("BackupOpenFile " + this->session + " \"y\" 0");
    size = 1;
    EXPECT_CODE(DsBackupRead(this->hbc, buffer.data(), 5, &size), hrReadVerifyFailure);
    EXPECT_EQ(size, 0u);
    expect_line("BackupRead " + this->session + " 5");
    EXPECT_CODE(DsBackupTruncateLogs(this->hbc), S_OK);
    expect_line("BackupTruncateLogs " + this->session);
    EXPECT_CODE(DsBackupEnd(this->hbc), S_OK);
    expect_line("BackupEnd " + this->session);
}

// --- What takes several fragments

TYPED_TEST(ForeignServerTest, RequestsOfManyFragments) {
    using Form = TypeParam;
    this->prepare_restore(numbered(std::size_t{64} * 1024, 251));
    // REG-3's limit; names of every length, so that every alignment is seen.
    std::vector<std::pair<typename Form::String, typename Form::String>> pairs;
    for (std::size_t i = 0; i < 1024; ++i)
        pairs.emplace_back(Form::text(here(text(std::string(i % 61, 's'), i))),
                           Form::text(here(text(std::string(i % 59, 't'), i))));
    const auto checkpoint = Form::text(here(std::string(32000, 'c'))),
               logs = Form::text(here(std::string(32001, 'l'))),
               backup = Form::text(here(std::string(32002, 'b')));
    EXPECT_CODE(this->register_restore(pairs, checkpoint, logs, backup), S_OK);
    const auto lines = ForeignServer::get().take_lines();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(lines.front() == this->line_of_register(pairs, checkpoint, logs, backup));
    this->end_restore();
}

TYPED_TEST(ForeignServerTest, RepliesOfManyFragments) {
    using Form = TypeParam;
    PVOID token = nullptr;
    DWORD size = 0;
    ASSERT_CODE(
        Form::backup_prepare(this->foreign.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, &this->hbc),
        S_OK);
    this->session = ForeignServer::get().next_session();
    DsBackupFree(token);
    Entries logs;
    for (unsigned i = 1; i <= 4000; ++i) {
        char name[32];
        std::snprintf(name, sizeof name, "C:\\logs\\edb%05x.log", i);
        logs.push_back({0x21, name});
    }
    EXPECT_TRUE(this->list(Form::backup_logs) == logs);
    LARGE_INTEGER file_size{};
    EXPECT_CODE(Form::open_file(this->hbc, Form::text("z").c_str(), 0, &file_size), S_OK);
    std::vector<std::string> calls{"BackupPrepare \"lds1\" 0 1",
                                   "BackupGetBackupLogs " + this->session,
                                   "BackupOpenFile " + this->session + " \"z\" 0"};
    // Whole fragments, a little more or less, and every alignment of what follows the octets.
    std::size_t offset = 0;
    for (const DWORD bytes : {131072u, 65535u, 5816u, 5817u, 4256u, 1u, 30002u}) {
        std::vector<std::byte> buffer(bytes);
        EXPECT_CODE(DsBackupRead(this->hbc, buffer.data(), bytes, &size), S_OK);
        EXPECT_EQ(size, bytes);
        EXPECT_TRUE(buffer == numbered(bytes, 253, offset)) << bytes;
        offset += bytes;
        calls.push_back(text("BackupRead ", this->session, " ", bytes));
    }
    EXPECT_CODE(DsBackupEnd(this->hbc), S_OK);
    calls.push_back("BackupEnd " + this->session);
    EXPECT_EQ(ForeignServer::get().take_lines(calls.size()), calls);
}

// --- What only one form, or no exported function, can say

class ForeignServerItself : public testing::Test {
protected:
    void SetUp() override { ForeignServer::get().require(); }

    template <class Op>
    typename Op::Reply call(transport::Connection& connection, typename Op::Request request) {
        wire::BufferSink sink(4096);
        const auto called = connection.call(Op::opnum, wire::encode(request), sink);
        EXPECT_TRUE(called) << called.error().what;
        auto decoded = wire::decode<typename Op::Reply>(sink.bytes());
        EXPECT_TRUE(decoded);
        return decoded ? std::move(decoded).value() : typename Op::Reply{};
    }
};

// ABI-7: UTF-16 as it is, lone surrogates too.
TEST_F(ForeignServerItself, WideTextArrivesUntouched) {
    HBC hbc = nullptr;
    const auto foreign = contract::wide("foreign");
    ASSERT_CODE(DsRestorePrepareW(foreign.c_str(), 0, nullptr, 0, &hbc), S_OK);
    ForeignServer::get().next_session();
    EXPECT_CODE(DsRestoreEnd(hbc), S_OK);
    PVOID token = nullptr;
    DWORD size = 0;
    ASSERT_CODE(DsBackupPrepareW(foreign.c_str(), 0, BACKUP_TYPE_FULL, &token, &size, &hbc), S_OK);
    const std::string session = ForeignServer::get().next_session();
    DsBackupFree(token);
    ForeignServer::get().take_lines(3);
    const auto name = contract::wide("C:\\") +
                      contract::WideString{0x416, 0xd83d, 0xde00, 0xdc00, 0xd800, 0xffff, 0xe9};
    LARGE_INTEGER file_size{};
    EXPECT_CODE(DsBackupOpenFileW(hbc, name.c_str(), 0xffffffff, &file_size), S_OK);
    expect_line("BackupOpenFile " + session +
                " \"C:\\{0416}{d83d}{de00}{dc00}{d800}{ffff}{00e9}\" 4294967295");
    EXPECT_CODE(DsBackupEnd(hbc), S_OK);
    ForeignServer::get().take_lines();
}

// No exported function pings.
TEST_F(ForeignServerItself, Ping) {
    const auto route = transport::connect(u"foreign", wire::Interface::backup, nullptr);
    ASSERT_TRUE(route) << route.error().what;
    EXPECT_EQ(call<wire::BackupPing>(*route.value().connection, {}).status, 0);
    expect_line("BackupPing");
}

// END-3: the service sees that a client is gone, and each session knows whose it is.
TEST_F(ForeignServerItself, SessionsAreRunDownWithTheConnection) {
    auto route = transport::connect(u"foreign", wire::Interface::restore, nullptr);
    ASSERT_TRUE(route) << route.error().what;
    auto& connection = *route.value().connection;
    const auto first = call<wire::RestorePrepare>(connection, {u"lds1", 0, std::nullopt});
    const auto first_name = ForeignServer::get().next_session();
    const auto second = call<wire::RestorePrepare>(connection, {u"lds1", 0, std::nullopt});
    const auto second_name = ForeignServer::get().next_session();
    EXPECT_NE(first.session, second.session);
    EXPECT_EQ(call<wire::RestoreEnd>(connection, {first.session}).session, wire::ContextHandle{});
    EXPECT_EQ(ForeignServer::get().take_lines(3).back(), "RestoreEnd " + first_name);
    route = fail(hrCommunicationError, "the connection is gone");
    expect_line("restore session " + second_name + " is run down");
}

} // namespace
} // namespace interop
