// A made directory in a folder of its own, configured for this process, with what contract tests do
// to it again and again: back it up, ruin it, restore it. Public headers only; the files come from
// the ESE builder.
#pragma once

#include "api_forms.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace contract {

using Bytes = std::vector<std::byte>;

enum class Shape {
    clean_without_logs, // clean shutdown, no log stream
    dirty_with_logs,    // dirty shutdown; needs generations 3..5; logs 2..4 and edb.log (5),
                        // checkpoint at 3
};

class MadeDirectory {
public:
    // Makes the files and a configuration, and points NTDSBCLI_CONFIG to it. `settings` is added to
    // [directory]. The database and its logs lie `below` this folder of root(), if one is named.
    explicit MadeDirectory(Shape shape = Shape::clean_without_logs,
                           const std::string& settings = {}, std::filesystem::path below = {});
    ~MadeDirectory() = default;
    MadeDirectory(const MadeDirectory&) = delete;
    MadeDirectory& operator=(const MadeDirectory&) = delete;

    // Replaces the configuration: [directory] with this directory's places, then `settings` (more
    // keys), then `more` (more tables). With NTDSB_TEST_SERVER, ntdsbsrv's path, calls go to a
    // service of the directory's own, in another process, which starts anew here, and which with
    // NTDSB_TEST_CALLER is for this caller alone.
    void configure(const std::string& settings, const std::string& more = {}) const;

    const std::filesystem::path& root() const { return folder_.path(); }
    std::filesystem::path ntds() const { return root() / below_ / "ntds"; }
    std::filesystem::path state() const { return root() / "state"; }
    std::filesystem::path backup() const { return root() / "backup"; }
    std::filesystem::path database_file() const { return ntds() / "ntds.dit"; }
    std::filesystem::path config_file() const { return root() / "ntdsbcli.toml"; }
    // Paths as the API takes them, in ASCII.
    std::string database() const { return database_file().string(); }
    std::string log_path() const { return ntds().string(); }
    std::string backup_path() const { return backup().string(); }
    ULONG gen_low() const { return shape_ == Shape::dirty_with_logs ? 3 : 0; }
    ULONG gen_high() const { return shape_ == Shape::dirty_with_logs ? 5 : 0; }

    // A backup through the API into backup(); returns the expiry token.
    Bytes back_up() const;
    // What a tool does between Register and Complete: everything in ntds() away, the database back
    // from backup().
    void copy_back() const;

private:
    ntdsb::test::TempFolder folder_;
    Shape shape_;
    std::filesystem::path below_;
    mutable std::unique_ptr<ntdsb::test::ServerProcess> service_;
};

// NTDSB_TEST_CALLER: "DOMAIN\\user" or "user@REALM", as which this process authenticates to the
// service; null: as nobody.
const char* named_caller();
void set_environment(const char* name, const std::string& value);
Bytes read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const Bytes& content);

// A restore session on a made directory; ends its handle when it goes.
class Restore {
public:
    // Prepared with `token`; an empty one gives a restricted handle.
    explicit Restore(const Bytes& token, const char* server = "localhost");
    ~Restore();
    Restore(const Restore&) = delete;
    Restore& operator=(const Restore&) = delete;

    HBC handle() const { return handle_; }
    HRESULT prepared() const { return prepared_; }
    // Registers the directory's whole restore: the configured places, the database onto itself, the
    // backup's generations.
    HRESULT register_whole(const MadeDirectory& directory) const;
    HRESULT complete(HRESULT state = S_OK) const {
        return DsRestoreRegisterComplete(handle_, state);
    }
    HRESULT end();

private:
    HBC handle_ = nullptr;
    HRESULT prepared_;
};

// A backup session; ends its handle when it goes.
class Backup {
public:
    Backup();
    ~Backup();
    Backup(const Backup&) = delete;
    Backup& operator=(const Backup&) = delete;

    HBC handle() const { return handle_; }
    HRESULT prepared() const { return prepared_; }
    const Bytes& token() const { return token_; }
    std::vector<ListEntry> names() const;
    std::vector<ListEntry> logs() const;
    // Reads a listed file whole; `bytes` per call.
    Bytes read_whole(const ListEntry& entry, DWORD bytes = 65536) const;
    HRESULT end();
    // The handle was ended by the test itself.
    void forget() { handle_ = nullptr; }

private:
    HBC handle_ = nullptr;
    HRESULT prepared_;
    Bytes token_;
};

} // namespace contract
