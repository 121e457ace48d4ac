// Random sequences of calls of the C API on one made directory, against a model of the contract's
// state tables (sections 2 to 4 and 6): the model says each call's code before it is made, and after
// it what record and locks must say.
#include "fuzz/fuzz.h"

#include "contract/api_forms.h"
#include "service/interlock.h"
#include "support/ese_builder.h"
#include "support/temp_folder.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ntdsb::fuzz {

namespace {

namespace fs = std::filesystem;
using contract::AnsiForm;
using contract::WideForm;

constexpr HRESULT invalid = ERROR_INVALID_PARAMETER;
constexpr std::size_t most_calls = 24;

// --- the directory

// A dirty database that needs generations 3..5; logs 2..4 and edb.log; a checkpoint at 3. What a
// backup lists: the database, and the logs 3, 4 and 5.
class Directory {
public:
    static constexpr std::size_t listed = 4;

    Directory() {
        fs::create_directory(backup());
        write_text(config(), "[directory]\ndatabase = '" + database() + "'\nstate_path = '" +
                                 state().string() + "'\nverify = 'headers'\n");
        setenv("NTDSBCLI_CONFIG", config().c_str(), 1);
        const auto stream = test::make_signature(2);
        content_ = test::EseDatabase()
                       .page_size(2048)
                       .pages(2)
                       .signature(test::make_signature(1))
                       .dirty()
                       .log_signature(stream)
                       .required(3, 5)
                       .bytes();
        fs::create_directory(ntds());
        test::LogChain(stream).from(2).to(5).current().write(ntds());
        for (const auto& entry : fs::directory_iterator(ntds()))
            logs_.emplace_back(entry.path(), test::read_file(entry.path()));
        logs_.emplace_back(ntds() / "edb.chk", test::EseCheckpoint(stream).generation(3).bytes());
    }

    // As it was before the first call.
    void reset() {
        fs::remove_all(state());
        damage_database(false);
        for (const auto& [path, content] : logs_) {
            if (!fs::exists(path)) test::write_file(path, content);
        }
    }
    void damage_database(bool damaged) {
        auto content = content_;
        if (damaged)
            for (const std::size_t header : {0u, 2048u}) content[header + 1000] ^= std::byte{1};
        test::write_file(database(), content);
    }
    void damage_record() { write_text(state() / "default" / "registration", "no record"); }
    void remove_record() { fs::remove(state() / "default" / "registration"); }

    // In the order of the model: database, then logs.
    std::string file(std::size_t number) const {
        constexpr const char* names[] = {"ntds.dit", "edb00003.log", "edb00004.log",
                                         "edb00005.log"};
        return (ntds() / names[number]).string();
    }
    std::size_t size(std::size_t number) const {
        return number == 0 ? content_.size() : std::size_t{512} * 16;
    }
    std::string database() const { return (ntds() / "ntds.dit").string(); }
    fs::path ntds() const { return folder_ / "ntds"; }
    fs::path backup() const { return folder_ / "backup"; }
    fs::path state() const { return folder_ / "state"; }
    fs::path config() const { return folder_ / "ntdsbcli.toml"; }

private:
    static void write_text(const fs::path& path, const std::string& text) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
        fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    }

    test::TempFolder folder_;
    test::Bytes content_;
    std::vector<std::pair<fs::path, test::Bytes>> logs_;
};

Directory& directory() {
    static Directory made;
    return made;
}

// A token of this directory's, made once; it does not age within a fuzzer's life.
const Octets& whole_token() {
    static const Octets token = [] {
        directory().reset();
        PVOID given = nullptr;
        DWORD size = 0;
        HBC hbc = nullptr;
        const HRESULT code =
            ::DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, &given, &size, &hbc);
        FUZZ_CHECK(code == S_OK, "a made directory can be backed up");
        const auto* const octets = static_cast<const std::byte*>(given);
        Octets copy(octets, octets + size);
        ::DsBackupFree(given);
        FUZZ_CHECK(::DsBackupEnd(hbc) == S_OK, "a backup can be ended");
        return copy;
    }();
    return token;
}

// --- the model

