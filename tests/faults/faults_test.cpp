// Every operation, with everything that a bad network can do to its request and its reply, at
// points all over every fragment of them: the caller gets a code and defined out-parameters, its
// handle can be ended, nothing is sent twice, the record is one that the contract knows, and the
// next caller is served. Over a plug-in that leads to a service in this process, over rpc, and over
// the example plug-in. All points in `./dev prove`, a sample otherwise.
#include "operations.h"
#include "proxy.h"

#include "plugins/carried_calls.h"
#include "server/server.h"

#include <chrono>
#include <iostream>
#include <map>
#include <set>
#include <thread>

namespace faults {
namespace {

using namespace ntdsb;
using namespace std::chrono_literals;
using transport::Fault;
using Kind = Fault::Kind;
using Side = Fault::Side;
using Clock = std::chrono::steady_clock;
using Sizes = std::vector<std::size_t>;

bool is_proving() { return std::getenv("NTDSB_PROVE") != nullptr; }

// --- Carriers: what leads from the exports to a service, and goes wrong

class Carrier {
public:
    virtual ~Carrier() = default;
    virtual const contract::MadeDirectory& directory() const = 0;
    virtual void arm(const Operation& operation, const Fault& fault) = 0;
    virtual void disarm() = 0;
    virtual bool has_struck() const = 0;
    virtual unsigned times_sent() const = 0;
    // Of each fragment in which it was carried; of a plug-in's there is one.
    virtual Sizes request_sizes() const = 0;
    virtual Sizes reply_sizes() const = 0;
    // Whether fragments are struck, and not what they carry.
    virtual bool is_stream() const = 0;
};

class Embedded final : public Carrier {
public:
    Embedded() { plugins::fail_by(plan_); }
    ~Embedded() override {
        plugins::fail_by(nullptr);
        EXPECT_EQ(plugins::open_connections(), 0) << "H-3";
    }
    const contract::MadeDirectory& directory() const override { return stub_.directory; }
    void arm(const Operation& operation, const Fault& fault) override {
        plan_->arm(operation.interface_of, operation.opnum, fault);
    }
    void disarm() override { plan_->disarm(); }
    bool has_struck() const override { return plan_->has_struck(); }
    unsigned times_sent() const override { return plan_->times_run(); }
    Sizes request_sizes() const override { return {plan_->request_size()}; }
    Sizes reply_sizes() const override { return {plan_->reply_size()}; }
    bool is_stream() const override { return false; }

private:
    std::shared_ptr<transport::FaultPlan> plan_ = std::make_shared<transport::FaultPlan>();
    plugins::Stub stub_{"good"};
};

// Paths this long in the shortest fragments that there are: most operations take several.
std::filesystem::path deep_folder() {
    std::filesystem::path deep;
    for (int i = 0; i < 6; ++i) deep /= std::string(120, 'd');
    return deep;
}

class Stream : public Carrier {
public:
    explicit Stream(bool over_unix_socket) {
        const std::string root = directory_.root().string();
        auto config =
            parse_config("[directory]\ndatabase = '" + directory_.database() + "'\nstate_path = '" +
                             directory_.state().string() + "'\n[service]\nlisten = ['" +
                             (over_unix_socket ? "unix:" + root + "/s" : "127.0.0.1:0") +
                             "']\nallow_anonymous = true\nrestore_roots = ['" + root + "']\n",
                         "the service");
        auto shared = std::make_shared<const Config>(std::move(config).value());
        server::Limits limits = server::limits_of(shared->service);
        limits.association.fragment = limits.stranger.fragment = rpc::must_receive_size;
        auto started = server::Server::start(shared, limits);
        if (!started) throw std::runtime_error(started.error().what);
        server_ = std::move(started).value();
        proxy_ = std::make_unique<Proxy>(server_->addresses().front(),
                                         over_unix_socket ? directory_.root() / "p"
                                                          : std::filesystem::path());
        const std::string plugin = "[transport.plugins.local]\npath = '" EXAMPLE_PLUGIN "'\n";
        directory_.configure("", (over_unix_socket ? plugin : std::string()) +
                                     "[transport.servers.localhost]\ntransport = '" +
                                     (over_unix_socket ? "local" : "rpc'\nauthentication = 'none") +
                                     "'\naddress = '" + proxy_->address() + "'\n");
    }
    const contract::MadeDirectory& directory() const override { return directory_; }
    void arm(const Operation& operation, const Fault& fault) override {
        proxy_->arm(binds_ ? Proxy::bind : operation.opnum, fault);
    }
    void disarm() override { proxy_->disarm(); }
    bool has_struck() const override { return proxy_->has_struck(); }
    unsigned times_sent() const override { return proxy_->times_sent(); }
    Sizes request_sizes() const override { return proxy_->request_sizes(); }
    Sizes reply_sizes() const override { return proxy_->reply_sizes(); }
    bool is_stream() const override { return true; }
    // The bind is struck instead of the operation's own fragments.
    void strike_binds() { binds_ = true; }

private:
    contract::MadeDirectory directory_{contract::Shape::dirty_with_logs, {}, deep_folder()};
    std::unique_ptr<server::Server> server_;
    std::unique_ptr<Proxy> proxy_;
    bool binds_ = false;
};

using MakeCarrier = std::unique_ptr<Carrier> (*)();
struct CarrierRow {
    const char* name;
    MakeCarrier make;
    bool strikes_binds = false;
};
const CarrierRow carriers[] = {
    {"Embedded", [] { return std::unique_ptr<Carrier>(std::make_unique<Embedded>()); }},
    {"Rpc", [] { return std::unique_ptr<Carrier>(std::make_unique<Stream>(false)); }},
    {"Example", [] { return std::unique_ptr<Carrier>(std::make_unique<Stream>(true)); }},
};
const CarrierRow binding_carriers[] = {
    {"RpcBind",
     [] {
         auto stream = std::make_unique<Stream>(false);
         stream->strike_binds();
         return std::unique_ptr<Carrier>(std::move(stream));
     },
     true},
    {"ExampleBind",
     [] {
         auto stream = std::make_unique<Stream>(true);
         stream->strike_binds();
         return std::unique_ptr<Carrier>(std::move(stream));
     },
     true},
};

// --- What was tried, for the summary

class Tally {
public:
    void add(const CarrierRow& carrier, const Fault& fault, HRESULT code) {
        ++points_;
        static constexpr const char* kinds[] = {"dropped",  "delayed", "cut",
                                                "repeated", "altered", "omitted"};
        ++outcomes_[text(carrier.name, ", ", kinds[static_cast<int>(fault.kind)],
                         code == S_OK ? ": S_OK" : ": a code")];
    }
    ~Tally() {
        if (points_ == 0) return;
        std::cout << "fault points tried: " << points_ << "\n";
        for (const auto& [what, count] : outcomes_)
            std::cout << "fault points, " << what << ": " << count << "\n";
    }

private:
    unsigned points_ = 0;
    std::map<std::string, unsigned> outcomes_;
};
Tally& tally() {
    static Tally all;
    return all;
}

// --- The points

// What is carried when nothing goes wrong.
struct Measured {
    Sizes requests, replies;
    std::string given;
    bool is_stream = false;
    const Sizes& of(Side side) const { return side == Side::request ? requests : replies; }
    bool is_last(const Fault& fault) const { return fault.fragment + 1 == of(fault.side).size(); }
    // Too little or too much arrives, and then the last fragment all the same.
    bool is_misjoined(const Fault& fault) const {
        return (fault.kind == Kind::omit || fault.kind == Kind::repeat) && !is_last(fault);
    }
};

// In the middle of long data one octet is like another, and a later fragment's are like the first's
// but for its header; a stream carries the same data behind its headers as the embedded service is
// tried with octet by octet.
bool is_worth_it(std::size_t offset, std::size_t size, std::size_t fragment, bool is_stream) {
    if (offset < 32 || offset + 8 > size) return true;
    if (!is_stream) return offset % (offset < 256 ? 1 : 509) == 0;
    return offset % (fragment == 0 && offset < 512 ? 7 : 127) == 0;
}

void add_points(std::vector<Fault>& points, const Measured& measured, Side side,
                std::size_t fragment) {
    constexpr unsigned masks[] = {0x01, 0x80, 0xff};
    const auto add = [&](Kind kind, std::size_t at = 0, std::size_t size = 1, unsigned mask = 0) {
        points.push_back({kind, side, at, size, static_cast<std::byte>(mask), 20ms, fragment});
    };
    for (const Kind kind : {Kind::drop, Kind::repeat, Kind::delay}) add(kind);
    // Behind the last one nothing follows: the caller would wait for ever.
    if (!measured.is_last(points.back())) add(Kind::omit);
    const std::size_t size = measured.of(side)[fragment];
    for (std::size_t at = 0; at < size; ++at) {
        if (!is_worth_it(at, size, fragment, measured.is_stream)) continue;
        add(Kind::cut, at);
        add(Kind::alter, at, 1, masks[at % 3]);
        if (at % 8 == 0) add(Kind::alter, at, 8, 0xff);
    }
}

std::vector<Fault> all_points(const Measured& measured) {
    std::vector<Fault> points;
    for (const Side side : {Side::request, Side::reply}) {
        for (std::size_t fragment = 0; fragment < measured.of(side).size(); ++fragment)
            add_points(points, measured, side, fragment);
    }
    return points;
}

// One of each kind; on which side, and where, is another for each row. Then one in the middle
// fragment and one in the last, where there are several.
std::vector<Fault> some_points(const Measured& measured, std::size_t salt) {
    std::vector<Fault> points;
    const auto add = [&](Kind kind, Side side, std::size_t fragment) {
        salt = salt * 31 % 10007;
        const std::size_t at = salt % measured.of(side)[fragment];
        points.push_back({kind, side, at, 1 + salt % 8, std::byte{0xff}, 20ms, fragment});
    };
    for (const Kind kind : {Kind::drop, Kind::delay, Kind::cut, Kind::repeat, Kind::alter})
        add(kind, salt * 31 % 10007 % 2 == 0 ? Side::request : Side::reply, 0);
    constexpr Kind later[] = {Kind::omit, Kind::repeat, Kind::cut, Kind::drop, Kind::alter};
    for (const Side side : {Side::request, Side::reply}) {
        const std::size_t count = measured.of(side).size();
        for (const std::size_t fragment : std::set<std::size_t>{count / 2, count - 1}) {
            if (fragment == 0) continue;
            Kind kind = later[(salt + fragment) % std::size(later)];
            if (kind == Kind::omit && fragment + 1 == count) kind = Kind::repeat;
            add(kind, side, fragment);
        }
    }
    return points;
}

// --- One point

bool is_code_of_ours(HRESULT code) {
    const auto value = static_cast<std::uint32_t>(code);
    return value < 2000 || (value >> 16) == 0xC7FF;
}

void expect_code(HRESULT code, const Operation& operation, const Fault& fault) {
    if (fault.kind == Kind::delay) {
        EXPECT_CODE(code, S_OK);
    } else if (transport::loses_the_connection(fault)) {
        // An End whose connection is gone has ended the handle all the same.
        const bool ends = std::string_view(operation.name).ends_with("End");
        const bool is_told = code == hrCommunicationError || code == hrCouldNotConnect;
        EXPECT_TRUE(ends ? code == S_OK : is_told) << contract::hex_code(code);
    } else {
        // What an octet of a reply is turned into nobody can know.
        const bool may_be_any = fault.kind == Kind::alter && fault.side == Side::reply;
        EXPECT_TRUE(may_be_any || is_code_of_ours(code)) << contract::hex_code(code);
    }
}

void try_point(const CarrierRow& row, const Operation& operation, const Measured& measured,
               const Fault& fault) {
    SCOPED_TRACE(text(row.name, ", ", operation.name, ": ", to_string(fault)));
    const auto begun = Clock::now();
    const auto carrier = row.make();
    HRESULT code = S_OK;
    {
        Caller caller(carrier->directory());
        operation.prepare(caller);
        carrier->arm(operation, fault);
        code = operation.call(caller);
        EXPECT_TRUE(carrier->has_struck());
        // The service may get a request twice from a network that repeats it, never from us.
        const bool repeats = fault.kind == Kind::repeat && fault.side == Side::request;
        EXPECT_LE(carrier->times_sent(), !carrier->is_stream() && repeats ? 2u : 1u) << "P-4";
        expect_code(code, operation, fault);
        EXPECT_FALSE(code == S_OK && measured.is_misjoined(fault));
        const bool is_told = code == S_OK && fault.kind != Kind::alter;
        EXPECT_TRUE(!is_told || caller.given == measured.given) << caller.given;
        carrier->disarm();
        if (operation.on_handle && transport::loses_the_connection(fault)) {
            EXPECT_CODE(operation.call(caller), hrCommunicationError) << "it stays lost (COM-8)";
        }
        EXPECT_CODE(caller.end(), S_OK);
    }
    const State state = recorded(carrier->directory());
    const bool is_run = fault.side == Side::reply || !measured.is_misjoined(fault);
    EXPECT_TRUE(is_run || state == operation.before);
    const bool may_be_another = fault.kind == Kind::alter; // request: registers something else
    EXPECT_TRUE(may_be_another || state == operation.before || state == operation.after);
    const bool is_done = code == S_OK && !may_be_another && fault.kind != Kind::repeat;
    EXPECT_TRUE(!is_done || row.strikes_binds || state == operation.after);
    expect_goes_on(carrier->directory());
    EXPECT_LT(Clock::now() - begun, 30s);
    tally().add(row, fault, code);
}

// --- The sweep

struct Row {
    CarrierRow carrier;
    Operation operation;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.carrier.name; }

class Faults : public testing::TestWithParam<Row> {};

Measured measure(const CarrierRow& row, const Operation& operation) {
    const auto carrier = row.make();
    Caller caller(carrier->directory());
    operation.prepare(caller);
    carrier->arm(operation, {Kind::delay, Side::reply, 0, 1, {}, 0ms});
    EXPECT_CODE(operation.call(caller), S_OK);
    EXPECT_TRUE(carrier->has_struck());
    EXPECT_GT(carrier->reply_sizes().at(0), 0u);
    EXPECT_EQ(caller.given.find("something else"), std::string::npos);
    const Measured measured{carrier->request_sizes(), carrier->reply_sizes(), caller.given,
                            carrier->is_stream()};
    carrier->disarm();
    if (measured.is_stream && !row.strikes_binds) {
        EXPECT_GE(measured.requests.size(), operation.request_fragments);
        EXPECT_GE(measured.replies.size(), operation.reply_fragments);
    }
    return measured;
}

TEST_P(Faults, GiveACodeAndLoseNothing) {
    const auto& [carrier, operation] = GetParam();
    const Measured measured = measure(carrier, operation);
    if (HasFailure()) return;
    std::size_t salt = static_cast<std::size_t>(carrier.name[0]);
    for (const char c : std::string_view(operation.name))
        salt = (salt * 31 + static_cast<unsigned char>(c)) % 10007;
    for (const Fault& fault : is_proving() ? all_points(measured) : some_points(measured, salt)) {
        try_point(carrier, operation, measured, fault);
        if (HasFailure()) return;
    }
}

std::vector<Row> rows() {
    std::vector<Row> all;
    for (const auto& operation : operations()) {
        for (const auto& carrier : carriers) all.push_back({carrier, operation});
    }
    for (const auto& carrier : binding_carriers) {
        for (const auto& operation : operations()) {
            if (std::string_view(operation.name).ends_with("Prepare"))
                all.push_back({carrier, operation});
        }
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Every, Faults, testing::ValuesIn(rows()), [](const auto& row) {
    return std::string(row.param.carrier.name) + row.param.operation.name;
});

// A whole restore in which every call may be struck, by a series that its seed alone decides.
TEST(FaultSeries, OfAnySeedLeavesADirectoryThatCanBeRestored) {
    const std::uint64_t last = is_proving() ? 400 : 6;
    for (std::uint64_t seed = 0; seed < last && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(text("seed ", seed));
        const auto carrier = carriers[seed % std::size(carriers)].make();
        carrier->directory().back_up();
        std::uint64_t n = 0;
        for (const char* const name :
             {"RestorePrepare", "RestoreRegister", "RestoreRegisterComplete"}) {
            const auto operation =
                std::ranges::find(operations(), std::string_view(name),
                                  [](const auto& one) { return std::string_view(one.name); });
            Caller caller(carrier->directory());
            operation->prepare(caller);
            if (testing::Test::HasFatalFailure()) return;
            Fault fault = transport::random_fault(seed, n++, 64);
            // What decides the carrier decides nothing here.
            fault.fragment = (seed / std::size(carriers) + n) % (fault.side == Side::request
                                                                     ? operation->request_fragments
                                                                     : operation->reply_fragments);
            carrier->arm(*operation, fault);
            const HRESULT code = operation->call(caller);
            EXPECT_TRUE(carrier->has_struck());
            carrier->disarm();
            EXPECT_CODE(caller.end(), S_OK);
            static_cast<void>(recorded(carrier->directory()));
            tally().add(carriers[seed % std::size(carriers)], fault, code);
            // What was left is taken over and reported, so that the next one begins anew.
            expect_goes_on(carrier->directory());
            std::filesystem::remove_all(carrier->directory().state());
        }
    }
}

// P-5, COM-11: a reply that does not come, and End from another thread.
void expect_end_frees_a_stuck_call(const CarrierRow& row, std::chrono::seconds at_least,
                                   std::chrono::seconds at_most) {
    const auto carrier = row.make();
    const auto& complete = operations()[3];
    Caller caller(carrier->directory());
    complete.prepare(caller);
    carrier->arm(complete, {Kind::delay, Side::reply, 0, 1, {}, 1h});
    HRESULT code = S_OK;
    const HBC handle = caller.handle;
    std::thread stuck([&] { code = DsRestoreRegisterComplete(handle, S_OK); });
    while (!carrier->has_struck()) std::this_thread::sleep_for(1ms);
    const auto begun = Clock::now();
    EXPECT_CODE(caller.end(), S_OK);
    const auto took = Clock::now() - begun;
    EXPECT_GE(took, at_least);
    EXPECT_LT(took, at_most);
    stuck.join();
    EXPECT_CODE(code, hrCommunicationError);
    // Done, though not told; or the verification was cancelled, if it still ran.
    const State state = recorded(carrier->directory());
    EXPECT_TRUE(state == complete.before || state == complete.after);
}

TEST(StuckCall, OfADecoratedConnectionIsFreedByEnd) {
    expect_end_frees_a_stuck_call(carriers[0], 0s, 5s);
}
TEST(StuckCall, OfTheExampleIsFreedByEnd) { expect_end_frees_a_stuck_call(carriers[2], 0s, 9s); }
TEST(StuckCall, OfRpcIsAbandonedByEnd) { // after COM-11's ten seconds
    expect_end_frees_a_stuck_call(carriers[1], 9s, 18s);
}

} // namespace
} // namespace faults
