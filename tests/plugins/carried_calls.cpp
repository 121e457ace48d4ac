#include "carried_calls.h"

#include "core/path.h"
#include "platform/shared_library.h"
#include "transport/fault_injection.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <sstream>

namespace plugins {

using namespace ntdsb;

namespace {

struct FarEnd {
    std::mutex mutex;
    std::vector<std::string> arrived;
    wire::Bytes reply;
    ConfigPtr config;
    std::shared_ptr<transport::FaultPlan> plan;
    std::atomic<int> open{0}, cancels{0};
};
FarEnd& far_end() {
    static FarEnd instance;
    return instance;
}

struct Connection {
    wire::Interface interface_of;
    std::unique_ptr<transport::Connection> carried;
};

// --- What arrives, in words

template <class Op>
bool describe_as(std::string_view name, wire::Interface interface_of, std::uint16_t opnum,
                 std::span<const std::byte> stub, std::string& out) {
    if (Op::interface_of != interface_of || Op::opnum != opnum) return false;
    auto request = wire::decode<typename Op::Request>(stub);
    out = request ? described(name, std::move(request).value()) : "cannot be decoded";
    return true;
}

std::string describe(wire::Interface interface_of, std::uint16_t opnum,
                     std::span<const std::byte> stub) {
    std::string out = "unknown operation";
#define OPERATION(name) describe_as<wire::name>(#name, interface_of, opnum, stub, out)
    static_cast<void>(
        OPERATION(IsDirectoryOnline) || OPERATION(RestorePrepare) || OPERATION(RestoreRegister) ||
        OPERATION(RestoreRegisterComplete) || OPERATION(RestoreGetDatabaseLocations) ||
        OPERATION(RestoreEnd) || OPERATION(SetCurrentLogNumber) || OPERATION(CheckExpiryToken) ||
        OPERATION(BackupPrepare) || OPERATION(BackupEnd) || OPERATION(BackupGetDatabaseNames) ||
        OPERATION(BackupOpenFile) || OPERATION(BackupRead) || OPERATION(BackupClose) ||
        OPERATION(BackupGetBackupLogs) || OPERATION(BackupTruncateLogs) || OPERATION(BackupPing) ||
        OPERATION(BackupGetDatabaseLocations));
#undef OPERATION
    return out;
}

void arrive(std::string what) {
    const std::lock_guard lock(far_end().mutex);
    far_end().arrived.push_back(std::move(what));
}

// --- The backend

// Hands on to the host, and keeps a copy.
class HostSink final : public wire::ReplySink {
public:
    explicit HostSink(const ntdsb_reply& host) : host_(host) {}
    std::span<std::byte> lend(std::size_t size) override {
        std::size_t lent = 0;
        void* const memory = host_.lend(host_.context, size, &lent);
        lent_ = {static_cast<std::byte*>(memory), memory == nullptr ? 0 : lent};
        return lent_;
    }
    void commit(std::size_t size) override {
        const auto committed = lent_.first(size);
        reply_.insert(reply_.end(), committed.begin(), committed.end());
        host_.commit(host_.context, size);
    }
    wire::Bytes take() { return std::move(reply_); }

private:
    const ntdsb_reply& host_;
    std::span<std::byte> lent_;
    wire::Bytes reply_;
};

std::string or_null(const char* string) { return string == nullptr ? "NULL" : string; }

int32_t connect(const ntdsb_target& target, void** connection) {
    const bool is_restore =
        std::equal(std::begin(target.interface_uuid), std::end(target.interface_uuid),
                   wire::restore_interface_uuid.begin());
    arrive(text("connect ", is_restore ? "restore" : "backup", " to ", target.server, " at \"",
                target.address, "\" within ", target.connect_timeout_ms, " ms as ",
                or_null(target.user), ", ", or_null(target.domain), ", ",
                or_null(target.password)));
    const auto interface_of = is_restore ? wire::Interface::restore : wire::Interface::backup;
    const std::lock_guard lock(far_end().mutex);
    auto carried = transport::connect_embedded(far_end().config, interface_of);
    if (!carried) return static_cast<int32_t>(carried.error().code);
    if (far_end().plan)
        carried = transport::faulty(std::move(carried).value(), interface_of, far_end().plan);
    *connection = new Connection{interface_of, std::move(carried).value()};
    ++far_end().open;
    return NTDSB_TRANSPORT_OK;
}

int32_t backend(stub_event event, void* connection, uint16_t opnum, const void* request,
                size_t size, const ntdsb_reply* reply) {
    auto* const there = static_cast<Connection*>(connection);
    switch (event) {
    case STUB_CONNECT:
        return connect(*static_cast<const ntdsb_target*>(request), static_cast<void**>(connection));
    case STUB_CALL: {
        const std::span stub(static_cast<const std::byte*>(request), size);
        arrive(describe(there->interface_of, opnum, stub));
        HostSink sink(*reply);
        const auto called = there->carried->call(opnum, stub, sink);
        {
            const std::lock_guard lock(far_end().mutex);
            far_end().reply = sink.take();
        }
        return called ? NTDSB_TRANSPORT_OK : static_cast<int32_t>(called.error().code);
    }
    case STUB_CANCEL:
        ++far_end().cancels;
        there->carried->cancel();
        return 0;
    case STUB_DISCONNECT:
        delete there;
        --far_end().open;
        return 0;
    }
    return 0;
}

template <class Function>
Function symbol(const std::filesystem::path& library, const char* name) {
    const auto found = platform::library_symbol(library, name);
    return found ? reinterpret_cast<Function>(found.value()) : nullptr;
}

} // namespace

std::vector<std::string> take_arrived() {
    const std::lock_guard lock(far_end().mutex);
    return std::exchange(far_end().arrived, {});
}
ntdsb::wire::Bytes last_reply() {
    const std::lock_guard lock(far_end().mutex);
    return far_end().reply;
}
void fail_by(std::shared_ptr<ntdsb::transport::FaultPlan> plan) {
    const std::lock_guard lock(far_end().mutex);
    far_end().plan = std::move(plan);
}
int open_connections() { return far_end().open; }
int cancels() { return far_end().cancels; }

std::filesystem::path Stub::library(const std::string& variant) {
    return STUBS "stub_" + variant + STUB_SUFFIX;
}

Stub::Stub(const std::string& variant, contract::Shape shape) : directory(shape) {
    {
        auto config =
            parse_config("[directory]\ndatabase = '" + directory.database() + "'\nstate_path = '" +
                             directory.state().string() + "'\nregistry_mirror = false\n",
                         "the far end");
        const std::lock_guard lock(far_end().mutex);
        far_end().config = std::make_shared<const Config>(std::move(config).value());
    }
    std::ostringstream place;
    place << std::hex << reinterpret_cast<std::uintptr_t>(&backend);
    contract::set_environment(STUB_BACKEND, place.str());
    use(library(variant));
}

void Stub::use(const std::filesystem::path& library) {
    configure(library);
    const auto reset = symbol<stub_reset_t>(library, "stub_reset");
    if (reset != nullptr) reset();
}

void Stub::configure(const std::filesystem::path& library) {
    library_ = library;
    const std::string utf8 = text(wire_path(library));
    directory.configure("", "[transport]\ndefault = 'mine'\n[transport.plugins.mine]\npath = '" +
                                utf8 +
                                "'\n[transport.servers.far]\ntransport = 'mine'\naddress = "
                                "'pipe:far'\nconnect_timeout_s = 7\ninstance = '" +
                                instance_ + "'\n");
    take_arrived();
    far_end().cancels = 0;
}

void Stub::use_copy(const std::string& variant, const std::filesystem::path& name) {
    const auto copy = directory.root() / name;
    contract::write_file(copy, contract::read_file(library(variant)));
    std::filesystem::permissions(copy, std::filesystem::perms::owner_all);
    configure(copy);
}

int Stub::negotiations() const {
    return symbol<stub_negotiations_t>(library_, "stub_negotiations")();
}

void Stub::release() const { symbol<stub_release_t>(library_, "stub_release")(); }

} // namespace plugins