struct RestoreModel {
    HBC hbc = nullptr; // stays after End, to be tried again
    bool alive = false;
    bool restricted = false;
    bool registered = false;
};

struct BackupModel {
    HBC hbc = nullptr;
    bool alive = false;
    std::optional<std::size_t> open; // which file
    std::size_t position = 0;
    std::array<std::size_t, Directory::listed> delivered{}; // octets, in one go from the start
};

enum class Record { none, registered, failed, completed, started, unreadable };

// Plays one input.
class Play {
public:
    explicit Play(Reader& reader) : in_(reader) {
        (void)whole_token(); // first: it is made in the directory as it was
        directory().reset();
        auto config = std::make_shared<Config>();
        config->directory.database = wire(directory().database());
        config->directory.log_path = config->directory.checkpoint_path =
            wire(directory().ntds().string());
        config->directory.state_path = wire((directory().state() / "default").string());
        auto opened = service::Instance::open(config, u"");
        FUZZ_CHECK(bool(opened), "the directory is configured");
        instance_ = std::move(opened).value();
    }
    ~Play() {
        for (auto& session : restores_)
            if (session.alive) (void)::DsRestoreEnd(session.hbc);
        for (auto& session : backups_)
            if (session.alive) (void)::DsBackupEnd(session.hbc);
        (void)::DsSetAuthIdentityA(nullptr, nullptr, nullptr);
    }

    void run() {
        for (std::size_t calls = 0; calls < most_calls && !in_.at_end(); ++calls) {
            if (in_.flag())
                one_call<WideForm>();
            else
                one_call<AnsiForm>();
            compare();
        }
    }

private:
    static std::u16string wire(const std::string& ascii) { return {ascii.begin(), ascii.end()}; }

    template <class Form>
    void one_call();

    void expect(HRESULT found, HRESULT predicted, const char* call) const {
        if (found == predicted) return;
        std::fprintf(stderr, "%s returned %s where the model says %s\n", call,
                     contract::hex_code(found).c_str(), contract::hex_code(predicted).c_str());
        broken("the contract's state tables", call, __FILE__, __LINE__);
    }

    RestoreModel& restore() { return restores_[in_.below(restores_.size())]; }
    BackupModel& backup() { return backups_[in_.below(backups_.size())]; }

    bool any_registered() const {
        for (const auto& session : restores_)
            if (session.alive && session.registered) return true;
        return false;
    }
    bool any_backup() const {
        for (const auto& session : backups_)
            if (session.alive) return true;
        return false;
    }
    // REC-3..REC-9: whether the record alone keeps the directory from starting.
    bool is_blocked() const {
        return record_ == Record::registered || record_ == Record::failed ||
               record_ == Record::unreadable;
    }

    // A server's name, and what the contract says of it (COM-3..COM-6).
    template <class Form>
    std::pair<std::optional<typename Form::String>, HRESULT> server() {
        constexpr std::pair<const char*, HRESULT> names[] = {
            {"localhost", S_OK},
            {"localhost", S_OK},
            {"LOCALHOST", S_OK},
            {"\\\\localhost", S_OK},
            {"127.0.0.1", S_OK},
            {".", S_OK},
            {nullptr, invalid},
            {"", static_cast<HRESULT>(hrCouldNotConnect)},
            {"under_score", static_cast<HRESULT>(hrCouldNotConnect)},
            {"elsewhere.example", RPC_S_INVALID_BINDING},
        };
        const auto choice = in_.u8();
        const auto& [name, code] = names[choice < std::size(names) ? choice : 0];
        if (name == nullptr) return {std::nullopt, code};
        return {Form::text(name), code};
    }
    template <class Text>
    static auto pointer(const std::optional<Text>& text) {
        return text ? text->c_str() : nullptr;
    }

    template <class Form>
    void prepare_restore();
    template <class Form>
    void register_restore();
    void complete();
    void end_restore();
    template <class Form>
    void ask_locations();
    template <class Form>
    void prepare_backup();
    template <class Form>
    void ask_list();
    template <class Form>
    void open_file();
    void read();
    void close_file();
    void truncate();
    void end_backup();
    template <class Form>
    void ask_online();
    template <class Form>
    void set_current_log();
    void check_token();
    void start_or_stop();
    void change_files();
    void wrong_handle();
    template <class Form>
    void set_identity();

