// The server on a Unix-domain socket (server/local_socket.h): whom it lets in, and what becomes of
// the socket's file.
#include "server_fixture.h"

#include <fstream>
#include <functional>
#include <thread>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace ntdsb::server {
namespace {

namespace fs = std::filesystem;
constexpr std::uint32_t denied = 5;

int connect_to(const fs::path& path) {
    const int handle = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return handle;
    ::close(handle);
    return -1;
}

class LocalClient {
public:
    explicit LocalClient(const fs::path& path) : handle_(connect_to(path)) {}
    ~LocalClient() { ::close(handle_); }
    LocalClient(const LocalClient&) = delete;
    LocalClient& operator=(const LocalClient&) = delete;

    bool is_connected() const { return handle_ >= 0; }
    // 0: refused.
    std::uint32_t bind(std::uint32_t group = 0, std::uint16_t longest = 5840) {
        const auto answer = exchange(
            rpc::encode({PduType::bind, rpc::only_fragment, 1},
                        rpc::Bind{longest,
                                  longest,
                                  group,
                                  {{0, {wire::backup_interface_uuid, 1}, {rpc::ndr_syntax}}}}));
        const auto split = rpc::split_fragment(answer);
        if (!split || split.value().header.type != PduType::bind_ack) return 0;
        const auto ack = rpc::decode_bind_ack(split.value().body).value();
        EXPECT_EQ(ack.secondary_address, "") << "it is no port";
        return ack.association_group;
    }
    // The fault's status; 0 where it is answered.
    std::uint32_t ping() {
        const auto answer = exchange(
            rpc::encode({PduType::request, rpc::only_fragment, ++calls_},
                        rpc::Request{0, 0, wire::BackupPing::opnum, std::nullopt}, Bytes{}));
        const auto split = rpc::split_fragment(answer);
        if (!split) return 1;
        if (split.value().header.type == PduType::response) return 0;
        return rpc::decode_fault(split.value().body).value().status;
    }

