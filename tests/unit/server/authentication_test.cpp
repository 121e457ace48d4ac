// What a server does while its callers authenticate: nobody else waits for a mechanism that waits,
// and what is not admitted in time is not kept.
#include "server_fixture.h"

#include "rpc/client_association.h"
#include "server/workers.h"
#include "support/leaks_of_gssntlmssp.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <thread>

namespace ntdsb::server {
namespace {

using namespace std::chrono_literals;

// The list of users that NTLM looks into, which does not answer before it is closed.
class SilentUserFile {
public:
    explicit SilentUserFile(const std::filesystem::path& path) : path_(path) {
        if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("no FIFO");
        ::setenv("NTLM_USER_FILE", path_.c_str(), 1);
    }
    ~SilentUserFile() { answer(); }
    SilentUserFile(const SilentUserFile&) = delete;
    SilentUserFile& operator=(const SilentUserFile&) = delete;

    // That it is empty.
    void answer() {
        std::filesystem::remove(path_); // first: nobody is to open it anew
        if (file_ >= 0) ::close(std::exchange(file_, -1));
    }

    // Whether somebody waits for what is in it.
    bool is_read() {
        for (int i = 0; file_ < 0 && i < 3000; ++i) {
            file_ = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
            if (file_ < 0) std::this_thread::sleep_for(10ms);
        }
        return file_ >= 0;
    }

private:
    std::filesystem::path path_;
    int file_ = -1;
};

// NTLM of a client that has made its answer up; the server must look its user up to know.
class MadeUpNtlm final : public rpc::SecurityContext {
public:
    Result<Bytes> step(std::span<const std::byte> challenge) override {
        is_complete_ = !challenge.empty();
        return is_complete_ ? authenticate() : negotiate();
    }
    bool is_complete() const override { return is_complete_; }
    std::shared_ptr<const rpc::Identity> peer() const override { return nullptr; }
    std::size_t token_size() const override { return 16; }
    Result<void> sign_headers(bool) override { return ok(); }
    Result<std::size_t> protect(const rpc::FragmentParts&, std::span<std::byte>) override {
        return 0;
    }
    Result<void> unprotect(const rpc::FragmentParts&, std::span<const std::byte>) override {
        return ok();
    }

private:
    static constexpr std::uint32_t flags = 0xe0888235;
    static void put(Bytes& message, std::size_t at, std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
            message[at + i] = static_cast<std::byte>(value >> 8 * i & 0xff);
    }
    static Bytes message(std::uint32_t type, std::size_t size) {
        Bytes made(size);
        std::ranges::copy(octets_of("NTLMSSP"), made.begin());
        put(made, 8, type, 4);
        return made;
    }
    static Bytes negotiate() {
        Bytes made = message(1, 40);
        put(made, 12, flags, 4);
        return made;
    }
    // MS-NLMP 2.2.1.3: lengths and places of LM and NT response, domain, user, workstation and key.
    static Bytes authenticate() {
        constexpr std::size_t begin = 88;
        Bytes made = message(3, begin);
        put(made, 60, flags, 4);
        std::size_t field = 12;
        for (const std::size_t size : {24u, 64u, 10u, 8u, 2u, 16u}) {
            put(made, field, size | size << 16 | static_cast<std::uint64_t>(made.size()) << 32, 8);
            made.resize(made.size() + size, std::byte{'A'});
            field += 8;
        }
        put(made, begin + 24 + 16, 0x0101, 8); // an NTLMv2 response
        put(made, begin + 24 + 44, 0, 8);      // without attributes
        return made;
    }
    bool is_complete_ = false;
};

class SocketStream final : public rpc::Stream {
public:
    explicit SocketStream(const std::string& address)
        : socket_(
              platform::Socket::connect(platform::split_address(address).value(), 30s).value()) {
        socket_.set_read_deadline(std::chrono::steady_clock::now() + 60s);
    }
    Result<void> write(std::span<const std::byte> octets) override { return socket_.write(octets); }
    Result<void> read(std::span<std::byte> into) override {
        while (!into.empty()) {
            NTDSB_TRY(const std::size_t count, socket_.read_some(into, {}));
            into = into.subspan(count);
        }
        return ok();
    }

private:
    platform::Socket socket_;
};

// Its last leg is on its way to the server.
Result<std::unique_ptr<rpc::ClientAssociation>> bind_as_nobody(const std::string& address) {
    return rpc::ClientAssociation::bind(
        std::make_unique<SocketStream>(address), {wire::backup_interface_uuid, 1}, 5840,
        rpc::ClientSecurity{rpc::AuthType::ntlm, rpc::Protection::privacy,
                            std::make_unique<MadeUpNtlm>()});
}

TEST_F(ServerTest, AuthenticationsThatWaitKeepNoCallWaiting) {
    limits.calls = 1;
    limits.authentications = 1;
    SilentUserFile users(directory.live().parent_path() / "users");
    start();
    const auto waiting = bind_as_nobody(address());
    ASSERT_TRUE(waiting) << waiting.error().what;
    ASSERT_TRUE(users.is_read()) << "is gss-ntlmssp installed?";
    expect_alive();
}

// While it lasts nothing of its connection waits on the network, so once nobody listens the server's
// thread has nothing to wait for: it must not end before all connections have.
TEST_F(ServerTest, StopsWhileAnAuthenticationEnds) {
    for (int i = 0; i < 60; ++i) {
        SilentUserFile users(directory.live().parent_path() / "users");
        ASSERT_NO_FATAL_FAILURE(start());
        const auto waiting = bind_as_nobody(address());
        ASSERT_TRUE(waiting) << waiting.error().what;
        ASSERT_TRUE(users.is_read()) << "is gss-ntlmssp installed?";
        std::thread stop([&] { server.reset(); });
        users.answer();
        stop.join();
    }
}

TEST_F(ServerTest, StopDoesNotWaitForeverForAMechanism) {
    SilentUserFile users(directory.live().parent_path() / "users");
    start();
    {
        const auto waiting = bind_as_nobody(address());
        ASSERT_TRUE(waiting) << waiting.error().what;
        ASSERT_TRUE(users.is_read()) << "is gss-ntlmssp installed?";
    }
    EXPECT_FALSE(server->stop(0s));
    users.answer();
    EXPECT_TRUE(server->stop(0s));
}

TEST_F(ServerTest, HangsUpWhereABindIsNotFollowedByAProofInTime_COM9) {
    directory.config.service.allow_anonymous = false;
    limits.until_bound = 300ms;
    start();
    RawClient client(address());
    EXPECT_EQ(client.bind(), PduType::bind_ack);
    EXPECT_FALSE(client.next());
}

} // namespace
} // namespace ntdsb::server