    void compare() const;

    Reader& in_;
    std::array<RestoreModel, 3> restores_;
    std::array<BackupModel, 2> backups_;
    Record record_ = Record::none;
    bool database_damaged_ = false;
    std::optional<platform::Lock> engine_;
    service::InstancePtr instance_;
};

// Token arguments and their codes (PREP-2..PREP-4).
struct TokenArgument {
    Octets octets;
    bool null = false;
    DWORD size = 0;
    HRESULT code = S_OK;
};
TokenArgument token_argument(std::uint8_t choice) {
    TokenArgument token{whole_token(), false, 0, S_OK};
    token.size = static_cast<DWORD>(token.octets.size());
    switch (choice % 8) {
    case 0:
        token.null = true;
        token.size = 0;
        break;
    case 1: // damaged
        token.octets[16] ^= std::byte{1};
        token.code = static_cast<HRESULT>(hrUnknownExpiryTokenFormat);
        break;
    case 2:
        token.size = 0;
        token.code = invalid;
        break;
    case 3:
        token.null = true;
        token.code = invalid;
        break;
    default:
        break;
    }
    return token;
}

template <class Form>
void Play::prepare_restore() {
    RestoreModel& session = restore();
    const auto [name, server_code] = server<Form>();
    const auto flags = in_.u8();
    const ULONG type = flags < 200 ? (flags & 1) * ULONG{RESTORE_TYPE_CATCHUP} : flags;
    auto token = token_argument(in_.u8());
    if (session.alive) return; // a slot holds one
    HRESULT code = S_OK;
    if (!name)
        code = invalid;
    else if (token.code == invalid)
        code = invalid;
    else if (server_code != S_OK)
        code = server_code;
    else if (type != 0 && type != RESTORE_TYPE_CATCHUP)
        code = invalid;
    else
        code = token.code;
    HBC hbc = &session;
    expect(Form::restore_prepare(pointer(name), type, token.null ? nullptr : token.octets.data(),
                                 token.size, &hbc),
           code, "DsRestorePrepare");
    FUZZ_CHECK((hbc != nullptr) == (code == S_OK), "ABI-10: a handle on success, else NULL");
    if (code == S_OK) session = {hbc, true, token.null, false};
}

template <class Form>
void Play::register_restore() {
    const RestoreModel& session = restore();
    const auto wrong = in_.u8() % 16; // what is wrong, if anything
    using String = typename Form::String;
    const std::string elsewhere = "/elsewhere/ntds.dit";
    String checkpoint = Form::text(directory().ntds().string());
    String logs = Form::text(directory().ntds().string());
    String backup = Form::text(directory().backup().string());
    std::array<String, 4> paths{Form::text(directory().database()),
                                Form::text(directory().database()), Form::text("/system/ntds.dit"),
                                Form::text((directory().ntds() / "edb.chk").string())};
    LONG count = 1;
    ULONG low = 3;
    ULONG high = 5;
    HRESULT code = S_OK;
    const typename Form::Char* backup_argument = backup.c_str();
    switch (wrong) {
    case 0: // REG-9: the system database, too, which is the checkpoint
        count = 2;
        break;
    case 1: // identical pairs are merged
        paths[2] = paths[0];
        paths[3] = paths[1];
        count = 2;
        break;
    case 2: // the checkpoint as a file
        checkpoint = Form::text((directory().ntds() / "edb.chk").string());
        break;
    case 3:
        backup_argument = nullptr;
        code = invalid; // REG-2
        break;
    case 4:
        logs = Form::text(directory().backup().string());
        code = invalid; // REG-2
        break;
    case 5:
        count = 0;
        code = invalid; // REG-3
        break;
    case 6: // REG-4: one target for two sources
        paths[3] = paths[1];
        count = 2;
        code = invalid;
        break;
    case 7: // REG-4: one source for two targets
        paths[2] = paths[0];
        count = 2;
        code = invalid;
        break;
    case 8:
        high = 0x100000;
        code = invalid; // REG-5
        break;
    case 9:
        low = 6;
        code = invalid; // REG-5
        break;
    case 10:
        paths[0] = Form::text("relative");
        code = invalid; // REG-3
        break;
    default:
        break;
    }
    std::array<typename Form::Map, 2> map;
    Form::set(map[0], paths[0], paths[1]);
    Form::set(map[1], paths[2], paths[3]);
    if (!session.alive)
        code = invalid;
    else if (session.restricted)
        code = static_cast<HRESULT>(hrMissingExpiryToken);
    else if (code != S_OK)
        ;
    else if (engine_)
        code = static_cast<HRESULT>(hrDatabaseInUse); // REG-6
    else if (any_backup())
        code = static_cast<HRESULT>(hrBackupInProgress); // REG-7
    else if (any_registered())
        code = static_cast<HRESULT>(hrRestoreInProgress); // REG-8
    expect(Form::restore_register(session.hbc, checkpoint.c_str(), logs.c_str(), map.data(), count,
                                  backup_argument, low, high),
           code, "DsRestoreRegister");
    if (code != S_OK) return;
    const_cast<RestoreModel&>(session).registered = true;
    record_ = Record::registered;
}

