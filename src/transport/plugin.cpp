// Transports from shared libraries: the host's side of include/ntdsb/transport.h, whose rules (H-1,
// P-3, ...) are cited. A plug-in is foreign code in this process: it is trusted not to crash, and
// nothing that it returns is.
#include "transport/plugin_table.h"

#include "core/path.h"
#include "core/utf16.h"
#include "platform/process.h"
#include "platform/shared_library.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

namespace ntdsb::transport {

namespace {

static_assert(NTDSB_TRANSPORT_COULD_NOT_CONNECT == static_cast<std::int32_t>(hrCouldNotConnect));
static_assert(NTDSB_TRANSPORT_COMMUNICATION_ERROR ==
              static_cast<std::int32_t>(hrCommunicationError));

// --- The reply's sink, as the plug-in sees it (P-6)

class PluginReply {
public:
    PluginReply() : seen_{sizeof(ntdsb_reply), this, lend, commit} {}
    PluginReply(const PluginReply&) = delete;
    PluginReply& operator=(const PluginReply&) = delete;

    const ntdsb_reply* begin(wire::ReplySink& sink) {
        sink_ = &sink;
        lent_ = {};
        fault_ = {};
        return &seen_;
    }
    // What went wrong with the reply, whatever the plug-in says of it.
    Result<void> end() {
        sink_ = nullptr;
        if (fault_.code == 0) return ok();
        if (fault_.code == hrCommunicationError)
            fault_.what = "P-6: it committed more of a reply than it was lent";
        return fault_;
    }

private:
    static void* NTDSB_TRANSPORT_CALL lend(void* context, std::size_t wanted, std::size_t* lent) {
        return static_cast<PluginReply*>(context)->lend(wanted, lent);
    }
    static void NTDSB_TRANSPORT_CALL commit(void* context, std::size_t size) {
        static_cast<PluginReply*>(context)->commit(size);
    }

    void* lend(std::size_t wanted, std::size_t* lent) noexcept {
        if (lent == nullptr) return nullptr;
        *lent = 0;
        if (sink_ == nullptr || wanted == 0 || fault_.code != 0) return nullptr;
        try {
            lent_ = sink_->lend(wanted);
        } catch (const std::bad_alloc&) {
            fault_ = Error{static_cast<Code>(ERROR_NOT_ENOUGH_MEMORY), {}}; // COM-10
            return nullptr;
        }
        *lent = lent_.size();
        return lent_.empty() ? nullptr : lent_.data();
    }

    void commit(std::size_t size) noexcept {
        if (sink_ == nullptr || fault_.code != 0) return;
        if (size > lent_.size()) {
            fault_ = Error{static_cast<Code>(hrCommunicationError), {}};
            return;
        }
        lent_ = {};
        sink_->commit(size);
    }

    ntdsb_reply seen_;
    wire::ReplySink* sink_ = nullptr; // null: no call runs
    std::span<std::byte> lent_;
    Error fault_; // code 0: none
};

// --- Loading (H-1, H-2)

using Table = ntdsb_transport;

Error no_plugin(std::string_view name, std::u16string_view library, std::string_view what) {
    return fail(hrError, "the transport \"", name, "\" cannot be used: ", library, " ", what);
}

// Every function that version 1 has.
bool is_whole(const Table& table) {
    return table.size >= sizeof(Table) && table.connect != nullptr && table.call != nullptr &&
           table.cancel != nullptr && table.disconnect != nullptr;
}

Result<const Table*> load(std::string_view name, std::u16string_view library) {
    const auto path = native_path(library);
    if (const auto trusted = platform::check_trusted(path); !trusted)
        return no_plugin(name, library, "is not safe to load: " + trusted.error().what);
    const auto symbol = platform::library_symbol(path, NTDSB_TRANSPORT_SYMBOL);
    if (!symbol) return no_plugin(name, library, "is no plug-in: " + symbol.error().what);
    const auto negotiate = reinterpret_cast<ntdsb_transport_negotiate_t>(symbol.value());
    const Table* const table = negotiate(NTDSB_TRANSPORT_VERSION, NTDSB_TRANSPORT_VERSION);
    if (const auto checked = check_plugin_table(table); !checked)
        return no_plugin(name, library, checked.error().what);
    return table;
}

// One table a library, kept for good; what cannot be loaded may be mended meanwhile.
Result<const Table*> table_of(std::string_view name, std::u16string_view library) {
    struct Loaded {
        std::mutex mutex;
        std::map<std::u16string, const Table*> tables;
    };
    static auto* const loaded = new Loaded; // never destroyed (design point 10)
    const std::lock_guard lock(loaded->mutex);
    auto& table = loaded->tables[path_key(library)];
    if (table == nullptr) {
        NTDSB_TRY(table, load(name, library));
    }
    return table;
}

// --- A connection

// The strings of ntdsb_target; the password is wiped when they go (P-8).
struct Credentials {
    std::string user, domain, password;

