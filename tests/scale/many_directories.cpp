// See many_directories.h.
#include "many_directories.h"

#include "support/ese_builder.h"

#include <fstream>
#include <utility>

namespace ntdsb::scale {

namespace fs = std::filesystem;

namespace {

void write_private(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

} // namespace

ManyDirectories::ManyDirectories(int count) {
    std::string served, reached;
    for (int number = 0; number < count; ++number) {
        fs::create_directory(folder(number));
        const auto seed = static_cast<std::uint32_t>(number + 1);
        test::EseDatabase{}
            .page_size(4096)
            .pages(4)
            .signature(test::make_signature(seed))
            .content(seed)
            .write(database(number));
        served += (number == 0 ? "[directory]" : "[instances." + server(number) + "]");
        served += "\ndatabase = '" + database(number).string() + "'\nstate_path = '" +
                  (root_ / ("state-" + server(number))).string() + "'\n";
    }
    const auto config = root_ / "ntdsbsrv.toml";
    write_private(config, served +
                              "[service]\nlisten = ['127.0.0.1:0']\nallow_anonymous = true\n"
                              "unread_timeout_s = 3600\n"
                              "restore_roots = ['" +
                              root_.path().string() + "']\n");
    service_ = std::make_unique<test::ServerProcess>(NTDSB_SERVER, config);
    for (int number = 0; number < count; ++number) {
        reached += "[transport.servers." + server(number) +
                   "]\ntransport = 'rpc'\nauthentication = 'none'\nconnect_timeout_s = 60\n"
                   "address = '" +
                   service_->address() + "'\ninstance = '" +
                   (number == 0 ? std::string() : server(number)) + "'\n";
    }
    write_private(root_ / "ntdsbcli.toml", reached);
    contract::set_environment("NTDSBCLI_CONFIG", (root_ / "ntdsbcli.toml").string());
}

const std::string& ManyDirectories::address() const { return service_->address(); }

double ManyDirectories::resident_mib() const {
    std::ifstream status("/proc/" + std::to_string(service_->id()) + "/status");
    std::string word;
    double kib = 0;
    while (status >> word)
        if (word == "VmRSS:") status >> kib;
    return kib / 1024;
}

int ManyDirectories::open_files() const {
    const fs::directory_iterator files("/proc/" + std::to_string(service_->id()) + "/fd");
    return static_cast<int>(std::distance(fs::begin(files), fs::end(files)));
}

WholeRestore::~WholeRestore() {
    if (handle_ != nullptr) DsRestoreEnd(handle_);
}

HRESULT WholeRestore::back_up() {
    PVOID token = nullptr;
    DWORD token_size = 0, got = 0;
    HBC backup = nullptr;
    LARGE_INTEGER size{};
    HRESULT code = DsBackupPrepareA(ManyDirectories::server(number_).c_str(), 0, BACKUP_TYPE_FULL,
                                    &token, &token_size, &backup);
    if (code != S_OK) return code;
    const auto* bytes = static_cast<const std::byte*>(token);
    token_.assign(bytes, bytes + token_size);
    DsBackupFree(token);
    code = DsBackupOpenFileA(backup, directories_.database(number_).c_str(), 0, &size);
    if (code == S_OK) {
        content_.resize(static_cast<std::size_t>(size.QuadPart));
        code = DsBackupRead(backup, content_.data(), static_cast<DWORD>(content_.size()), &got);
    }
    const HRESULT ended = DsBackupEnd(backup);
    return code != S_OK ? code : ended;
}

HRESULT WholeRestore::begin() {
    const HRESULT code = back_up();
    if (code != S_OK) return code;
    contract::write_file(directories_.database(number_), Bytes(100));
    return DsRestorePrepareA(ManyDirectories::server(number_).c_str(), 0, token_.data(),
                             static_cast<DWORD>(token_.size()), &handle_);
}

HRESULT WholeRestore::finish(bool& restored) {
    LPSTR list = nullptr;
    DWORD size = 0;
    HRESULT code = DsRestoreGetDatabaseLocationsA(handle_, &list, &size);
    if (code != S_OK) return code;
    std::string database = list + 1;
    DsBackupFree(list);
    const std::string folder = directories_.folder(number_).string();
    EDB_RSTMAPA map{database.data(), database.data()};
    code =
        DsRestoreRegisterA(handle_, folder.c_str(), folder.c_str(), &map, 1, folder.c_str(), 0, 0);
    if (code != S_OK) return code;
    contract::write_file(database, content_);
    code = DsRestoreRegisterComplete(handle_, S_OK);
    if (code != S_OK) return code;
    restored = contract::read_file(directories_.database(number_)) == content_;
    return DsRestoreEnd(std::exchange(handle_, nullptr));
}

} // namespace ntdsb::scale
