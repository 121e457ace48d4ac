// The database of the configured directory, read through the API from its beginning to its end,
// over and over: what DsBackupRead is measured with, embedded and over rpc.
#pragma once

#include "contract/made_directory.h"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace ntdsb::bench {

inline constexpr std::size_t mib = 1 << 20;

inline void must(HRESULT code, const char* what) {
    if (code != S_OK) throw std::runtime_error(std::string(what) + ": " + contract::hex_code(code));
}

class BackupStream {
public:
    // The database's size is a multiple of `slice`, which is one of every buffer's.
    explicit BackupStream(std::size_t slice) : slice_(slice) {
        must(session_.prepared(), "DsBackupPrepare");
        file_ = session_.names().at(0).path;
        open();
    }
    void read_slice(std::vector<std::byte>& buffer) {
        if (left_ == 0) {
            must(DsBackupClose(session_.handle()), "DsBackupClose");
            open();
        }
        DWORD got = 0;
        for (std::size_t left = slice_; left > 0; left -= got)
            must(DsBackupRead(session_.handle(), buffer.data(), static_cast<DWORD>(buffer.size()),
                              &got),
                 "DsBackupRead");
        left_ -= slice_;
    }

private:
    void open() {
        LARGE_INTEGER size;
        must(DsBackupOpenFileA(session_.handle(), file_.c_str(), 0, &size), "DsBackupOpenFile");
        left_ = static_cast<std::size_t>(size.QuadPart);
    }
    contract::Backup session_;
    std::string file_;
    std::size_t slice_, left_ = 0;
};

} // namespace ntdsb::bench
