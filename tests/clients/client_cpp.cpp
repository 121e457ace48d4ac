// A C++98 program: the headers' linkage and types as such a compiler sees them.
#include <ntdsbcli.h>

#include "tally.h"

namespace {

// Ends with the C++ object that holds it, as C++ clients do.
class TokenMemory {
public:
    TokenMemory() : token_(NULL), size_(0) {}
    ~TokenMemory() { DsBackupFree(token_); }
    HRESULT prepare(const char* server, HBC* hbc) {
        return DsBackupPrepareA(server, 0, BACKUP_TYPE_FULL, &token_, &size_, hbc);
    }
    bool empty() const { return token_ == NULL && size_ == 0; }

private:
    TokenMemory(const TokenMemory&);
    TokenMemory& operator=(const TokenMemory&);

    void* token_;
    DWORD size_;
};

} // namespace

int main() {
    TokenMemory token;
    HBC hbc = &token;
    report("DsBackupPrepareA.RefusesServerNull_COM4",
           token.prepare(NULL, &hbc) == ERROR_INVALID_PARAMETER);
    report("DsBackupPrepareA.DefinesItsResults_ABI10", token.empty() && hbc == NULL);
    report("DsBackupPrepareA.RefusesTokenNull_COM2",
           DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, NULL, NULL, &hbc) == hrInvalidParam);

    BOOL online = TRUE;
    report("DsIsNTDSOnlineW.RefusesServerNull_COM4",
           DsIsNTDSOnlineW(NULL, &online) == ERROR_INVALID_PARAMETER && online == FALSE);
    EDB_RSTMAPW map[1] = {};
    report("DsRestoreRegisterW.RefusesHandle_COM1",
           DsRestoreRegisterW(hbc, NULL, NULL, map, 1, NULL, 0, 0) == ERROR_INVALID_PARAMETER);
    report("DsRestoreEnd.RefusesHandle_COM1", DsRestoreEnd(hbc) == ERROR_INVALID_PARAMETER);
    return print_sum();
}