void Play::complete() {
    RestoreModel& session = restore();
    const HRESULT state = in_.flag() ? static_cast<HRESULT>(hrError) : S_OK;
    HRESULT code = S_OK;
    if (!session.alive)
        code = invalid;
    else if (session.restricted)
        code = static_cast<HRESULT>(hrMissingExpiryToken);
    else if (!session.registered)
        code = invalid; // CMPL-1
    else if (state == S_OK && database_damaged_)
        code = static_cast<HRESULT>(hrDatabaseCorrupted); // CMPL-4
    expect(::DsRestoreRegisterComplete(session.hbc, state), code, "DsRestoreRegisterComplete");
    if (code != S_OK) return;
    session.registered = false;
    record_ = state == S_OK ? Record::completed : Record::failed;
}

void Play::end_restore() {
    RestoreModel& session = restore();
    expect(::DsRestoreEnd(session.hbc), session.alive ? S_OK : invalid, "DsRestoreEnd");
    session.alive = session.registered = false; // END-2: the record stays
}

template <class Form>
void Play::ask_locations() {
    const auto choice = in_.below(2);
    const HBC hbc = choice == 0 ? restore().hbc : backup().hbc;
    bool alive = false;
    for (const auto& session : restores_) alive = alive || (session.alive && session.hbc == hbc);
    for (const auto& session : backups_) alive = alive || (session.alive && session.hbc == hbc);
    typename Form::Char* list = nullptr;
    DWORD size = 1;
    expect(Form::locations(hbc, &list, &size), alive ? S_OK : invalid,
           "DsRestoreGetDatabaseLocations");
    FUZZ_CHECK((list != nullptr) == alive && (size != 0) == alive, "ABI-10");
    if (alive)
        FUZZ_CHECK(Form::prefix(list[0]) == 0x44 && list[size / sizeof *list - 1] == 0, "LOC-2");
    ::DsBackupFree(list);
}

template <class Form>
void Play::prepare_backup() {
    BackupModel& session = backup();
    const auto [name, server_code] = server<Form>();
    const auto wrong = in_.u8();
    if (session.alive) return;
    const ULONG grbit = wrong == 1 ? 1 : 0;
    const ULONG type = wrong == 2 ? ULONG{BACKUP_TYPE_LOGS_ONLY} : ULONG{BACKUP_TYPE_FULL};
    HRESULT code = S_OK;
    if (wrong == 3)
        code = static_cast<HRESULT>(hrInvalidParam); // COM-2
    else if (!name)
        code = invalid;
    else if (server_code != S_OK)
        code = server_code;
    else if (wrong == 1 || wrong == 2)
        code = invalid; // BPREP-1
    else if (any_registered() || is_blocked())
        code = static_cast<HRESULT>(hrRestoreInProgress); // BPREP-6
    else if (engine_)
        code = static_cast<HRESULT>(hrBackupNotAllowedYet); // BPREP-4
    else if (any_backup())
        code = static_cast<HRESULT>(hrBackupInProgress); // BPREP-5
    else if (database_damaged_)
        code = static_cast<HRESULT>(hrDatabaseCorrupted); // BLIST-3
    PVOID token = &session;
    DWORD size = 1;
    HBC hbc = &session;
    expect(Form::backup_prepare(pointer(name), grbit, type, wrong == 3 ? nullptr : &token, &size,
                                &hbc),
           code, "DsBackupPrepare");
    FUZZ_CHECK((hbc != nullptr) == (code == S_OK) && (size != 0) == (code == S_OK), "ABI-10");
    if (wrong == 3) return;
    FUZZ_CHECK((token != nullptr) == (code == S_OK), "ABI-10");
    ::DsBackupFree(token);
    if (code != S_OK) return;
    session = {};
    session.hbc = hbc;
    session.alive = true;
}

