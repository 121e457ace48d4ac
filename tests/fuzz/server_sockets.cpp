// The service's sockets: a whole server in this process, on a Unix-domain socket and on TCP, and
// clients that send sound calls, pieces of them and rubbish, take answers late or never, and hang
// up at any point, while the server's threads go on. What is checked: only sound fragments come
// back, a sound client's calls are each answered once, who hangs up is hung up on, and a stop ends.
//
// The threads run as they like: an input need not take the same way twice.
#include "fuzz/fuzz.h"

#include "core/path.h"
#include "ntdsbcli.h"
#include "rpc/pdu.h"
#include "server/server.h"
#include "support/big_database.h"
#include "support/temp_folder.h"
#include "wire/ndr.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ntdsb::fuzz {

namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::size_t most_steps = 2000;
// In a sequence. Each takes one of the machine's ports for a minute.
constexpr unsigned most_by_tcp = 4;
constexpr std::chrono::seconds longest_wait{20};
constexpr std::array<std::uint16_t, 3> fragment_sizes{5840, 1432, 65528};
constexpr std::uint16_t backup_context = 0, restore_context = 1;

// --- the service

// A directory that nobody changes: a sound database, backed up by whoever asks.
class Place {
public:
    Place() {
        fs::create_directory(folder_ / "ntds");
        test::write_big_database(folder_ / "ntds" / "ntds.dit", std::uint64_t{4} << 20);
        auto made = std::make_shared<Config>();
        made->directory.database = wire_path(folder_ / "ntds" / "ntds.dit");
        made->directory.log_path = made->directory.checkpoint_path = wire_path(folder_ / "ntds");
        made->directory.state_path = wire_path(folder_ / "state");
        made->directory.verify = VerifyLevel::off;
        made->service.listen = {"unix:" + socket(), "127.0.0.1:0"};
        made->service.allow_restore = {"nobody"};
        config_ = std::move(made);
    }
    const ConfigPtr& config() const { return config_; }
    std::string socket() const { return (folder_ / "s").string(); }

private:
    test::TempFolder folder_;
    ConfigPtr config_;
};

const Place& place() {
    static const Place made;
    return made;
}

// Small ones are met often.
server::Limits limits(bool small) {
    server::Limits made;
    made.unsent = 65536;
    if (!small) return made;
    made.calls = 2;
    made.calls_of_connection = 1;
    made.waiting_of_connection = 2;
    made.unsent = made.stranger_unsent = 4096;
    made.held = 16384;
    made.association = made.stranger = {2048, 4096, 6000, 3, 4};
    return made;
}

// --- a client