    // As many as the socket takes.
    std::size_t send_now(const Bytes& octets) {
        const auto sent =
            ::send(handle_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    }
    void send_all(const Bytes& octets) {
        constexpr timeval minute{60, 0};
        (void)::setsockopt(handle_, SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
        EXPECT_EQ(::send(handle_, octets.data(), octets.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(octets.size()));
    }
    // Nothing: the server hung up, or was silent for long.
    std::optional<PduType> next_type() {
        Bytes fragment(rpc::header_size);
        if (!receive(fragment)) return std::nullopt;
        const auto frame = rpc::decode_frame(fragment, 65535);
        if (!frame) return std::nullopt;
        Bytes body(frame.value()->length - rpc::header_size);
        if (!receive(body)) return std::nullopt;
        return frame.value()->header.type;
    }

private:
    bool receive(Bytes& octets) {
        constexpr timeval minute{60, 0};
        (void)::setsockopt(handle_, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
        return ::recv(handle_, octets.data(), octets.size(), MSG_WAITALL) ==
               static_cast<ssize_t>(octets.size());
    }
    Bytes exchange(const Bytes& octets) {
        Bytes answer(4096);
        if (::send(handle_, octets.data(), octets.size(), MSG_NOSIGNAL) < 0) return {};
        const auto got = ::recv(handle_, answer.data(), answer.size(), 0); // a fragment fits whole
        answer.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return answer;
    }
    int handle_;
    std::uint32_t calls_ = 1;
};

// As another user, who is nobody here: the rights of one thread alone.
void as_somebody_else(const std::function<void()>& action) {
    std::thread other([&] {
        ASSERT_EQ(::syscall(SYS_setresuid, -1, 54321, -1), 0);
        action();
    });
    other.join();
}

class LocalSocket : public ServerTest {
protected:
    LocalSocket() {
        fs::create_directory(folder());
        directory.config.service.listen = {"unix:" + path().string()};
        directory.config.service.allow_anonymous = false;
    }
    fs::path folder() const { return directory.live().parent_path() / "run"; }
    fs::path path() const { return folder() / "s"; }
    // So that the mode is not what keeps others out.
    void open_to_all() const {
        for (fs::path one = folder(); one != "/tmp" && one != "/"; one = one.parent_path()) {
            std::error_code ignored;
            fs::permissions(one, fs::perms::others_exec, fs::perm_options::add, ignored);
        }
        fs::permissions(path(), fs::perms::all);
    }
    std::string refusal() {
        const auto started = Server::start(directory.shared_config(), limits);
        EXPECT_FALSE(started);
        return started ? std::string() : started.error().what;
    }
};

TEST_F(LocalSocket, IsListenedOnAndClosedToOthersByItsMode_UNIX1) {
    start();
    EXPECT_EQ(address(), "unix:" + path().string());
    EXPECT_EQ(fs::status(path()).permissions() & fs::perms::others_all, fs::perms::none);
    LocalClient client(path());
    ASSERT_TRUE(client.is_connected());
    EXPECT_NE(client.bind(), 0u);
    EXPECT_EQ(client.ping(), 0u) << "the service's own account needs no allow_anonymous (UNIX-2)";
}

// While a worker attends to it a client that takes no answers sends what is answered at once, and a
// part of its next request: the attendance ends with the answer that does not fit the socket, within
// the looking at what was received.
void send_until_held_back(const fs::path& path) {
    constexpr std::uint32_t most_rounds = 4000;
    constexpr std::ptrdiff_t head = 16;
    LocalClient client(path);
    ASSERT_NE(client.bind(0, 65528), 0u);
    rpc::Bind twenty{65528, 65528, 0, {}};
    twenty.contexts.resize(20, {0, {wire::backup_interface_uuid, 1}, {rpc::ndr_syntax}});
    const auto send = [&](const Bytes& octets) { // what was not taken is left
        const auto sent = static_cast<std::ptrdiff_t>(client.send_now(octets));
        return Bytes(octets.begin() + sent, octets.end());
    };
    Bytes left;
    std::uint32_t rounds = 0;
    for (; left.empty() && rounds < most_rounds; ++rounds) {
        const std::uint32_t id = 10 + 2 * rounds;
        Bytes first = rpc::encode({PduType::alter_context, rpc::only_fragment, id}, twenty);
        const Bytes request = rpc::encode({PduType::request, rpc::only_fragment, id + 1},
                                          rpc::Request{0, 0, wire::BackupPing::opnum, std::nullopt},
                                          Bytes(9000)); // more than a connection keeps memory for
        first.insert(first.end(), request.begin(), request.begin() + head);
        const Bytes second(request.begin() + head, request.end());
        left = send(first);
        std::this_thread::sleep_for(std::chrono::microseconds(500));
        if (left.empty())
            left = send(second);
        else
            left.insert(left.end(), second.begin(), second.end());
    }
    ASSERT_FALSE(left.empty()) << "the server takes everything";
    std::thread late([&] { client.send_all(left); });
    for (std::uint32_t i = 0; i < 2 * rounds; ++i) {
        const auto type = client.next_type();
        const bool is_ack = type == PduType::alter_context_response;
        const bool is_reply = type == PduType::response || type == PduType::fault;
        EXPECT_EQ(is_ack + is_reply, 1) << "answer " << i << " of " << 2 * rounds;
        if (testing::Test::HasFailure()) break;
    }
    late.join();
    EXPECT_EQ(client.ping(), 0u);
}

TEST_F(LocalSocket, ReadsOnWhereAnAnswerEndsTheAttendance) {
    limits.unsent = 65536;
    start();
    for (int i = 0; i < 8; ++i) send_until_held_back(path()); // whether a worker attends is chance
}

TEST_F(LocalSocket, LetsOthersInOnlyWhereAllAre_UNIX2) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
    for (const bool allowed : {false, true}) {
        directory.config.service.allow_anonymous = allowed;
        start();
        open_to_all();
        as_somebody_else([&] {
            LocalClient client(path());
            ASSERT_TRUE(client.is_connected());
            EXPECT_NE(client.bind(), 0u);
            EXPECT_EQ(client.ping(), allowed ? 0u : denied);
        });
        server.reset();
    }
}

TEST_F(LocalSocket, KeepsTheSessionsOfUsersApart_UNIX3) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
    directory.config.service.allow_anonymous = true;
    start();
    open_to_all();
    LocalClient owner(path());
    const auto group = owner.bind();
    ASSERT_NE(group, 0u);
    EXPECT_EQ(owner.ping(), 0u);
    as_somebody_else([&] {
        LocalClient thief(path());
        EXPECT_EQ(thief.bind(group), group);
        EXPECT_EQ(thief.ping(), denied);
    });
    EXPECT_EQ(owner.ping(), 0u);
}

TEST_F(LocalSocket, ReplacesWhatADeadServiceLeftAndNothingElse_UNIX4) {
    const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un there{};
    there.sun_family = AF_UNIX;
    path().string().copy(there.sun_path, sizeof there.sun_path - 1);
    ASSERT_EQ(::bind(left, reinterpret_cast<const sockaddr*>(&there), sizeof there), 0);
    ::close(left);
    start();
    EXPECT_NE(refusal().find("another program listens there"), std::string::npos);
    EXPECT_TRUE(LocalClient(path()).is_connected()) << "the first one is not disturbed";
    server.reset();
    EXPECT_FALSE(fs::exists(path())) << "a service that stops takes it away";

    std::ofstream(path()) << "a file";
    EXPECT_NE(refusal().find("something else than a socket"), std::string::npos);
    EXPECT_TRUE(fs::exists(path()));
}

TEST_F(LocalSocket, LeavesAnotherServicesFileAlone_UNIX4) {
    start();
    fs::remove(path());
    std::ofstream(path()) << "somebody else's by now";
    server.reset();
    EXPECT_TRUE(fs::exists(path()));
}

TEST_F(LocalSocket, IsNotMadeWhereOthersMayExchangeIt_UNIX1) {
    fs::permissions(folder(), fs::perms::all);
    EXPECT_NE(refusal().find("choose a folder of the service's own"), std::string::npos);
    EXPECT_FALSE(fs::exists(path()));
}

} // namespace
} // namespace ntdsb::server