template <class Form>
void Play::ask_list() {
    const BackupModel& session = backup();
    const bool logs = in_.flag();
    typename Form::Char* list = nullptr;
    DWORD size = 1;
    expect(logs ? Form::backup_logs(session.hbc, &list, &size)
                : Form::database_names(session.hbc, &list, &size),
           session.alive ? S_OK : invalid, "the lists of a backup");
    FUZZ_CHECK((list != nullptr) == session.alive && (size != 0) == session.alive, "ABI-10");
    if (session.alive) {
        FUZZ_CHECK(Form::prefix(list[0]) == (logs ? 0x21u : 0x44u), "ABI-4");
        const typename Form::String first(list + 1);
        FUZZ_CHECK(Form::ascii(first) == directory().file(logs ? 1 : 0), "BLIST-1");
    }
    ::DsBackupFree(list);
}

template <class Form>
void Play::open_file() {
    BackupModel& session = backup();
    const std::size_t choice = in_.u8() % (Directory::listed + 2);
    const bool with_prefix = in_.flag();
    const bool is_listed = choice < Directory::listed;
    const std::string path =
        is_listed ? directory().file(choice) : directory().ntds().string() + "/edb00002.log";
    const std::string prefix(with_prefix && is_listed ? (choice == 0 ? "D" : "!") : "");
    const auto name = Form::text(choice == Directory::listed + 1 ? std::string() : prefix + path);
    HRESULT code = S_OK;
    if (!session.alive || choice == Directory::listed + 1)
        code = invalid; // BOPEN-1: an empty name is none
    else if (session.open)
        code = static_cast<HRESULT>(hrAlreadyOpen); // BOPEN-3
    else if (!is_listed)
        code = ERROR_FILE_NOT_FOUND; // BOPEN-2
    LARGE_INTEGER size;
    size.QuadPart = 1;
    expect(Form::open_file(session.hbc, name.c_str(), in_.u8(), &size), code, "DsBackupOpenFile");
    FUZZ_CHECK(size.QuadPart ==
                   (code == S_OK ? static_cast<LONGLONG>(directory().size(choice)) : 0),
               "ABI-10: the file's size on success, else 0");
    if (code != S_OK) return;
    session.open = choice;
    session.position = 0;
}

void Play::read() {
    BackupModel& session = backup();
    const DWORD wanted = DWORD{in_.u8()} * 64;
    static std::array<std::byte, 256 * 64> buffer;
    HRESULT code = S_OK;
    std::size_t left = 0;
    if (session.open) left = directory().size(*session.open) - session.position;
    if (!session.alive || wanted == 0)
        code = invalid; // BREAD-1
    else if (!session.open)
        code = static_cast<HRESULT>(hrInvalidHandle); // BREAD-3
    else if (left == 0)
        code = ERROR_HANDLE_EOF; // BREAD-2
    DWORD count = 1;
    expect(::DsBackupRead(session.hbc, buffer.data(), wanted, &count), code, "DsBackupRead");
    FUZZ_CHECK(count <= std::min<std::size_t>(wanted, left) && (count > 0) == (code == S_OK),
               "BREAD-1: some octets on success, else none");
    if (code != S_OK) return;
    session.position += count;
    auto& delivered = session.delivered[*session.open];
    delivered = std::max(delivered, session.position);
}

