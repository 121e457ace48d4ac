// Plug-ins good and bad, loaded and called through the DLL: rules P-1..P-8 and H-1..H-5 of
// include/ntdsb/transport.h.
#include "carried_calls.h"

#include "contract/api_forms.h"
#include "core/path.h"
#include "platform/process.h"

#include <barrier>
#include <chrono>
#include <fstream>
#include <thread>

namespace plugins {
namespace {

using namespace ntdsb;

HRESULT ask_online() {
    BOOL online = TRUE;
    const HRESULT code = DsIsNTDSOnlineA("localhost", &online);
    EXPECT_EQ(online, FALSE);
    return code;
}

// The code of the first call, and what the log says of it.
struct Told {
    HRESULT code;
    std::string log;
};
Told first_call(const Stub& stub, const std::string& level = "info") {
    const auto log = stub.directory.root() / "plugin.log";
    contract::set_environment("NTDSBCLI_LOG", level + ":" + log.string());
    const HRESULT code = ask_online();
    contract::set_environment("NTDSBCLI_LOG", "off");
    std::ifstream file(log, std::ios::binary);
    return {code, {std::istreambuf_iterator<char>(file), {}}};
}
Told first_call(const std::string& variant) { return first_call(Stub(variant)); }

void expect_told(const Told& told, HRESULT code, std::string_view what) {
    EXPECT_CODE(told.code, code);
    EXPECT_NE(told.log.find(what), std::string::npos) << told.log;
}

TEST(Plugin, CarriesAWholeBackupAndRestore) {
    Stub stub("good");
    const auto token = stub.directory.back_up();
    const auto original = contract::read_file(stub.directory.database_file());
    contract::Restore restore(token);
    ASSERT_CODE(restore.register_whole(stub.directory), S_OK);
    stub.directory.copy_back();
    EXPECT_CODE(restore.complete(), S_OK);
    EXPECT_CODE(restore.end(), S_OK);
    EXPECT_EQ(contract::read_file(stub.directory.database_file()), original);
    EXPECT_EQ(open_connections(), 0) << "H-3";
}

TEST(Plugin, OfAnotherVersionIsRefused) { // H-2
    for (const char* variant : {"too_old", "too_new", "unwilling"})
        expect_told(first_call(variant), hrError, "version 1");
}

TEST(Plugin, ThatLacksAFunctionIsRefused) { // H-2
    for (const char* variant : {"short_table", "hole"})
        expect_told(first_call(variant), hrError, "too short or lacks a function");
}

TEST(Plugin, ThatIsNoneIsRefused) {
    expect_told(first_call("no_symbol"), hrError, "ntdsb_transport_negotiate");
    Stub stub("good");
    stub.use(stub.directory.root() / "absent.so");
    expect_told(first_call(stub), hrError, "absent.so");
    contract::write_file(stub.directory.root() / "text.so", contract::Bytes(100));
    stub.use(stub.directory.root() / "text.so");
    expect_told(first_call(stub), hrError, "text.so");
}

TEST(Plugin, MayHaveAnyName) {
    Stub stub("good");
    stub.use_copy("good", u8"stub-\U0001F600" STUB_SUFFIX);
    EXPECT_CODE(ask_online(), S_OK);
    EXPECT_EQ(take_arrived().size(), 2u);
}

TEST(Plugin, OfARelativePathIsRefused) { // H-1
    Stub stub("good");
    stub.use("plugins/stub_good" STUB_SUFFIX);
    expect_told(first_call(stub), hrError, "ntdsbcli.toml:");
}

TEST(Plugin, ThatOthersMayWriteIsRefused) { // H-1
#ifdef _WIN32
    GTEST_SKIP() << "access lists mean nothing under Wine";
#else
    Stub stub("good");
    const auto folder = stub.directory.root() / "open";
    std::filesystem::create_directory(folder);
    const auto copy = folder / "stub.so";
    std::filesystem::copy_file(Stub::library("good"), copy);
    std::filesystem::permissions(folder, std::filesystem::perms::all);
    stub.use(copy);
    expect_told(first_call(stub), hrError, "not safe to load");
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    EXPECT_CODE(ask_online(), S_OK) << "mended, without a restart";
#endif
}

TEST(Plugin, UnknownTransportIsAnErrorThatListsTheKnownOnes) { // COM-7
    Stub stub("good");
    const std::string plugin =
        "[transport.plugins.mine]\npath = '" + text(wire_path(Stub::library("good"))) + "'\n";
    const std::string known = " is \"yours\"; known are embedded, rpc, mine";
    stub.directory.configure("", "[transport]\ndefault = 'yours'\n" + plugin);
    expect_told(first_call(stub), hrError, "[transport] default:" + known);
    stub.directory.configure("", plugin + "[transport.servers.far]\ntransport = 'yours'\n");
    expect_told(first_call(stub), hrError, "[transport.servers.far] transport:" + known);
    EXPECT_TRUE(take_arrived().empty()) << "no other one is taken instead";
}

TEST(Plugin, ThatRefusesToConnectIsQuoted) { // COM-7
    expect_told(first_call("refusing"), hrCouldNotConnect, "nobody is \\u{001B}[31mhome");
    const auto told = first_call("refusing_at_length");
    expect_told(told, hrCouldNotConnect, "xxxxxxxx");
    EXPECT_LT(told.log.size(), 2048u);
}

TEST(Plugin, ThatLosesTheConnectionIsACommunicationError) { // COM-8
    const auto told = first_call(Stub("lost"), "trace");
    // What the decorator for traces says of a call that fails.
    expect_told(told, hrCommunicationError,
                text("mine restore opnum 0: request 14 bytes, reply 0 bytes, ",
                     hex(static_cast<Code>(hrCommunicationError)), ' '));
}

TEST(Plugin, SlowOneIsWaitedFor) { EXPECT_CODE(first_call("slow").code, S_OK); }

// H-4: whatever is wrong with a reply, the caller gets a code, and nothing of the reply.
TEST(Plugin, WrongRepliesAreRefused) {
    for (const char* variant : {"rubbish", "nothing", "too_much", "overcommit", "twice"}) {
        Stub stub(variant);
        BOOL online = TRUE;
        EXPECT_NE(DsIsNTDSOnlineA("localhost", &online), S_OK) << variant;
        EXPECT_EQ(online, FALSE) << variant;
        HBC hbc = reinterpret_cast<HBC>(1);
        EXPECT_NE(DsRestorePrepareA("localhost", 0, nullptr, 0, &hbc), S_OK) << variant;
        EXPECT_EQ(hbc, nullptr) << variant;
        PVOID token = &hbc;
        DWORD size = 1;
        EXPECT_NE(DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, &token, &size, &hbc), S_OK)
            << variant;
        EXPECT_EQ(token, nullptr) << variant;
        EXPECT_EQ(hbc, nullptr) << variant;
    }
}

// P-5. A call that hangs is cancelled by End; one that ignores that is left behind, and End returns
// after its ten seconds.
void expect_end_returns(const std::string& variant, std::chrono::seconds at_least,
                        std::chrono::seconds at_most) {
    Stub stub(variant);
    const auto token = stub.directory.back_up();
    contract::Restore restore(token);
    ASSERT_CODE(restore.prepared(), S_OK);
    HRESULT stuck = S_OK;
    std::thread caller([&, hbc = restore.handle()] {
        std::string logs = stub.directory.log_path(), database = stub.directory.database();
        EDB_RSTMAPA map{database.data(), database.data()};
        stuck = DsRestoreRegisterA(hbc, logs.c_str(), logs.c_str(), &map, 1,
                                   stub.directory.backup_path().c_str(), 3, 5);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_CODE(restore.end(), S_OK);
    const auto took = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(took, at_least);
    EXPECT_LT(took, at_most);
    EXPECT_GE(cancels(), 1);
    stub.release();
    caller.join();
    EXPECT_NE(stuck, S_OK);
    EXPECT_EQ(open_connections(), 0) << "H-3: once the call has returned";
}

TEST(Plugin, StuckCallIsCancelledByEnd) {
    expect_end_returns("until_cancelled", std::chrono::seconds(0), std::chrono::seconds(8));
}

TEST(Plugin, CallThatNeverReturnsIsLeftBehind) { // after COM-11's ten seconds
    expect_end_returns("never", std::chrono::seconds(9), std::chrono::seconds(18));
}

TEST(Plugin, ServesManyThreads) { // P-2
    const Stub stub("good");
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([] {
            for (int n = 0; n < 20; ++n) {
                BOOL online = TRUE;
                EXPECT_CODE(DsIsNTDSOnlineW(contract::wide("localhost").c_str(), &online), S_OK);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(open_connections(), 0);
}

TEST(Plugin, IsLoadedOnceByManyThreads) { // P-2
    constexpr int count = 8;
    Stub stub("good");
    for (int round = 0; round < 10; ++round) {
        stub.use_copy("good", text("fresh-", round, STUB_SUFFIX));
        std::barrier at_once(count);
        std::vector<std::thread> threads;
        for (int i = 0; i < count; ++i)
            threads.emplace_back([&] {
                at_once.arrive_and_wait();
                EXPECT_CODE(ask_online(), S_OK);
            });
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(stub.negotiations(), 1);
        EXPECT_EQ(open_connections(), 0);
    }
}

} // namespace
} // namespace plugins
