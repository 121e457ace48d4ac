#include "made_directory.h"

#include "support/ese_builder.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace contract {

namespace test = ntdsb::test;
namespace fs = std::filesystem;

namespace {

// Another database and log stream for every directory made, so that one's token never fits
// another's files.
std::uint32_t next_seed() {
    static std::uint32_t seed = 100;
    return seed += 10;
}

void make_files(const fs::path& ntds, Shape shape) {
    const std::uint32_t seed = next_seed();
    test::EseDatabase database;
    database.pages(16).signature(test::make_signature(seed)).content(seed);
    if (shape == Shape::dirty_with_logs) {
        const test::Signature logs = test::make_signature(seed + 1);
        database.dirty().log_signature(logs).required(3, 5);
        test::LogChain{logs}.from(2).to(5).current().write(ntds);
        test::EseCheckpoint{logs}.generation(3).write(ntds / "edb.chk");
    }
    database.write(ntds / "ntds.dit");
}

} // namespace

void set_environment(const char* name, const std::string& value) {
#ifdef _WIN32
    SetEnvironmentVariableA(name, value.c_str());
#else
    setenv(name, value.c_str(), 1);
#endif
}

Bytes read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    const auto* bytes = reinterpret_cast<const std::byte*>(content.data());
    return Bytes(bytes, bytes + content.size());
}

void write_file(const fs::path& path, const Bytes& content) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(content.data()),
              static_cast<std::streamsize>(content.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

const char* named_caller() { return std::getenv("NTDSB_TEST_CALLER"); }

namespace {
void write_text(const fs::path& path, const std::string& text) {
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    write_file(path, Bytes(bytes, bytes + text.size()));
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}
} // namespace

MadeDirectory::MadeDirectory(Shape shape, const std::string& settings, fs::path below)
    : shape_(shape), below_(std::move(below)) {
    fs::create_directories(ntds());
    fs::create_directory(backup());
    make_files(ntds(), shape);
    configure(settings);
}

void MadeDirectory::configure(const std::string& settings, const std::string& more) const {
    std::string text =
        "[directory]\ndatabase = '" + database() + "'\nstate_path = '" + state().string() + "'\n";
    // The registry is one for all directories of a machine, so only the mirror's own tests have it
    // on (MIR-1, MIR-4).
    if (settings.find("registry_mirror") == std::string::npos) text += "registry_mirror = false\n";
    text += settings + "\n" + more;
    if (const char* const service = std::getenv("NTDSB_TEST_SERVER")) {
        const fs::path file = root() / "ntdsbsrv.toml";
        const char* const caller = named_caller();
        const std::string callers = caller == nullptr
                                        ? std::string("allow_anonymous = true\n")
                                        : "allow_backup = ['" + std::string(caller) +
                                              "']\nallow_restore = ['" + caller + "']\n";
        write_text(file, text + "\n[service]\nlisten = ['127.0.0.1:0']\n" + callers +
                             "restore_roots = ['" + root().string() + "']\n");
        service_.reset(); // the old one first: it holds sessions
        service_ = std::make_unique<test::ServerProcess>(service, file);
        // A configuration that is wrong for the service is as wrong for its clients.
        const std::string address =
            service_->address().empty() ? "127.0.0.1:1" : service_->address();
        text += "\n[transport]\ndefault = 'rpc'\n[service]\nlisten = ['" + address + "']\n";
        // AUTH-7: this also says that the service asks for no authentication. Without, the client
        // negotiates, with privacy.
        if (caller == nullptr) text += "allow_anonymous = true\n";
    }
    write_text(config_file(), text);
    set_environment("NTDSBCLI_CONFIG", config_file().string());
}

Bytes MadeDirectory::back_up() const {
    const Backup session;
    if (session.prepared() != S_OK)
        throw std::runtime_error("DsBackupPrepare: " + hex_code(session.prepared()));
    auto files = session.names();
    const auto logs = session.logs();
    files.insert(files.end(), logs.begin(), logs.end());
    for (const ListEntry& file : files)
        write_file(backup() / fs::path(file.path).filename(), session.read_whole(file));
    write_file(backup() / "token.bin", session.token());
    return session.token();
}

void MadeDirectory::copy_back() const {
    fs::remove_all(ntds());
    fs::create_directory(ntds());
    fs::copy_file(backup() / "ntds.dit", database_file());
}

Restore::Restore(const Bytes& token, const char* server) {
    Bytes copy = token;
    prepared_ = DsRestorePrepareA(server, 0, copy.empty() ? nullptr : copy.data(),
                                  static_cast<DWORD>(copy.size()), &handle_);
}

Restore::~Restore() {
    if (handle_ != nullptr) DsRestoreEnd(handle_);
}

HRESULT Restore::register_whole(const MadeDirectory& directory) const {
    std::string database = directory.database();
    EDB_RSTMAPA map{database.data(), database.data()};
    return DsRestoreRegisterA(handle_, directory.log_path().c_str(), directory.log_path().c_str(),
                              &map, 1, directory.backup_path().c_str(), directory.gen_low(),
                              directory.gen_high());
}

HRESULT Restore::end() { return DsRestoreEnd(std::exchange(handle_, nullptr)); }

Backup::Backup() {
    PVOID token = nullptr;
    DWORD size = 0;
    prepared_ = ::DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, &token, &size, &handle_);
    if (token != nullptr)
        token_.assign(static_cast<std::byte*>(token), static_cast<std::byte*>(token) + size);
    DsBackupFree(token);
}

Backup::~Backup() {
    if (handle_ != nullptr) DsBackupEnd(handle_);
}

namespace {

std::vector<ListEntry> ask_list(HRESULT (*function)(HBC, char**, DWORD*), HBC hbc) {
    char* list = nullptr;
    DWORD size = 0;
    const HRESULT code = function(hbc, &list, &size);
    if (code != S_OK) throw std::runtime_error("list: " + hex_code(code));
    auto entries = split_list<AnsiForm>(list, size);
    DsBackupFree(list);
    return entries;
}

} // namespace

std::vector<ListEntry> Backup::names() const { return ask_list(AnsiForm::database_names, handle_); }
std::vector<ListEntry> Backup::logs() const { return ask_list(AnsiForm::backup_logs, handle_); }

Bytes Backup::read_whole(const ListEntry& entry, DWORD bytes) const {
    LARGE_INTEGER size;
    HRESULT code = ::DsBackupOpenFileA(handle_, entry.path.c_str(), bytes, &size);
    if (code != S_OK)
        throw std::runtime_error("DsBackupOpenFile " + entry.path + ": " + hex_code(code));
    Bytes content, buffer(bytes);
    DWORD read = 0;
    while ((code = ::DsBackupRead(handle_, buffer.data(), bytes, &read)) == S_OK)
        content.insert(content.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(read));
    EXPECT_CODE(code, ERROR_HANDLE_EOF);
    EXPECT_CODE(DsBackupClose(handle_), S_OK);
    EXPECT_EQ(content.size(), static_cast<std::size_t>(size.QuadPart));
    return content;
}

HRESULT Backup::end() { return DsBackupEnd(std::exchange(handle_, nullptr)); }

} // namespace contract