    ~Credentials() { platform::wipe(password.data(), password.size()); }
    Credentials() = default;
    Credentials(const Credentials&) = delete;
    Credentials& operator=(const Credentials&) = delete;

    Result<void> take(const AuthIdentity& identity) {
        user = utf16_to_wtf8(identity.user);
        domain = utf16_to_wtf8(identity.domain);
        return identity.password.reveal([&](std::u16string_view plain) {
            password.reserve(most_utf8_size(plain)); // growing would leave a piece behind
            append_wtf8(password, plain);
        });
    }
};

constexpr std::size_t longest_error = 1024;

Error refused(std::string_view name, const PluginTarget& target, std::int32_t code,
              std::string_view why) {
    // COM-7, but for rights that are missing (COM-9).
    const Code told = code == ERROR_ACCESS_DENIED ? code : static_cast<Code>(hrCouldNotConnect);
    // Foreign text: made visible like any other.
    return fail(told, "COM-7: the transport \"", name, "\" did not connect to ", target.server,
                " (", hex(code),
                "): ", why.empty() ? std::u16string(u"it does not say why") : wtf8_to_utf16(why));
}

class PluginConnection final : public Connection {
public:
    PluginConnection(const Table& table, std::string_view name) : table_(table), name_(name) {}
    ~PluginConnection() override {
        if (is_connected_) table_.disconnect(connection_);
    }

    // Once, first.
    Result<void> connect(const PluginTarget& target) {
        Credentials credentials;
        if (target.identity) NTDSB_CHECK(credentials.take(*target.identity));
        const ntdsb_target seen = as_seen(target, credentials);
        std::array<char, longest_error> error{};
        const std::int32_t code =
            table_.connect(&seen, &connection_, error.data(), error.size() - 1);
        is_connected_ = code == NTDSB_TRANSPORT_OK;
        if (is_connected_) return ok();
        const auto end = std::ranges::find(error, '\0');
        return refused(name_, target, code, {error.data(), end});
    }

    Result<void> call(std::uint16_t opnum, std::span<const std::byte> request,
                      wire::ReplySink& reply) override {
        const std::int32_t code =
            table_.call(connection_, opnum, request.data(), request.size(), reply_.begin(reply));
        if (const auto written = reply_.end(); !written)
            return fail(written.error().code, "the transport \"", name_,
                        "\": ", written.error().what);
        if (code == NTDSB_TRANSPORT_OK) return ok();
        return fail(code, "the transport \"", name_, "\" did not carry the call");
    }
    void cancel() noexcept override { table_.cancel(connection_); }

private:
    static ntdsb_target as_seen(const PluginTarget& target, const Credentials& credentials) {
        ntdsb_target seen{};
        seen.size = sizeof seen;
        seen.interface_version = 1;
        const auto& uuid = target.interface_of == wire::Interface::restore
                               ? wire::restore_interface_uuid
                               : wire::backup_interface_uuid;
        std::ranges::copy(uuid, seen.interface_uuid);
        seen.server = target.server.c_str();
        seen.address = target.address.c_str();
        seen.connect_timeout_ms = target.connect_timeout_s * 1000;
        if (!target.identity) return seen;
        seen.user = credentials.user.c_str();
        seen.domain = credentials.domain.c_str();
        seen.password = credentials.password.c_str();
        return seen;
    }

    const Table& table_;
    std::string name_;
    void* connection_ = nullptr; // the plug-in's own
    bool is_connected_ = false;
    PluginReply reply_;
};

} // namespace

Result<void> check_plugin_table(const ntdsb_transport* table) {
    if (table == nullptr || table->version != NTDSB_TRANSPORT_VERSION)
        return fail(hrError, "does not speak version ", NTDSB_TRANSPORT_VERSION,
                    " of ntdsb/transport.h; take the plug-in's version for this ntdsbcli");
    if (!is_whole(*table))
        return fail(hrError, "has a table that is too short or lacks a function");
    return ok();
}

Result<std::unique_ptr<Connection>>
connect_through(const ntdsb_transport& table, std::string_view name, const PluginTarget& target) {
    auto connection = std::make_unique<PluginConnection>(table, name);
    NTDSB_CHECK(connection->connect(target));
    return std::unique_ptr<Connection>(std::move(connection));
}

Result<std::unique_ptr<Connection>>
connect_plugin(std::string_view name, std::u16string_view library, const PluginTarget& target) {
    if (library.empty())
        return fail(hrError, "the transport \"", name, "\" has no library for this bitness; set ",
                    sizeof(void*) == 8 ? "x64" : "x86", " in [transport.plugins.", name, "]");
    NTDSB_TRY(const Table* const table, table_of(name, library));
    return connect_through(*table, name, target);
}

} // namespace ntdsb::transport
