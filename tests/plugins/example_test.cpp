// The example plug-in (examples/unix_socket_transport) between the DLL and a real ntdsbsrv.
#include "contract/made_directory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace plugins {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// What the README's command made, or what the build made.
std::string library() {
    const char* const given = std::getenv("NTDSB_EXAMPLE_PLUGIN");
    return given != nullptr ? given : EXAMPLE_PLUGIN;
}

// A directory, and a service of its own behind a socket that the plug-in leads to.
class Example : public testing::Test {
protected:
    Example() {
        configure_tool(socket());
        std::ofstream(service_config())
            << "[directory]\ndatabase = '" << directory.database() << "'\nstate_path = '"
            << directory.state().string() << "'\n[service]\nlisten = ['unix:" << socket().string()
            << "']\nrestore_roots = ['" << directory.root().string() << "']\n";
    }
    void start() {
        service = std::make_unique<ntdsb::test::ServerProcess>(SERVICE, service_config());
        ASSERT_EQ(service->address(), "unix:" + socket().string());
    }
    void configure_tool(const fs::path& to, unsigned patience_s = 10) const {
        directory.configure("", "[transport.plugins.local]\npath = '" + library() +
                                    "'\n[transport.servers.localhost]\ntransport = "
                                    "'local'\naddress = 'unix:" +
                                    to.string() +
                                    "'\nconnect_timeout_s = " + std::to_string(patience_s) + "\n");
    }
    fs::path socket() const { return directory.root() / "s"; }
    fs::path service_config() const { return directory.root() / "service.toml"; }
    static HRESULT ask() {
        BOOL online = TRUE;
        const HRESULT code = DsIsNTDSOnlineA("localhost", &online);
        EXPECT_EQ(online, FALSE);
        return code;
    }

    contract::MadeDirectory directory{contract::Shape::dirty_with_logs};
    std::unique_ptr<ntdsb::test::ServerProcess> service;
};

TEST_F(Example, CarriesAWholeBackupAndRestore) {
    start();
    const auto token = directory.back_up();
    const auto original = contract::read_file(directory.database_file());
    contract::Restore restore(token);
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    directory.copy_back();
    EXPECT_CODE(restore.complete(), S_OK);
    EXPECT_CODE(restore.end(), S_OK);
    EXPECT_EQ(contract::read_file(directory.database_file()), original);
}

TEST_F(Example, CarriesRequestsAndRepliesOfManyFragments) {
    start();
    contract::Bytes token(200'000, std::byte{7}); // longer than a fragment may be
    EXPECT_CODE(DsRestoreCheckExpiryToken(token.data(), static_cast<DWORD>(token.size())),
                hrUnknownExpiryTokenFormat);
    const contract::Backup backup;
    ASSERT_CODE(backup.prepared(), S_OK);
    const auto whole = backup.read_whole(backup.names().front(), 1 << 20);
    EXPECT_EQ(whole, contract::read_file(directory.database_file()));
}

TEST_F(Example, TellsWhyItDoesNotConnect_COM7) {
    EXPECT_CODE(ask(), hrCouldNotConnect) << "nobody listens";
    start();
    EXPECT_CODE(DsSetAuthIdentityA("user", "EXAMPLE", "password"), S_OK);
    EXPECT_CODE(ask(), hrCouldNotConnect) << "it carries no credentials";
    EXPECT_CODE(DsSetAuthIdentityA(nullptr, nullptr, nullptr), S_OK);
    EXPECT_CODE(ask(), S_OK);
}

TEST_F(Example, LosesTheServiceAndEndsTheHandle_COM8) {
    start();
    const auto token = directory.back_up();
    contract::Restore restore(token);
    ASSERT_CODE(restore.register_whole(directory), S_OK);
    service->kill();
    EXPECT_CODE(restore.complete(), hrCommunicationError);
    EXPECT_CODE(restore.complete(), hrCommunicationError) << "P-4: not tried again";
    EXPECT_CODE(restore.end(), S_OK);
    start(); // over the socket that the killed one left
    contract::Restore again(token);
    EXPECT_CODE(again.register_whole(directory), S_OK) << "what was registered is an orphan";
}

// A service that accepts and then says what it likes.
class Impostor {
public:
    explicit Impostor(const fs::path& path, std::string answer)
        : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), answer_(std::move(answer)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        fs::remove(path);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 4) != 0)
            throw std::runtime_error("cannot listen");
        thread_ = std::thread([this] { serve(); });
    }
    ~Impostor() {
        ::shutdown(listener_, SHUT_RDWR); // ends accept
        thread_.join();
        ::close(listener_);
    }

