// A made directory with a backup of it in a temporary folder, as the restore tests need one:
// configuration, token, the arguments of Register, and associations that are called with encoded
// requests, as a transport calls them.
#pragma once

#include "core/path.h"
#include "platform/process.h"
#include "service/service.h"
#include "service/sessions.h"
#include "support/codes.h"
#include "support/ese_builder.h"
#include "support/temp_folder.h"
#include "wire/ndr.h"

#include <gtest/gtest.h>

namespace ntdsb::service {

inline constexpr Code invalid = ERROR_INVALID_PARAMETER;
inline constexpr auto restore_in_progress = static_cast<Code>(hrRestoreInProgress);
inline constexpr Code failed_restore =
    static_cast<Code>(hrError); // what a tool reports at Complete

// The made directory below `root`, for this process or one that it starts.
inline Config config_at(const platform::Path& root) {
    Config config;
    config.directory.database = wire_path(root / "ntds" / "ntds.dit");
    config.directory.log_path = wire_path(root / "ntds");
    config.directory.checkpoint_path = wire_path(root / "ntds");
    config.directory.state_path = wire_path(root / "states" / "default");
    return config;
}
inline wire::RestoreRegister::Request request_at(const platform::Path& root) {
    wire::RestoreRegister::Request request;
    request.checkpoint_path = wire_path(root / "ntds");
    request.log_path = wire_path(root / "ntds");
    request.map = {{wire_path(root / "ntds" / "ntds.dit"), wire_path(root / "ntds" / "ntds.dit")}};
    request.backup_log_path = wire_path(root / "backup");
    return request;
}

// Each test program's own: what the machine says of an NTDS service and a mirror is nothing again.
void reset_domain_controller();

class RestoreDirectory {
public:
    RestoreDirectory() : own_folder_(std::in_place), root_(own_folder_->path()) {
        reset_domain_controller();
        std::filesystem::create_directories(ntds());
        std::filesystem::create_directories(backup());
        config = config_at(root());
        made().write(database());
    }
    // The one that another process made at `root` and removes.
    explicit RestoreDirectory(platform::Path root)
        : config(config_at(root)), root_(std::move(root)) {}
    ~RestoreDirectory() {
        platform::set_disk_hook(nullptr);
        if (own_folder_) reset_domain_controller();
    }

    platform::Path root() const { return root_; }
    platform::Path ntds() const { return root() / "ntds"; }
    platform::Path backup() const { return root() / "backup"; }
    platform::Path state() const { return root() / "states" / "default"; }
    platform::Path database() const { return ntds() / "ntds.dit"; }
    platform::Path record_file() const { return state() / "registration"; }

    // The database that was backed up: in clean shutdown and without logs, or dirty and in need
    // of 3..5.
    test::EseDatabase made() const {
        test::EseDatabase database;
        if (with_logs) database.dirty().log_signature(signature).required(3, 5);
        return database;
    }
    // The whole restored set: the database in its place, the logs 3..5 in the backup log path.
    void use_logs() {
        with_logs = true;
        made().write(database());
        test::LogChain{signature}.from(3).to(5).write(backup());
    }

    ConfigPtr shared_config() const { return std::make_shared<const Config>(config); }
    InstancePtr instance() const {
        auto opened = Instance::open(shared_config(), u"");
        if (!opened) throw std::runtime_error(opened.error().what);
        return opened.value();
    }
    wire::Bytes token() const {
        ExpiryToken token;
        token.backup_time = platform::now_filetime();
        token.tombstone_lifetime_days = 180;
        const auto facts = made().facts();
        ese::DatabaseIdentity identity{{}, facts.size, facts.dbtime, facts.header_checksum};
        identity.signature.bytes = facts.signature;
        token.databases.push_back(identity);
        return encode_token(token);
    }
    wire::RestoreRegister::Request request() const {
        auto request = request_at(root());
        request.gen_low = with_logs ? 3 : 0;
        request.gen_high = with_logs ? 5 : 0;
        return request;
    }
    Result<RestoreRegistration> enter() const {
        return RestoreRegistration::enter(instance(), request());
    }

    // What the record says now; std::nullopt where there is none. An unreadable one fails the test.
    std::optional<RecordState> recorded() const {
        const auto record = load_record(*instance());
        if (!record) ADD_FAILURE() << record.error().what;
        if (!record || !record.value()) return std::nullopt;
        return record.value()->state;
    }
    // Whether the gate would let the directory start now: its code.
    Code start_blocked() const {
        const auto status = interlock_status(*instance());
        if (!status) throw std::runtime_error(status.error().what);
        return status.value().start_blocked ? status.value().start_blocked->code : Code{0};
    }
    bool session_alive() const {
        return interlock_status(*instance()).value().restore_session_alive;
    }

    const test::Signature signature = test::make_signature(7);
    bool with_logs = false;
    Config config;

private:
    std::optional<test::TempFolder> own_folder_;
    platform::Path root_;
};

// Someone on another computer, allowed all (ACC-4).
inline Caller remote_caller() { return {false, "far", "far", true, true}; }

// An association as a transport sees it. Replies that cannot be decoded fail the test.
class Client {
public:
    explicit Client(const RestoreDirectory& directory, Caller caller = Caller::local())
        : directory_(directory), association_(directory.shared_config(), std::move(caller)) {}

    template <class Op>
    typename Op::Reply call(const typename Op::Request& request) {
        wire::BufferSink sink(1 << 20);
        if (const auto called =
                association_.call(Op::interface_of, Op::opnum, wire::encode(request), sink);
            !called) {
            ADD_FAILURE() << called.error().what;
            return {};
        }
        auto reply = wire::decode<typename Op::Reply>(sink.bytes());
        if (reply) return std::move(reply).value();
        ADD_FAILURE() << reply.error().what;
        return {};
    }

    wire::RestorePrepare::Reply prepare(std::optional<wire::Bytes> token, std::uint32_t flags = 0) {
        return call<wire::RestorePrepare>({u"", flags, std::move(token)});
    }
    // A session with the directory's token, or a restricted one.
    wire::ContextHandle prepared() { return prepare(directory_.token()).session; }
    wire::ContextHandle restricted() { return prepare(std::nullopt).session; }

    Code register_whole(const wire::ContextHandle& session) {
        auto request = directory_.request();
        request.session = session;
        return call<wire::RestoreRegister>(request).status;
    }
    Code complete(const wire::ContextHandle& session, Code state) {
        return call<wire::RestoreRegisterComplete>({session, state}).status;
    }
    wire::ListReply locations(const wire::ContextHandle& session) {
        return call<wire::RestoreGetDatabaseLocations>({session});
    }
    Code end(const wire::ContextHandle& session) {
        return call<wire::RestoreEnd>({session}).status;
    }

    Association& association() { return association_; }

private:
    const RestoreDirectory& directory_;
    Association association_;
};

} // namespace ntdsb::service
