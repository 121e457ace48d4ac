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

template <class Form>
class OutOfMemoryInForm : public OutOfMemory {
protected:
    const typename Form::String localhost = Form::text("localhost");
};
TYPED_TEST_SUITE(OutOfMemoryInForm, BothForms, FormName);

TYPED_TEST(OutOfMemoryInForm, InDsIsNTDSOnline) {
    BOOL online = TRUE;
    fail_every_allocation(
        [&] {
            online = TRUE;
            return TypeParam::is_online(this->localhost.c_str(), &online);
        },
        [&](HRESULT) { EXPECT_EQ(online, FALSE); });
}

TYPED_TEST(OutOfMemoryInForm, InDsRestorePrepare) {
    HBC hbc = nullptr;
    fail_every_allocation(
        [&] {
            return TypeParam::restore_prepare(this->localhost.c_str(), 0, this->token.data(),
                                              static_cast<DWORD>(this->token.size()), &hbc);
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

TYPED_TEST(OutOfMemoryInForm, InDsRestoreGetDatabaseLocations) {
    const Restore restore(this->token);
    const Backup backup; // LOC-1
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    for (const HBC hbc : {restore.handle(), backup.handle()})
        fail_every_allocation([&] { return TypeParam::locations(hbc, &list, &size); },
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

TYPED_TEST(OutOfMemoryInForm, InDsRestoreRegister) {
    const MadeDirectory& made = this->directory;
    const Restore restore(this->token);
    const auto logs = TypeParam::text(made.log_path());
    const auto backup = TypeParam::text(made.backup_path());
    auto database = TypeParam::text(made.database());
    typename TypeParam::Map map;
    TypeParam::set(map, database, database);
    fail_every_allocation(
        [&] {
            return TypeParam::restore_register(restore.handle(), logs.c_str(), logs.c_str(), &map,
                                               1, backup.c_str(), made.gen_low(), made.gen_high());
        },
        [&](HRESULT code) {
            if (code == S_OK) {
                EXPECT_CODE(restore.complete(), S_OK); // nothing was changed
            } else {
                this->expect_nothing_registered_or_left();
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

TYPED_TEST(OutOfMemoryInForm, InDsBackupPrepare) {
    PVOID made = nullptr;
    DWORD size = 0;
    HBC hbc = nullptr;
    fail_every_allocation(
        [&] {
            return TypeParam::backup_prepare(this->localhost.c_str(), 0, BACKUP_TYPE_FULL, &made,
                                             &size, &hbc);
        },
        [&](HRESULT code) {
            EXPECT_EQ(hbc != nullptr, code == S_OK);
            EXPECT_EQ(made != nullptr, code == S_OK);
            EXPECT_EQ(size != 0, code == S_OK);
            ::DsBackupFree(made);
            if (code == S_OK)
                EXPECT_CODE(::DsBackupEnd(hbc), S_OK);
            else
                this->expect_nothing_registered();
        });
}

TYPED_TEST(OutOfMemoryInForm, InTheListsOfABackup) {
    const Backup backup;
    typename TypeParam::Char* list = nullptr;
    DWORD size = 0;
    for (auto* const function : {&TypeParam::database_names, &TypeParam::backup_logs})
        fail_every_allocation([&] { return function(backup.handle(), &list, &size); },
                              [&](HRESULT code) {
                                  EXPECT_EQ(list != nullptr, code == S_OK);
                                  EXPECT_EQ(size != 0, code == S_OK);
                                  ::DsBackupFree(list);
                              });
}

TYPED_TEST(OutOfMemoryInForm, InDsBackupOpenFile) {
    const Backup backup;
    const auto name = TypeParam::text(this->directory.database());
    LARGE_INTEGER size{};
    fail_every_allocation(
        [&] { return TypeParam::open_file(backup.handle(), name.c_str(), 65536, &size); },
        [&](HRESULT code) {
            EXPECT_EQ(size.QuadPart != 0, code == S_OK);
            EXPECT_CODE(::DsBackupClose(backup.handle()), code == S_OK ? S_OK : hrInvalidHandle);
        });
}

TEST_F(OutOfMemory, InDsBackupRead) {
    const Backup backup;
    const std::string name = directory.database();
    LARGE_INTEGER size{};
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

TEST_F(OutOfMemory, InDsBackupClose) {
    const Backup backup;
    const std::string name = directory.database();
    const auto open = [&] {
        LARGE_INTEGER size{};
        return ::DsBackupOpenFileA(backup.handle(), name.c_str(), 65536, &size);
    };
    EXPECT_CODE(open(), S_OK);
    fail_every_allocation(
        [&] { return ::DsBackupClose(backup.handle()); },
        [&](HRESULT code) { EXPECT_CODE(open(), code == S_OK ? S_OK : hrAlreadyOpen); });
}

TEST_F(OutOfMemory, InDsBackupTruncateLogs) {
    const Backup backup;
    auto files = backup.names();
    const auto logs = backup.logs();
    files.insert(files.end(), logs.begin(), logs.end());
    for (const ListEntry& file : files) backup.read_whole(file);
    const auto unneeded = directory.ntds() / "edb00002.log";
    const Bytes content = read_file(unneeded);
    fail_every_allocation(
        [&] { return ::DsBackupTruncateLogs(backup.handle()); },
        [&](HRESULT code) {
            if (code != S_OK) {
                EXPECT_CODE(::DsBackupTruncateLogs(backup.handle()), S_OK) << "again";
            }
            EXPECT_FALSE(std::filesystem::exists(unneeded));
            write_file(unneeded, content);
            for (const char* name : {"ntds.dit", "edb00003.log", "edb00004.log", "edb.log"})
                EXPECT_TRUE(std::filesystem::exists(directory.ntds() / name)) << name;
        });
}

TEST_F(OutOfMemory, InDsBackupEnd) {
    HBC hbc = nullptr;
    const auto prepare = [&] {
        PVOID made = nullptr;
        DWORD size = 0;
        EXPECT_CODE(::DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, &made, &size, &hbc), S_OK);
        ::DsBackupFree(made);
        const std::string name = directory.database();
        LARGE_INTEGER bytes{};
        EXPECT_CODE(::DsBackupOpenFileA(hbc, name.c_str(), 65536, &bytes), S_OK);
    };
    prepare();
    fail_every_allocation([&] { return ::DsBackupEnd(hbc); },
                          [&](HRESULT) {
                              EXPECT_CODE(::DsBackupEnd(hbc), ERROR_INVALID_PARAMETER)
                                  << "it is freed always";
                              prepare(); // BPREP-5: no other backup runs
                          });
    EXPECT_CODE(::DsBackupEnd(hbc), S_OK);
}

// More handles than one block of any list of theirs holds.
TEST_F(OutOfMemory, EndsEveryHandle_END1) {
    for (int i = 0; i < 200; ++i) {
        HBC hbc = nullptr;
        EXPECT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &hbc), S_OK);
        fail_allocation(1, Mode::from_then_on);
        ::DsRestoreEnd(hbc);
        stop_failing();
        ASSERT_CODE(::DsRestoreEnd(hbc), ERROR_INVALID_PARAMETER) << "handle " << i;
    }
}

TEST_F(OutOfMemory, InDsBackupFree) {
    const Backup backup;
    char* list = nullptr;
    const auto make = [&] {
        DWORD size = 0;
        EXPECT_CODE(::DsBackupGetDatabaseNamesA(backup.handle(), &list, &size), S_OK);
    };
    make();
    fail_allocation(1, Mode::from_then_on);
    ::DsBackupFree(list);
    EXPECT_FALSE(stop_failing()) << "only its trace takes memory";
    set_environment("NTDSBCLI_LOG", "trace:" + (directory.root() / "log").string());
    EXPECT_CODE(Restore({}).prepared(), S_OK); // reads the setting
    make();
    fail_every_allocation(
        [&] {
            ::DsBackupFree(list);
            return S_OK;
        },
        [&](HRESULT) { make(); });
    ::DsBackupFree(list);
    set_environment("NTDSBCLI_LOG", "off");
    EXPECT_CODE(Restore({}).prepared(), S_OK);
}

// The new number, whole, may stand where memory runs out between its rename and the folder's flush.
TYPED_TEST(OutOfMemoryInForm, InDsSetCurrentBackupLog) {
    const auto content = [&] {
        const auto file = this->directory.state() / "default" / "current-log";
        if (!std::filesystem::exists(file)) return std::string("none");
        const Bytes bytes = read_file(file);
        return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    const auto set_old = [&] {
        EXPECT_CODE(TypeParam::set_current_log(this->localhost.c_str(), 7), S_OK);
    };
    for (const auto& [number, written] :
         {std::pair{DWORD{8}, "8\n"},
          std::pair{static_cast<DWORD>(BACKUP_DISABLE_INCREMENTAL), "none"}}) {
        set_old();
        fail_every_allocation(
            [&] { return TypeParam::set_current_log(this->localhost.c_str(), number); },
            [&](HRESULT code) {
                const std::string now = content();
                EXPECT_TRUE(now == written || (code != S_OK && now == "7\n")) << now;
                set_old();
            });
    }
}

// AUTH-3: whether there is an identity is told by a server that is not authenticated to.
TYPED_TEST(OutOfMemoryInForm, InDsSetAuthIdentity) {
    this->directory.configure({}, "[transport.servers.elsewhere]\ntransport = 'rpc'\n"
                                  "authentication = 'none'\naddress = '127.0.0.1:1'\n");
    const auto user = TypeParam::text("user"), domain = TypeParam::text("EXAMPLE"),
               password = TypeParam::text("secret");
    for (const auto* const old :
         {static_cast<const typename TypeParam::Char*>(nullptr), user.c_str()}) {
        const auto set_old = [&] {
            EXPECT_CODE(TypeParam::set_identity(old, nullptr, nullptr), S_OK);
        };
        set_old();
        fail_every_allocation(
            [&] { return TypeParam::set_identity(user.c_str(), domain.c_str(), password.c_str()); },
            [&](HRESULT code) {
                const bool has_identity = code == S_OK || old != nullptr;
                EXPECT_CODE(Restore({}, "elsewhere").prepared(),
                            has_identity ? HRESULT{ERROR_NOT_SUPPORTED} : hrCouldNotConnect);
                set_old();
            });
    }
    EXPECT_CODE(TypeParam::set_identity(nullptr, nullptr, nullptr), S_OK);
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