class Client {
public:
    Client(const std::string& tcp_address, bool by_tcp)
        : handle_(::socket(by_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          is_sound_(!by_tcp) { // a stranger would be refused
        FUZZ_CHECK(handle_ >= 0, "the fuzzer gets a socket");
        is_connected_ = (by_tcp ? connect_tcp(tcp_address) : connect_local()) == 0;
    }
    ~Client() { ::close(handle_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Not where the server has stopped.
    bool is_connected() const { return is_connected_; }
    void will_say_no_more() const { (void)::shutdown(handle_, SHUT_WR); }

    // --- what it will send

    void add(Input octets) {
        is_sound_ = false;
        to_send_.insert(to_send_.end(), octets.begin(), octets.end());
    }
    void add_bind(std::uint16_t longest) {
        if (has_bound_) is_sound_ = false;
        has_bound_ = true;
        const rpc::Bind asked{
            longest,
            longest,
            0,
            {{backup_context, {wire::backup_interface_uuid, 1}, {rpc::ndr_syntax}},
             {restore_context, {wire::restore_interface_uuid, 1}, {rpc::ndr_syntax}}}};
        push(rpc::encode({rpc::PduType::bind, rpc::only_fragment, ++last_id_}, asked));
    }
    // More of what is bound already, `count` times: a long answer, given at once.
    void add_alter_context(std::size_t count) {
        if (!has_bound_) is_sound_ = false;
        rpc::Bind asked{1432, 1432, 0, {}};
        asked.contexts.resize(
            count, {backup_context, {wire::backup_interface_uuid, 1}, {rpc::ndr_syntax}});
        push(rpc::encode({rpc::PduType::alter_context, rpc::only_fragment, ++last_id_}, asked));
    }
    void add_call(std::uint16_t context, std::uint16_t opnum, Input stub,
                  std::uint8_t more_flags = 0) {
        if (!has_bound_) is_sound_ = false;
        ((more_flags & rpc::maybe_call) != 0 ? forgotten_ : asked_).insert(++last_id_);
        push(rpc::encode({rpc::PduType::request,
                          static_cast<std::uint8_t>(rpc::only_fragment | more_flags), last_id_},
                         rpc::Request{0, context, opnum, std::nullopt}, stub));
    }
    // A request in `count` fragments, whose last may stay away.
    void add_parts(std::size_t count, std::size_t size, bool ends) {
        is_sound_ = false; // limits may be met
        const Octets stub(size);
        for (std::size_t i = 0; i < count; ++i) {
            const unsigned flags = (i == 0 ? rpc::first_fragment : 0u) |
                                   (ends && i + 1 == count ? rpc::last_fragment : 0u);
            push(rpc::encode(
                {rpc::PduType::request, static_cast<std::uint8_t>(flags), last_id_ + 1},
                rpc::Request{0, backup_context, wire::BackupPing::opnum, std::nullopt}, stub));
        }
        ++last_id_;
    }
    // About the call before so many others.
    void add_about_a_call(bool cancel, std::uint32_t before) {
        const std::uint32_t id = last_id_ - before;
        if (!has_bound_) is_sound_ = false;
        if (!cancel && asked_.erase(id) != 0) forgotten_.insert(id);
        push(rpc::encode(
            {cancel ? rpc::PduType::co_cancel : rpc::PduType::orphaned, rpc::only_fragment, id}));
    }
    void alter(std::size_t at, std::byte by) {
        if (to_send_.empty() || by == std::byte{}) return;
        is_sound_ = false;
        to_send_[at % to_send_.size()] ^= by;
    }

    // --- what goes over the socket

    void send_but(std::size_t least_left) {
        if (least_left < to_send_.size()) send(to_send_.size() - least_left);
    }
    void send(std::size_t most) {
        const std::size_t size = std::min(most, to_send_.size());
        const auto sent = ::send(handle_, to_send_.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) to_send_.erase(to_send_.begin(), to_send_.begin() + sent);
        if (sent < 0 && errno != EAGAIN) is_sent_for_nothing_ = true; // the server hung up
    }
    // Until the server has received what was sent, but no longer.
    void pause(steady_clock::duration longest) const {
        const auto deadline = steady_clock::now() + longest;
        int unread = 1;
        while (steady_clock::now() < deadline && unread > 0) {
            if (::ioctl(handle_, TIOCOUTQ, &unread) != 0) return;
            std::this_thread::sleep_for(std::chrono::microseconds(10));
        }
    }
    // False: nothing is there, or never again.
    bool receive(std::size_t most) {
        std::array<std::byte, 16384> buffer;
        const auto got =
            ::recv(handle_, buffer.data(), std::min(most, buffer.size()), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) has_ended_ = true;
        if (got <= 0) return false;
        last_progress_ = steady_clock::now();
        received_.insert(received_.end(), buffer.begin(), buffer.begin() + got);
        judge();
        return true;
    }
    // Sends what is left, and receives until every call is answered.
    void take_answers() {
        last_progress_ = steady_clock::now();
        while (!has_ended_ && !(to_send_.empty() && is_answered())) {
            if (!is_sound_ && to_send_.empty()) return; // who knows what it is owed
            if (!go_on()) break;
        }
        FUZZ_CHECK(!is_sound_ || is_answered(), "a sound client's calls are answered");
    }
    void take_until_hung_up() {
        last_progress_ = steady_clock::now();
        while (!has_ended_ && go_on()) {
        }
        FUZZ_CHECK(has_ended_, "who hangs up is hung up on");
        // A server that holds a long answer of a forgotten call back is hung up on in the middle.
        FUZZ_CHECK(!is_sound_ || !forgotten_.empty() || received_.empty(),
                   "a sound client gets whole fragments");
    }
    // From now on calls may end without an answer.
    void expect_nothing() { is_sound_ = false; }

    // --- a backup

    // Waits for the session, which may be another client's, and asks for its file.
    void open_backup() {
        if (!is_sound_ || !has_bound_) return;
        add_call(backup_context, wire::BackupPrepare::opnum,
                 wire::encode(wire::BackupPrepare::Request{u"", 0, BACKUP_TYPE_FULL}));
        wanted_ = last_id_;
        take_answers();
        const auto reply = wire::decode<wire::BackupPrepare::Reply>(stub_);
        if (has_ended_ || !reply || reply.value().status != S_OK) return;
        session_ = reply.value().session;
        open_file();
    }
    void open_file() {
        add_call(backup_context, wire::BackupOpenFile::opnum,
                 wire::encode(wire::BackupOpenFile::Request{
                     session_, place().config()->directory.database, 0}));
    }
    void read_file(std::uint32_t size) {
        add_call(backup_context, wire::BackupRead::opnum,
                 wire::encode(wire::BackupRead::Request{session_, size}));
    }
    template <class Operation>
    void ask_of_session() {
        add_call(backup_context, Operation::opnum,
                 wire::encode(typename Operation::Request{session_}));
    }

private:
    static int connect_to(int handle, const auto& address) {
        return ::connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    int connect_local() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        place().socket().copy(address.sun_path, sizeof address.sun_path - 1);
        return connect_to(handle_, address);
    }
    int connect_tcp(const std::string& where) const {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port =
            htons(static_cast<std::uint16_t>(std::stoul(where.substr(where.rfind(':') + 1))));
        return connect_to(handle_, address);
    }

    void push(const rpc::Bytes& fragment) {
        if (fragment.size() > rpc::must_receive_size) is_sound_ = false;
        to_send_.insert(to_send_.end(), fragment.begin(), fragment.end());
    }
    bool is_answered() const { return asked_.empty() && received_.empty(); }

    // False: the server has not said a word for long.
    bool go_on() {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            last_progress_ + longest_wait - steady_clock::now());
        if (left.count() <= 0) return false;
        const bool sends = !to_send_.empty() && !is_sent_for_nothing_;
        pollfd wait{handle_, static_cast<short>(sends ? POLLIN | POLLOUT : POLLIN), 0};
        (void)::poll(&wait, 1, static_cast<int>(left.count()));
        if (sends) send(to_send_.size());
        (void)receive(65536);
        return true;
    }

    void judge() {
        for (;;) {
            const auto frame = rpc::decode_frame(received_, 65535);
            FUZZ_CHECK(bool(frame), "what is sent are fragments");
            if (!frame.value() || frame.value()->length > received_.size()) return;
            const auto length = static_cast<std::ptrdiff_t>(frame.value()->length);
            const Octets one(received_.begin(), received_.begin() + length);
            received_.erase(received_.begin(), received_.begin() + length);
            const auto fragment = rpc::split_fragment(one);
            FUZZ_CHECK(bool(fragment), "what is sent are sound fragments");
            take(fragment.value());
        }
    }
    void take(const rpc::Fragment& fragment) {
        using rpc::PduType;
        const auto [type, flags, id] = fragment.header;
        if (type != PduType::response && type != PduType::fault) {
            FUZZ_CHECK(!is_sound_ || type == PduType::bind_ack ||
                           type == PduType::alter_context_response,
                       "a sound bind is accepted");
            return;
        }
        if (!is_sound_ || forgotten_.contains(id)) return;
        FUZZ_CHECK(asked_.contains(id), "only what was asked is answered, and once");
        if (type == PduType::response && id == wanted_) {
            if (flags & rpc::first_fragment) stub_.clear();
            const auto part = rpc::decode_response(fragment).value().stub;
            stub_.insert(stub_.end(), part.begin(), part.end());
        }
        if (type == PduType::fault || (flags & rpc::last_fragment) != 0) asked_.erase(id);
    }

    int handle_;
    bool is_connected_ = false;
    Octets to_send_, received_;
    bool is_sound_; // has sent nothing but sound fragments, and may do what it asks for
    bool has_bound_ = false;
    bool is_sent_for_nothing_ = false;
    bool has_ended_ = false;
    steady_clock::time_point last_progress_{};
    std::uint32_t last_id_ = 0;
    std::set<std::uint32_t> asked_, forgotten_; // ids of calls
    std::uint32_t wanted_ = 0;                  // the call whose reply's stub is kept:
    Octets stub_;
    wire::ContextHandle session_{};
};

// --- the sequence

class Sequence {
public:
    explicit Sequence(bool small) {
        auto started = server::Server::start(place().config(), limits(small));
        FUZZ_CHECK(bool(started), "the server starts");
        server_ = std::move(started).value();
        tcp_address_ = server_->addresses().back();
    }

    void run(Reader& reader) {
        run_steps(reader, true);
        for (auto& client : clients_) {
            if (!client) continue;
            client->take_answers();
            client->will_say_no_more();
            client->take_until_hung_up();
        }
        if (!stop_.joinable()) begin_stop(longest_wait);
        stop_.join();
    }

private:
    void run_steps(Reader& reader, bool may_repeat) {
        while (!reader.at_end() && steps_++ < most_steps && steady_clock::now() < last_step_) {
            const auto what = reader.u8();
            auto& client = clients_[what / 64 % clients_.size()];
            if (what % 64 == 0 || !client)
                connect(client, what % 64 == 0 && reader.flag());
            else if (what % 64 == 1)
                client.reset();
            else if (what % 64 == 63 && may_repeat)
                repeat(reader);
            else
                step(what % 64, *client, reader);
        }
    }
    void repeat(Reader& reader) {
        const std::size_t times = reader.u8();
        const Input steps = reader.part(reader.u8());
        for (std::size_t i = 0; i < times; ++i) {
            Reader again(steps);
            run_steps(again, false);
        }
    }
    void connect(std::optional<Client>& client, bool by_tcp) {
        client.emplace(tcp_address_, by_tcp && by_tcp_++ < most_by_tcp);
        if (!client->is_connected()) {
            FUZZ_CHECK(stop_.joinable(), "a server takes connections until it stops");
            return client.reset();
        }
        if (stop_.joinable()) client->expect_nothing();
    }
    void step(unsigned what, Client& client, Reader& reader) {
        switch (what % 20) {
        case 0:
            return client.add_alter_context(reader.below(128));
        case 1:
            return client.add(reader.part(reader.u8()));
        case 2:
            return client.add_bind(fragment_sizes[reader.below(fragment_sizes.size())]);
        case 3:
            return client.add_call(backup_context, wire::BackupPing::opnum, {});
        case 4: {
            const std::uint16_t context = reader.u8() % 2;
            const auto opnum = static_cast<std::uint16_t>(reader.u8() % 16);
            const auto flags = reader.u8() & (rpc::maybe_call | rpc::pending_cancel);
            return client.add_call(context, opnum, reader.part(reader.u8()),
                                   static_cast<std::uint8_t>(flags));
        }
        case 5: {
            const std::size_t count = 1 + reader.below(8), size = 40 * std::size_t{reader.u8()};
            return client.add_parts(count, size, reader.flag());
        }
        case 6:
            return client.add_about_a_call(true, reader.u8() % 4);
        case 7:
            return client.add_about_a_call(false, reader.u8() % 4);
        case 8: {
            const std::size_t at = reader.u16();
            return client.alter(at, static_cast<std::byte>(reader.u8()));
        }
        case 9:
            return client.send(reader.u8());
        case 10:
            return client.send_but(reader.u16());
        case 11:
        case 12:
            return client.send(65536);
        case 13:
            return (void)client.receive(1 + 16 * std::size_t{reader.u8()});
        case 14:
            return client.take_answers();
        case 15:
            return half_close_or_stop(client, reader.below(4));
        case 16:
            return pause(client, std::chrono::microseconds(64 * reader.u8()));
        case 17:
            return client.open_backup();
        case 18:
            return client.read_file(1 + 64 * std::uint32_t{reader.u16()});
        default:
            return ask_of_session(client, reader.below(4));
        }
    }
    static void ask_of_session(Client& client, std::size_t what) {
        switch (what) {
        case 0:
            return client.ask_of_session<wire::BackupClose>();
        case 1:
            return client.ask_of_session<wire::BackupGetDatabaseNames>();
        case 2:
            return client.open_file();
        default:
            return client.ask_of_session<wire::BackupEnd>();
        }
    }
    void pause(const Client& client, steady_clock::duration longest) {
        const auto begin = steady_clock::now();
        client.pause(std::min(longest, pauses_left_));
        pauses_left_ -= std::min(steady_clock::now() - begin, pauses_left_);
    }
    void half_close_or_stop(Client& client, std::size_t what) {
        if (what < 2 || stop_.joinable()) {
            client.expect_nothing();
            return client.will_say_no_more();
        }
        for (auto& one : clients_)
            if (one) one->expect_nothing();
        begin_stop(what == 2 ? std::chrono::seconds(0) : longest_wait);
    }
    void begin_stop(std::chrono::seconds patience) {
        stop_ = std::thread([this, patience] {
            FUZZ_CHECK(server_->stop(patience), "a stop ends");
            server_.reset();
        });
    }

    std::unique_ptr<server::Server> server_; // of stop_, once that has begun
    std::thread stop_;
    std::string tcp_address_;
    unsigned by_tcp_ = 0;
    std::size_t steps_ = 0;
    steady_clock::time_point last_step_ = steady_clock::now() + std::chrono::seconds(5);
    steady_clock::duration pauses_left_ = std::chrono::seconds(1);
    std::array<std::optional<Client>, 3> clients_;
};

} // namespace

void server_sockets(Input input) {
    Reader reader(input);
    Sequence(reader.flag()).run(reader);
}

} // namespace ntdsb::fuzz
