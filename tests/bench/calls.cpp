// What each export costs a caller beside an indirect call of an empty exported function: with an
// argument that it refuses, and where a call can be repeated at will, with success.
//
//     calls EMPTY_LIBRARY
#include "backup_stream.h"
#include "measure.h"

#include "clients/functions.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace ntdsb::bench {
namespace {

using Empty = int (*)();

Empty load_empty(const char* path) {
#ifdef _WIN32
    const HMODULE library = LoadLibraryA(path);
    void (*const found)() =
        library ? reinterpret_cast<void (*)()>(GetProcAddress(library, "trivial")) : nullptr;
#else
    void* const library = dlopen(path, RTLD_NOW);
    void* const found = library ? dlsym(library, "trivial") : nullptr;
#endif
    if (found == nullptr) throw std::runtime_error(std::string("cannot load ") + path);
    return reinterpret_cast<Empty>(found);
}

// Pointers that the compiler does not see through: so calls a tool that loads the DLL.
Functions linked() {
    Functions functions{};
    CLIENT_FUNCTIONS(USE_LINKED)
    return functions;
}
Functions exports = linked();

class Calls {
public:
    explicit Calls(const char* empty_library) : empty_(load_empty(empty_library)) {}

    // `call` gives whether the outcome was the one meant.
    template <class Call>
    void measure(const char* path, const char* name, Call call) const {
        if (!call()) throw std::runtime_error(std::string(name) + " has another outcome");
        report({std::string("Call that ") + path, name, "an empty function", "ns"},
               by_turns(repeated(call), repeated([&] { static_cast<void>(empty_()); }),
                        budget() / 20));
    }

private:
    volatile Empty empty_;
};

const contract::WideString wide_domain = contract::wide("domain");

#define REFUSED(name, ...) \
    calls.measure("is refused", #name, [] { return exports.name(__VA_ARGS__) != S_OK; })
#define SUCCESS(name, ...) \
    calls.measure("succeeds", #name, [&] { return exports.name(__VA_ARGS__) == S_OK; })
#define SUCCESS_WITH_LIST(name, handle, type)                    \
    calls.measure("succeeds", #name, [&] {                       \
        type list = nullptr;                                     \
        DWORD size = 0;                                          \
        const HRESULT code = exports.name(handle, &list, &size); \
        exports.DsBackupFree(list);                              \
        return code == S_OK;                                     \
    })

void measure_refusals(const Calls& calls) {
    REFUSED(DsBackupClose, nullptr);
    REFUSED(DsBackupEnd, nullptr);
    REFUSED(DsBackupGetBackupLogsA, nullptr, nullptr, nullptr);
    REFUSED(DsBackupGetBackupLogsW, nullptr, nullptr, nullptr);
    REFUSED(DsBackupGetDatabaseNamesA, nullptr, nullptr, nullptr);
    REFUSED(DsBackupGetDatabaseNamesW, nullptr, nullptr, nullptr);
    REFUSED(DsBackupOpenFileA, nullptr, nullptr, 0, nullptr);
    REFUSED(DsBackupOpenFileW, nullptr, nullptr, 0, nullptr);
    REFUSED(DsBackupPrepareA, nullptr, 0, 0, nullptr, nullptr, nullptr);
    REFUSED(DsBackupPrepareW, nullptr, 0, 0, nullptr, nullptr, nullptr);
    REFUSED(DsBackupRead, nullptr, nullptr, 0, nullptr);
    REFUSED(DsBackupTruncateLogs, nullptr);
    REFUSED(DsIsNTDSOnlineA, nullptr, nullptr);
    REFUSED(DsIsNTDSOnlineW, nullptr, nullptr);
    REFUSED(DsRestoreCheckExpiryToken, nullptr, 0);
    REFUSED(DsRestoreEnd, nullptr);
    REFUSED(DsRestoreGetDatabaseLocationsA, nullptr, nullptr, nullptr);
    REFUSED(DsRestoreGetDatabaseLocationsW, nullptr, nullptr, nullptr);
    REFUSED(DsRestorePrepareA, nullptr, 0, nullptr, 0, nullptr);
    REFUSED(DsRestorePrepareW, nullptr, 0, nullptr, 0, nullptr);
    REFUSED(DsRestoreRegisterA, nullptr, nullptr, nullptr, nullptr, 0, nullptr, 0, 0);
    REFUSED(DsRestoreRegisterComplete, nullptr, 0);
    REFUSED(DsRestoreRegisterW, nullptr, nullptr, nullptr, nullptr, 0, nullptr, 0, 0);
    REFUSED(DsSetAuthIdentityA, nullptr, "domain", nullptr);
    REFUSED(DsSetAuthIdentityW, nullptr, wide_domain.c_str(), nullptr);
    REFUSED(DsSetCurrentBackupLogA, nullptr, 0);
    REFUSED(DsSetCurrentBackupLogW, nullptr, 0);
    // It has nothing to refuse with.
    calls.measure("is refused", "DsBackupFree", [] {
        exports.DsBackupFree(nullptr);
        return true;
    });
}

void measure_sessions(const Calls& calls, const contract::MadeDirectory& directory) {
    const auto prepare_restore = [&](auto prepare, const auto* server) {
        HBC handle = nullptr;
        return prepare(server, 0, nullptr, 0, &handle) == S_OK &&
               exports.DsRestoreEnd(handle) == S_OK;
    };
    const auto prepare_backup = [&](auto prepare, const auto* server) {
        PVOID token = nullptr;
        DWORD size = 0;
        HBC handle = nullptr;
        const HRESULT code = prepare(server, 0, BACKUP_TYPE_FULL, &token, &size, &handle);
        exports.DsBackupFree(token);
        return code == S_OK && exports.DsBackupEnd(handle) == S_OK;
    };
    const contract::WideString server = contract::wide("localhost");
    calls.measure("succeeds", "DsRestorePrepareA + DsRestoreEnd",
                  [&] { return prepare_restore(exports.DsRestorePrepareA, "localhost"); });
    calls.measure("succeeds", "DsRestorePrepareW + DsRestoreEnd",
                  [&] { return prepare_restore(exports.DsRestorePrepareW, server.c_str()); });
    calls.measure("succeeds", "DsBackupPrepareA + DsBackupEnd",
                  [&] { return prepare_backup(exports.DsBackupPrepareA, "localhost"); });
    calls.measure("succeeds", "DsBackupPrepareW + DsBackupEnd",
                  [&] { return prepare_backup(exports.DsBackupPrepareW, server.c_str()); });
    SUCCESS(DsSetCurrentBackupLogA, "localhost", directory.gen_high());
    SUCCESS(DsSetCurrentBackupLogW, server.c_str(), directory.gen_high());
}

// The files of the directory stand as the backup had them: Complete verifies a few of some KiB.
template <class Form>
void measure_restore(const Calls& calls, const contract::MadeDirectory& directory,
                     const contract::Bytes& token) {
    const contract::Restore restore(token);
    const auto logs = Form::text(directory.log_path()),
               backup = Form::text(directory.backup_path());
    auto database = Form::text(directory.database());
    typename Form::Map map;
    Form::set(map, database, database);
    const auto name = std::string("DsRestoreRegister") + Form::name + " + Complete";
    calls.measure("succeeds", name.c_str(), [&] {
        return Form::restore_register(restore.handle(), logs.c_str(), logs.c_str(), &map, 1,
                                      backup.c_str(), directory.gen_low(),
                                      directory.gen_high()) == S_OK &&
               restore.complete() == S_OK;
    });
}

// A list is freed again.
void measure_lists(const Calls& calls) {
    const contract::Restore restore({});
    SUCCESS_WITH_LIST(DsRestoreGetDatabaseLocationsA, restore.handle(), LPSTR);
    SUCCESS_WITH_LIST(DsRestoreGetDatabaseLocationsW, restore.handle(), LPWSTR);
    const contract::Backup backup;
    SUCCESS_WITH_LIST(DsBackupGetDatabaseNamesA, backup.handle(), LPSTR);
    SUCCESS_WITH_LIST(DsBackupGetDatabaseNamesW, backup.handle(), LPWSTR);
    SUCCESS_WITH_LIST(DsBackupGetBackupLogsA, backup.handle(), LPSTR);
    SUCCESS_WITH_LIST(DsBackupGetBackupLogsW, backup.handle(), LPWSTR);
}

void measure_backup(const Calls& calls, const contract::MadeDirectory& directory) {
    const contract::Backup backup;
    const std::string file = directory.database();
    const contract::WideString wide_file = contract::wide(file);
    LARGE_INTEGER size;
    calls.measure("succeeds", "DsBackupOpenFileA + DsBackupClose", [&] {
        return exports.DsBackupOpenFileA(backup.handle(), file.c_str(), 0, &size) == S_OK &&
               exports.DsBackupClose(backup.handle()) == S_OK;
    });
    calls.measure("succeeds", "DsBackupOpenFileW + DsBackupClose", [&] {
        return exports.DsBackupOpenFileW(backup.handle(), wide_file.c_str(), 0, &size) == S_OK &&
               exports.DsBackupClose(backup.handle()) == S_OK;
    });
    for (const auto& files : {backup.names(), backup.logs()})
        for (const contract::ListEntry& entry : files) backup.read_whole(entry);
    // Of the first call; those after it find nothing left to delete.
    SUCCESS(DsBackupTruncateLogs, backup.handle());
}

void measure_successes(const Calls& calls, const contract::MadeDirectory& directory) {
    const contract::WideString server = contract::wide("localhost");
    BOOL online = FALSE;
    SUCCESS(DsIsNTDSOnlineA, "localhost", &online);
    SUCCESS(DsIsNTDSOnlineW, server.c_str(), &online);
    SUCCESS(DsSetAuthIdentityA, nullptr, nullptr, nullptr);
    SUCCESS(DsSetAuthIdentityW, nullptr, nullptr, nullptr);
    contract::Bytes token = directory.back_up();
    SUCCESS(DsRestoreCheckExpiryToken, token.data(), static_cast<DWORD>(token.size()));
    measure_lists(calls);
    measure_sessions(calls, directory);
    measure_backup(calls, directory); // a restored directory keeps its logs (BTRUNC-2)
    measure_restore<contract::AnsiForm>(calls, directory, token);
    measure_restore<contract::WideForm>(calls, directory, token);
}

} // namespace
} // namespace ntdsb::bench

int main(int argc, char** argv) {
    using namespace ntdsb::bench;
    if (argc != 2) {
        std::fprintf(stderr, "usage: calls EMPTY_LIBRARY\n");
        return 2;
    }
    const contract::MadeDirectory directory(contract::Shape::dirty_with_logs);
    const Calls calls(argv[1]);
    measure_refusals(calls);
    measure_successes(calls, directory);
    return 0;
}