void Play::close_file() {
    BackupModel& session = backup();
    HRESULT code = S_OK;
    if (!session.alive)
        code = invalid;
    else if (!session.open)
        code = static_cast<HRESULT>(hrInvalidHandle); // BCLOSE-1
    expect(::DsBackupClose(session.hbc), code, "DsBackupClose");
    session.open.reset();
}

void Play::truncate() {
    const BackupModel& session = backup();
    bool all_delivered = true;
    for (std::size_t i = 0; i < Directory::listed; ++i)
        all_delivered = all_delivered && session.delivered[i] == directory().size(i);
    HRESULT code = S_OK;
    if (!session.alive)
        code = invalid;
    else if (!all_delivered)
        code = static_cast<HRESULT>(hrInvalidBackupSequence); // BTRUNC-1
    else if (record_ != Record::none && record_ != Record::started)
        code = static_cast<HRESULT>(hrRestoreInProgress); // BTRUNC-2
    expect(::DsBackupTruncateLogs(session.hbc), code, "DsBackupTruncateLogs");
    const bool has_older = fs::exists(directory().ntds() / "edb00002.log");
    FUZZ_CHECK(code != S_OK || !has_older, "BTRUNC-1: what no recovery needs is gone");
    for (std::size_t i = 0; i + 1 < Directory::listed; ++i)
        FUZZ_CHECK(fs::exists(directory().file(i)), "BTRUNC-1: what recovery needs stays");
}

void Play::end_backup() {
    BackupModel& session = backup();
    expect(::DsBackupEnd(session.hbc), session.alive ? S_OK : invalid, "DsBackupEnd");
    session.alive = false;
    session.open.reset();
}

template <class Form>
void Play::ask_online() {
    const auto [name, code] = server<Form>();
    BOOL online = 7;
    expect(Form::is_online(pointer(name), &online), code, "DsIsNTDSOnline");
    FUZZ_CHECK(online == (code == S_OK && engine_ ? TRUE : FALSE), "ONL-1");
}

template <class Form>
void Play::set_current_log() {
    const auto [name, code] = server<Form>();
    const auto choice = in_.u8();
    const DWORD number = choice == 0 ? DWORD{BACKUP_DISABLE_INCREMENTAL} : DWORD{choice};
    expect(Form::set_current_log(pointer(name), number), code, "DsSetCurrentBackupLog");
    if (code != S_OK) return;
    FUZZ_CHECK(fs::exists(directory().state() / "default" / "current-log") == (choice != 0),
               "CURLOG-1");
}

void Play::check_token() {
    auto token = token_argument(in_.u8());
    const HRESULT code = token.null ? invalid : token.code;
    expect(::DsRestoreCheckExpiryToken(token.null ? nullptr : token.octets.data(), token.size),
           code, "DsRestoreCheckExpiryToken");
}

// The directory starts, as ntdsbctl starts it, or stops.
void Play::start_or_stop() {
    if (engine_) {
        engine_.reset();
        return;
    }
    HRESULT code = S_OK;
    if (any_registered() || is_blocked())
        code = static_cast<HRESULT>(hrRestoreInProgress);
    else if (any_backup())
        code = static_cast<HRESULT>(hrBackupInProgress);
    auto started = service::start_directory(*instance_);
    expect(started ? S_OK : started.error().code, code, "the start gate");
    if (!started) return;
    engine_ = std::move(started).value().engine;
    if (record_ == Record::completed) record_ = Record::started;
}

// From outside, while no session holds on to what it found.
void Play::change_files() {
    const auto choice = in_.u8() % 3;
    if (any_registered() || any_backup()) {
        // Complete looks at the files as they are.
        if (choice == 0 && !any_backup()) {
            database_damaged_ = !database_damaged_;
            directory().damage_database(database_damaged_);
        }
        return;
    }
    if (choice == 0) {
        database_damaged_ = !database_damaged_;
        directory().damage_database(database_damaged_);
    } else if (choice == 1) {
        directory().damage_record();
        record_ = Record::unreadable;
    } else {
        directory().remove_record();
        record_ = Record::none;
    }
}

