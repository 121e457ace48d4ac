// The DLL's public functions as the commands use them: with sessions that end themselves, lists
// taken apart, and failures as sentences. Knows ntdsbcli.h alone; what a server name or a
// configuration leads to is the DLL's own affair.
#pragma once

#include "ntdsbcli.h"
#include "tools/output.h"

#include <atomic>

namespace ntdsb::tools {

// Makes the DLL read the configuration that --config names, and returns the server name to call it
// with: --server, else this computer; with --instance the one of [transport.servers] that leads to
// that instance. An error says what to do where either cannot be had.
Result<std::u16string> reach_server(const Options& options);

// For commands that handle the directory's files themselves: an error where --server leads to a
// service on another computer, whose paths would be taken for this one's.
Result<void> check_files_are_here(const Options& options);

// "DsRestoreRegister: <what the code means>". The library tells reasons to its log alone; of hrError,
// which means little without one, configuration and state folder are asked again here.
Error api_error(const Options& options, std::string_view call, HRESULT code);

struct ListedFile {
    char16_t kind = 0; // BFT_NTDS_DATABASE, BFT_LOG, BFT_LOG_DIR, BFT_CHECKPOINT_DIR
    std::u16string path;
};

struct Locations {
    std::u16string database;
    std::u16string log_path;
    std::u16string checkpoint_path;
};

// A handle of the DLL. `end` may be called by another thread than the one that works with it, which
// cancels a running verification (COM-11); it is ended once.
class ApiSession {
public:
    ApiSession(const ApiSession&) = delete;
    ApiSession& operator=(const ApiSession&) = delete;
    void end() noexcept;
    HBC handle() const noexcept { return handle_; }
    Result<Locations> locations() const; // LOC-1: of either kind

protected:
    using End = HRESULT (*)(HBC hbc);
    ApiSession(const Options& options, End end_function) : options_(options), end_(end_function) {}
    ~ApiSession() { end(); }
    Result<void> check(std::string_view call, HRESULT code) const;
    const Options& options_;
    HBC handle_ = nullptr;

private:
    End end_;
    std::atomic<bool> ended_ = false;
};

class ApiBackup : public ApiSession {
public:
    explicit ApiBackup(const Options& options);
    Result<std::vector<std::byte>> prepare(const std::u16string& server); // the expiry token
    Result<std::vector<ListedFile>> files() const;                        // databases, then logs
    Result<std::uint64_t> open(const ListedFile& file) const;
    // 0 at the end.
    Result<std::size_t> read(std::span<std::byte> into) const;
    Result<void> close() const;
    Result<void> truncate_logs() const;
};

struct Registration {
    Locations locations;
    std::u16string source; // where the database was at backup
    std::u16string backup_log_path;
    std::uint32_t gen_low = 0;
    std::uint32_t gen_high = 0;
};

class ApiRestore : public ApiSession {
public:
    explicit ApiRestore(const Options& options);
    // Without a token: good for locations only.
    Result<void> prepare(const std::u16string& server, std::span<const std::byte> token);
    Result<void> register_restore(const Registration& registration) const;
    Result<void> complete(HRESULT state) const;
};

Result<bool> is_online(const Options& options, const std::u16string& server);

} // namespace ntdsb::tools
