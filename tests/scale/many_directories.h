// One ntdsbsrv that serves many made directories, each an instance of its own, and the client's
// configuration that reaches each through a server name. Public headers only.
#pragma once

#include "contract/made_directory.h"

#include <memory>

namespace ntdsb::scale {

using Bytes = contract::Bytes;

class ManyDirectories {
public:
    explicit ManyDirectories(int count);

    static std::string server(int number) { return "d" + std::to_string(number); }
    std::filesystem::path folder(int number) const { return root_ / server(number); }
    std::filesystem::path database(int number) const { return folder(number) / "ntds.dit"; }
    const std::string& address() const;
    // What the service holds now.
    double resident_mib() const;
    int open_files() const;

private:
    test::TempFolder root_;
    std::unique_ptr<test::ServerProcess> service_;
};

// A restore session on one of the directories; the code of the last call that failed, or S_OK.
// Copies nothing between threads: each works on a directory of its own.
class WholeRestore {
public:
    WholeRestore(const ManyDirectories& directories, int number)
        : directories_(directories), number_(number) {}
    ~WholeRestore();
    WholeRestore(const WholeRestore&) = delete;
    WholeRestore& operator=(const WholeRestore&) = delete;

    // A backup session that reads the whole database.
    HRESULT back_up();
    // Backs the directory up, ruins its database, and prepares a restore.
    HRESULT begin();
    // Locations, Register, the copy, Complete, End; false in `restored` where a byte differs.
    HRESULT finish(bool& restored);

private:
    const ManyDirectories& directories_;
    int number_;
    Bytes token_, content_;
    HBC handle_ = nullptr;
};

} // namespace ntdsb::scale