// COM-1: a restore's handle where a backup's is wanted, the other way round, and numbers that never
// were handles.
void Play::wrong_handle() {
    const auto choice = in_.u8() % 4;
    const HBC number = reinterpret_cast<HBC>(static_cast<std::uintptr_t>(in_.u32()));
    const bool is_ours = [&] {
        for (const auto& session : restores_)
            if (session.alive && session.hbc == number) return true;
        for (const auto& session : backups_)
            if (session.alive && session.hbc == number) return true;
        return false;
    }();
    if (is_ours) return;
    DWORD count = 1;
    switch (choice) {
    case 0:
        expect(::DsBackupEnd(restore().hbc), invalid, "DsBackupEnd of a restore");
        break;
    case 1:
        expect(::DsRestoreEnd(backup().hbc), invalid, "DsRestoreEnd of a backup");
        break;
    case 2:
        expect(::DsBackupRead(number, &count, 1, &count), invalid, "DsBackupRead of a number");
        break;
    default:
        expect(::DsRestoreRegisterComplete(number, S_OK), invalid, "Complete of a number");
        ::DsBackupFree(number); // COM-12: none of ours, left alone
        break;
    }
}

template <class Form>
void Play::set_identity() {
    const auto given = in_.u8();
    const auto text = Form::text("name");
    const auto if_given = [&](unsigned bit) { return (given & bit) != 0 ? text.c_str() : nullptr; };
    const bool names_user = (given & 1) != 0;
    const bool is_nothing = (given & 7) == 0;
    expect(Form::set_identity(if_given(1), if_given(2), if_given(4)),
           names_user || is_nothing ? S_OK : invalid, "DsSetAuthIdentity"); // AUTH-2
}

template <class Form>
void Play::one_call() {
    switch (in_.u8() % 20) {
    case 0:
        return prepare_restore<Form>();
    case 1:
    case 2:
        return register_restore<Form>();
    case 3:
        return complete();
    case 4:
        return end_restore();
    case 5:
        return ask_locations<Form>();
    case 6:
        return prepare_backup<Form>();
    case 7:
        return ask_list<Form>();
    case 8:
        return open_file<Form>();
    case 9:
    case 10:
        return read();
    case 11:
        return close_file();
    case 12:
        return truncate();
    case 13:
        return end_backup();
    case 14:
        return ask_online<Form>();
    case 15:
        return set_current_log<Form>();
    case 16:
        return check_token();
    case 17:
        return start_or_stop();
    case 18:
        return in_.flag() ? change_files() : set_identity<Form>();
    default:
        return wrong_handle();
    }
}

// What is on disk and who holds which lock, after every call.
void Play::compare() const {
    const auto status = service::interlock_status(*instance_);
    FUZZ_CHECK(bool(status), "the interlock can be asked");
    const auto& now = status.value();
    FUZZ_CHECK(now.restore_session_alive == any_registered(), "REC-4: who holds the restore lock");
    FUZZ_CHECK(now.backup.has_value() == any_backup(), "BPREP-3: who holds the backup lock");
    FUZZ_CHECK(now.engine_running == engine_.has_value(), "ONL-1: who holds the engine lock");
    FUZZ_CHECK(now.record_problem.empty() == (record_ != Record::unreadable), "REC-8");
    FUZZ_CHECK(now.record.has_value() == (record_ != Record::none && record_ != Record::unreadable),
               "REC-3: whether there is a record");
    if (now.record) {
        using service::RecordState;
        const auto state = now.record->state;
        FUZZ_CHECK((record_ == Record::registered) == (state == RecordState::registered), "REC-4");
        FUZZ_CHECK((record_ == Record::failed) == (state == RecordState::failed), "REC-6");
        FUZZ_CHECK((record_ == Record::completed) == (state == RecordState::completed), "REC-7");
        FUZZ_CHECK((record_ == Record::started) == (state == RecordState::started), "REC-3");
    }
    const bool may_start = !any_registered() && !is_blocked() && !any_backup() && !engine_;
    FUZZ_CHECK(!now.start_blocked == may_start, "REC-3..REC-9: whether the directory may start");
}

} // namespace

void api_calls(Input input) {
    Reader reader(input);
    Play(reader).run();
}

} // namespace ntdsb::fuzz
