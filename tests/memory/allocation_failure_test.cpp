// Out of memory at every allocation of every export: the code is ERROR_NOT_ENOUGH_MEMORY, nothing is
// handed out, leaked (ASan's leak check sees all of it) or half-registered (contract COM-10).
#include "failing_new.h"

#include "contract/made_directory.h"

#include <functional>

namespace memory {
namespace {

using namespace contract;

constexpr HRESULT out_of_memory = ERROR_NOT_ENOUGH_MEMORY;

Mode tried = Mode::once; // by the attempt that runs, or was the last

// Calls `attempt` again and again, with a later allocation failing each time, until none fails any
// more; where all later ones fail, too, every third is tried. A call may also succeed where memory
// was short for a log line alone. `undo` makes room for the next attempt and is given the code.
void fail_every_allocation(const std::function<HRESULT()>& attempt,
                           const std::function<void(HRESULT)>& undo) {
    for (const Mode mode : {Mode::once, Mode::from_then_on}) {
        tried = mode;
        long number = 1;
        for (bool failed = true; failed; number += mode == Mode::once ? 1 : 3) {
            ASSERT_LT(number, 20'000) << "it allocates without end";
            fail_allocation(number, mode);
            const HRESULT code = attempt();
            failed = stop_failing();
            if (!failed) {
                EXPECT_CODE(code, S_OK);
            } else if (code != S_OK) {
                EXPECT_CODE(code, out_of_memory) << "at allocation " << number;
            }
            undo(code);
            if (testing::Test::HasFailure()) {
                ADD_FAILURE() << "when allocation " << number << " failed"
                              << (mode == Mode::once ? "" : ", and all later ones");
                return;
            }
        }
        EXPECT_GT(number, 2) << "no allocation was tried";
    }
}

class OutOfMemory : public testing::Test {
protected:
    void SetUp() override {
        EXPECT_CODE(Restore({}).prepared(), S_OK); // what is made once per process is made
    }
    // A live backup is possible only where nothing is registered and nobody holds a lock.
    static void expect_nothing_registered() { EXPECT_CODE(Backup().prepared(), S_OK); }
    void expect_nothing_registered_or_left() const;

    const MadeDirectory directory{Shape::dirty_with_logs};
    Bytes token = directory.back_up();
};

TEST_F(OutOfMemory, InDsIsNTDSOnline) {
    const WideString server = wide("localhost");
    for (const bool wide_form : {false, true}) {
        BOOL online = TRUE;
        fail_every_allocation(
            [&] {
                online = TRUE;
                return wide_form ? ::DsIsNTDSOnlineW(server.c_str(), &online)
                                 : ::DsIsNTDSOnlineA("localhost", &online);
            },
            [&](HRESULT) { EXPECT_EQ(online, FALSE); });
    }
}

TEST_F(OutOfMemory, InDsRestorePrepare) {
    HBC hbc = nullptr;
    fail_every_allocation(
        [&] {
            return ::DsRestorePrepareA("localhost", 0, token.data(),
                                       static_cast<DWORD>(token.size()), &hbc);
        },
        [&](HRESULT code) {
            EXPECT_EQ(hbc != nullptr, code == S_OK);
            if (code == S_OK) {
                EXPECT_CODE(::DsRestoreEnd(hbc), S_OK);
            }
        });
}

TEST_F(OutOfMemory, InDsRestoreCheckExpiryToken) {
    fail_every_allocation(
        [&] { return ::DsRestoreCheckExpiryToken(token.data(), static_cast<DWORD>(token.size())); },
        [](HRESULT) {});
}

TEST_F(OutOfMemory, InDsRestoreGetDatabaseLocations) {
    const Restore restore(token);
    char* list = nullptr;
    DWORD size = 0;
    fail_every_allocation(
        [&] { return ::DsRestoreGetDatabaseLocationsA(restore.handle(), &list, &size); },
        [&](HRESULT code) {
            EXPECT_EQ(list != nullptr, code == S_OK);
            EXPECT_EQ(size != 0, code == S_OK);
            ::DsBackupFree(list);
        });
}

// Where memory stays short, a record that was written cannot be taken back either. It is then like
// one whose session has ended: it blocks, and the next restore takes it over (REC-5).
void OutOfMemory::expect_nothing_registered_or_left() const {
    if (tried == Mode::once || Backup().prepared() == S_OK) return expect_nothing_registered();
    const Restore next(token);
    EXPECT_CODE(next.register_whole(directory), S_OK);
    EXPECT_CODE(next.complete(), S_OK);
}

TEST_F(OutOfMemory, InDsRestoreRegister) {
    const Restore restore(token);
    const std::string logs = directory.log_path(), backup = directory.backup_path();
    std::string database = directory.database();
    EDB_RSTMAPA map{database.data(), database.data()};
    fail_every_allocation(
        [&] {
            return ::DsRestoreRegisterA(restore.handle(), logs.c_str(), logs.c_str(), &map, 1,
                                        backup.c_str(), directory.gen_low(), directory.gen_high());
        },
        [&](HRESULT code) {
            if (code == S_OK) {
                EXPECT_CODE(restore.complete(), S_OK); // nothing was changed
            } else {
                expect_nothing_registered_or_left();
            }
        });
}

TEST_F(OutOfMemory, InDsRestoreRegisterComplete) {
    const Restore restore(token);
    EXPECT_CODE(restore.register_whole(directory), S_OK);
    fail_every_allocation([&] { return restore.complete(); },
                          [&](HRESULT code) {
                              if (code == S_OK)
                                  EXPECT_CODE(restore.register_whole(directory), S_OK);
                              else
                                  EXPECT_CODE(Backup().prepared(), hrRestoreInProgress)
                                      << "nothing is unblocked";
                          });
}

TEST_F(OutOfMemory, InDsRestoreEnd) {
    HBC hbc = nullptr;
    const auto prepare = [&] {
        EXPECT_CODE(::DsRestorePrepareA("localhost", 0, token.data(),
                                        static_cast<DWORD>(token.size()), &hbc),
                    S_OK);
    };
    prepare();
    fail_every_allocation([&] { return ::DsRestoreEnd(hbc); },
                          [&](HRESULT) {
                              EXPECT_CODE(::DsRestoreEnd(hbc), ERROR_INVALID_PARAMETER)
                                  << "END-1: it is freed always";
                              prepare();
                          });
    EXPECT_CODE(::DsRestoreEnd(hbc), S_OK);
}

TEST_F(OutOfMemory, InDsBackupPrepareAndEnd) {
    PVOID made = nullptr;
    DWORD size = 0;
    HBC hbc = nullptr;
    fail_every_allocation(
        [&] { return ::DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, &made, &size, &hbc); },
        [&](HRESULT code) {
            EXPECT_EQ(hbc != nullptr, code == S_OK);
            EXPECT_EQ(made != nullptr, code == S_OK);
            ::DsBackupFree(made);
            if (code == S_OK)
                EXPECT_CODE(::DsBackupEnd(hbc), S_OK);
            else
                expect_nothing_registered();
        });
}

TEST_F(OutOfMemory, InTheListsOfABackup) {
    const Backup backup;
    char* list = nullptr;
    DWORD size = 0;
    for (auto* const function : {&::DsBackupGetDatabaseNamesA, &::DsBackupGetBackupLogsA})
        fail_every_allocation([&] { return function(backup.handle(), &list, &size); },
                              [&](HRESULT code) {
                                  EXPECT_EQ(list != nullptr, code == S_OK);
                                  ::DsBackupFree(list);
                              });
}

TEST_F(OutOfMemory, InTheReadingOfAFile) {
    const Backup backup;
    const std::string name = directory.database();
    LARGE_INTEGER size{};
    fail_every_allocation(
        [&] { return ::DsBackupOpenFileA(backup.handle(), name.c_str(), 65536, &size); },
        [&](HRESULT code) {
            if (code == S_OK) {
                EXPECT_CODE(::DsBackupClose(backup.handle()), S_OK);
            }
        });
    EXPECT_CODE(::DsBackupOpenFileA(backup.handle(), name.c_str(), 65536, &size), S_OK);
    Bytes buffer(4096);
    DWORD read = 0;
    fail_every_allocation(
        [&] { return ::DsBackupRead(backup.handle(), buffer.data(), 4096, &read); },
        [&](HRESULT code) {
            if (code != S_OK) {
                EXPECT_EQ(read, 0u);
            }
        });
}

TEST_F(OutOfMemory, InDsSetCurrentBackupLog) {
    fail_every_allocation([] { return ::DsSetCurrentBackupLogA("localhost", 7); }, [](HRESULT) {});
}

TEST_F(OutOfMemory, InDsSetAuthIdentity) {
    fail_every_allocation([] { return ::DsSetAuthIdentityA("user", "EXAMPLE", "secret"); },
                          [](HRESULT) {});
    EXPECT_CODE(::DsSetAuthIdentityA(nullptr, nullptr, nullptr), S_OK);
}

TEST_F(OutOfMemory, HasACodeOfItsOwn_COM10) {
    BOOL online = TRUE;
    fail_allocation(1, Mode::from_then_on);
    const HRESULT code = ::DsIsNTDSOnlineA("localhost", &online);
    EXPECT_TRUE(stop_failing());
    EXPECT_CODE(code, out_of_memory);
}

} // namespace
} // namespace memory
