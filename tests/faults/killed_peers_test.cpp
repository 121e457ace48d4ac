// One of the two processes is killed while a call runs, at moments all over it: the other one goes
// on, and what was registered is what the record says (contract COM-8, END-3).
#include "killed_peers.h"

#include "operations.h"
#include "server/server.h"
#include "support/child_process.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace faults {

using namespace ntdsb;
using namespace std::chrono_literals;

// --- The client that is killed

int restore_for_ever(const std::string& token_file, const std::string& database,
                     const std::string& logs, const std::string& backup) {
    contract::Bytes token = contract::read_file(token_file);
    std::string names = database;
    EDB_RSTMAPA map{names.data(), names.data()};
    for (;;) {
        HBC hbc = nullptr;
        if (DsRestorePrepareA("localhost", 0, token.data(), static_cast<DWORD>(token.size()),
                              &hbc) != S_OK)
            continue;
        DsRestoreRegisterA(hbc, logs.c_str(), logs.c_str(), &map, 1, backup.c_str(), 3, 5);
        DsRestoreRegisterComplete(hbc, S_OK);
        DsRestoreEnd(hbc);
    }
}

namespace {

// So many moments are tried, spread evenly over `whole`.
struct Moments {
    int count;
    std::chrono::microseconds whole;
    std::chrono::microseconds at(int i) const { return whole * i / count; }
};
Moments moments(std::chrono::microseconds whole) {
    return {std::getenv("NTDSB_PROVE") != nullptr ? 100 : 3, whole};
}

std::string service_settings(const contract::MadeDirectory& directory, const std::string& listen) {
    return "[directory]\ndatabase = '" + directory.database() + "'\nstate_path = '" +
           directory.state().string() + "'\n[service]\nlisten = ['" + listen +
           "']\nallow_anonymous = true\nrestore_roots = ['" + directory.root().string() + "']\n";
}
std::string rpc_to(const std::string& address) {
    return "[transport.servers.localhost]\ntransport = 'rpc'\nauthentication = 'none'\naddress = "
           "'" +
           address + "'\n";
}

// A directory whose calls go to an ntdsbsrv that can be killed and started again.
class Mortal {
public:
    Mortal() {
        const std::string settings = service_settings(directory, "127.0.0.1:0");
        const auto bytes = std::as_bytes(std::span(settings));
        contract::write_file(config_file(), {bytes.begin(), bytes.end()});
        start();
    }
    void start() {
        service = std::make_unique<test::ServerProcess>(SERVICE, config_file());
        directory.configure("", rpc_to(service->address()));
    }
    std::filesystem::path config_file() const { return directory.root() / "service.toml"; }

    contract::MadeDirectory directory{contract::Shape::dirty_with_logs};
    std::unique_ptr<test::ServerProcess> service;
};

void kill_the_service_in(const Operation& operation) {
    Mortal mortal;
    const auto all = [&] { // how long the call lasts when nobody disturbs it
        Caller caller(mortal.directory);
        operation.prepare(caller);
        const auto begun = std::chrono::steady_clock::now();
        EXPECT_CODE(operation.call(caller), S_OK);
        return moments(std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - begun));
    }();
    int survived = 0, lost = 0;
    for (int i = 0; i < all.count && !testing::Test::HasFailure(); ++i) {
        std::filesystem::remove_all(mortal.directory.state());
        mortal.start();
        SCOPED_TRACE(text(operation.name, ", killed after ", all.at(i).count(), " us"));
        HRESULT code = S_OK;
        {
            Caller caller(mortal.directory);
            operation.prepare(caller);
            std::thread killer([&] {
                std::this_thread::sleep_for(all.at(i));
                mortal.service->kill();
            });
            code = operation.call(caller);
            killer.join();
            EXPECT_TRUE(code == S_OK || code == hrCommunicationError) << contract::hex_code(code);
            EXPECT_CODE(operation.call(caller), hrCommunicationError) << "it stays lost (COM-8)";
            EXPECT_CODE(caller.end(), S_OK);
        }
        const State state = recorded(mortal.directory);
        EXPECT_TRUE(state == operation.after || (code != S_OK && state == operation.before));
        mortal.start();
        expect_goes_on(mortal.directory);
        ++(code == S_OK ? survived : lost);
    }
    std::cout << "service killed in " << operation.name << ": " << survived + lost << " times, "
              << lost << " calls lost\n";
}

TEST(KilledService, InRegisterLeavesTheRecordTheTruth_COM8) {
    kill_the_service_in(operations()[2]);
}
TEST(KilledService, InCompleteLeavesTheRecordTheTruth_COM8) {
    kill_the_service_in(operations()[3]);
}

TEST(KilledClient, EndsItsSessionAndNotItsRegistration_END3) {
    contract::MadeDirectory directory(contract::Shape::dirty_with_logs);
    directory.back_up();
    auto config = parse_config(service_settings(directory, "127.0.0.1:0"), "the service");
    const auto shared = std::make_shared<const Config>(std::move(config).value());
    const auto server = server::Server::start(shared, server::limits_of(shared->service));
    ASSERT_TRUE(server) << server.error().what;
    directory.configure("", rpc_to(server.value()->addresses().front()));
    const auto all = moments(60ms); // some restores long
    for (int i = 0; i < all.count && !testing::Test::HasFailure(); ++i) {
        SCOPED_TRACE(text("killed after ", all.at(i).count(), " us"));
        test::ChildProcess client({restoring_client, (directory.backup() / "token.bin").string(),
                                   directory.database(), directory.log_path(),
                                   directory.backup_path()});
        std::this_thread::sleep_for(30ms + all.at(i)); // it also has to start
        client.kill();
        static_cast<void>(recorded(directory)); // its session ends, and the record is sound
        expect_goes_on(directory);
    }
    std::cout << "client killed in a restore: " << all.count << " times\n";
}

} // namespace
} // namespace faults