private:
    void serve() {
        for (;;) {
            const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (peer < 0) return;
            char octets[512];
            if (!answer_.empty()) {
                (void)::recv(peer, octets, sizeof octets, 0);
                (void)::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
                ::shutdown(peer, SHUT_WR);
            }
            while (::recv(peer, octets, sizeof octets, 0) > 0) {
            }
            ::close(peer);
        }
    }
    int listener_;
    std::string answer_;
    std::thread thread_;
};

TEST_F(Example, WaitsForASilentServiceAsLongAsItIsTold_P3) {
    Impostor silent(socket(), "");
    configure_tool(socket(), 1);
    const auto begun = Clock::now();
    EXPECT_CODE(ask(), hrCouldNotConnect);
    EXPECT_GE(Clock::now() - begun, 900ms);
    EXPECT_LT(Clock::now() - begun, 8s);
}

TEST_F(Example, TakesNoNonsenseForAnAnswer) {
    const std::string header("\5\0\x0c\3\x10\0\0\0", 8);
    const auto ack = [&](std::size_t length, const std::string& body) {
        std::string all = header;
        all += static_cast<char>(length & 0xff);
        all += static_cast<char>(length >> 8);
        return all + std::string("\0\0\1\0\0\0", 6) + body;
    };
    for (const std::string& answer :
         {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), header, ack(16, ""), ack(15, ""),
          ack(65535, std::string(65519, 'x')), ack(26, std::string(10, '\xff')),
          ack(60, std::string(44, '\xff')), ack(60, std::string(44, '\0'))}) {
        Impostor impostor(socket(), answer);
        EXPECT_CODE(ask(), hrCouldNotConnect);
    }
}

// One fragment, little-endian; the flags are those of a whole one.
std::string fragment(char type, const std::string& body, char flags = 3, char call = 2) {
    const auto length = 16 + body.size();
    std::string all{5, 0, type, flags, 0x10, 0, 0, 0};
    all += static_cast<char>(length & 0xff);
    all += static_cast<char>(length >> 8);
    return all + std::string{0, 0, call, 0, 0, 0} + body;
}
std::string bind_ack() {
    const std::string ndr("\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\x00\x2b\x10\x48\x60"
                          "\2\0\0\0",
                          20);
    return fragment(12, std::string("\xb8\x10\xb8\x10\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 20) + ndr,
                    3, 1);
}
std::string with(std::string octets, std::size_t at, char value) {
    octets[at] = value;
    return octets;
}

// Behind a good answer to the bind, what may come in answer to DsIsNTDSOnline: of all of these only
// the first is one.
TEST_F(Example, TakesNoNonsenseForAReply) {
    const std::string head(8, '\0'), stub(8, '\0');
    const std::string good = fragment(2, head + stub);
    {
        Impostor impostor(socket(), bind_ack() + good);
        EXPECT_CODE(ask(), S_OK);
    }
    {
        Impostor impostor(socket(), bind_ack() + fragment(2, head + stub.substr(4), 1) +
                                        fragment(2, head + stub.substr(4), 2));
        EXPECT_CODE(ask(), S_OK) << "in two fragments";
    }
    const std::string wrong[] = {
        "",
        good.substr(0, 20),                                 // it hangs up
        good.substr(0, good.size() - 1),                    //
        fragment(2, head + stub, 2),                        // not the first one
        fragment(2, head + stub, 1) + good,                 // the first one twice
        fragment(2, head, 1) + fragment(2, head + stub, 2), // nothing in the first one
        fragment(2, head + stub, 3, 9),                     // another call's
        fragment(0, head + stub),                           // a request
        fragment(2, head.substr(4)),                        // too short for what is before a stub
        fragment(3, head + stub.substr(1)),                 // too short for a fault
        with(good, 0, 4),
        with(good, 1, 2), // another version
        with(good, 4, 0), // big-endian
        with(good, 8, 15),
        with(with(good, 8, -1), 9, -1),  // no length
        with(good, 10, 1),               // protected, which was not asked for
        fragment(2, head + stub + stub), // more than the operation has
    };
    for (const std::string& reply : wrong) {
        Impostor impostor(socket(), bind_ack() + reply);
        const HRESULT code = ask();
        EXPECT_TRUE(code == hrCommunicationError || code == RPC_X_BAD_STUB_DATA)
            << contract::hex_code(code) << " for the reply " << &reply - wrong;
    }
    Impostor impostor(socket(),
                      bind_ack() + fragment(3, head + std::string("\5\0\0\0\0\0\0\0", 8)));
    EXPECT_CODE(ask(), ERROR_ACCESS_DENIED) << "a fault of that status (COM-9)";
}

} // namespace
} // namespace plugins
