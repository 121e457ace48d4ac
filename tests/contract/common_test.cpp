// What holds for every function: contract COM, ABI-6, ABI-7, ABI-9, ABI-10, AUTH.
#include "made_directory.h"
#include "support/guarded_memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#ifndef _WIN32
#include <cerrno>

#include <pthread.h>
#endif

namespace contract {
namespace {

void set_last_error(int value) {
#ifdef _WIN32
    SetLastError(static_cast<DWORD>(value));
#else
    errno = value;
#endif
}
int last_error() {
#ifdef _WIN32
    return static_cast<int>(GetLastError());
#else
    return errno;
#endif
}

TEST(LastError, IsPreservedOnSuccess_ABI10) {
    const MadeDirectory directory;
    BOOL online = FALSE;
    set_last_error(4711);
    EXPECT_CODE(::DsIsNTDSOnlineA("localhost", &online), S_OK);
    EXPECT_EQ(last_error(), 4711);
    HBC hbc = nullptr;
    EXPECT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &hbc), S_OK);
    EXPECT_EQ(last_error(), 4711);
    char* list = nullptr;
    DWORD size = 0;
    EXPECT_CODE(::DsRestoreGetDatabaseLocationsA(hbc, &list, &size), S_OK);
    ::DsBackupFree(list);
    EXPECT_EQ(last_error(), 4711);
    EXPECT_CODE(::DsRestoreEnd(hbc), S_OK);
    EXPECT_EQ(last_error(), 4711);
}

TEST(DsBackupFree, LeavesForeignPointersAlone_COM12) {
    ::DsBackupFree(nullptr);
    int local = 5;
    ::DsBackupFree(&local);
    EXPECT_EQ(local, 5);
    auto* heap = new char[16]{};
    ::DsBackupFree(heap);
    heap[0] = 1;
    delete[] heap;
    ::DsBackupFree(reinterpret_cast<PVOID>(std::uintptr_t{0x10}));
}

TEST(DsBackupFree, TakesABufferOnce_COM12) {
    const MadeDirectory directory;
    const Restore restore({});
    char* list = nullptr;
    DWORD size = 0;
    ASSERT_CODE(::DsRestoreGetDatabaseLocationsA(restore.handle(), &list, &size), S_OK);
    ::DsBackupFree(list);
    ::DsBackupFree(list);
}

TEST(Handles, AreNotSoonReused_COM1) {
    const MadeDirectory directory;
    HBC first = nullptr;
    ASSERT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &first), S_OK);
    ASSERT_CODE(::DsRestoreEnd(first), S_OK);
    for (int i = 0; i < 200; ++i) {
        HBC next = nullptr;
        ASSERT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &next), S_OK);
        EXPECT_NE(next, first);
        ASSERT_CODE(::DsRestoreEnd(next), S_OK);
    }
    EXPECT_CODE(::DsRestoreEnd(first), ERROR_INVALID_PARAMETER);
}

TEST(Handles, AreUsedAndEndedByManyThreadsAtOnce_COM11) {
    const MadeDirectory directory;
    constexpr int threads = 16;
    std::atomic<int> ends{0};
    HBC shared = nullptr;
    ASSERT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &shared), S_OK);
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i) {
        running.emplace_back([&] {
            for (int round = 0; round < 20; ++round) {
                char* list = nullptr;
                DWORD size = 0;
                const HRESULT code = ::DsRestoreGetDatabaseLocationsA(shared, &list, &size);
                EXPECT_TRUE(code == S_OK || code == static_cast<HRESULT>(ERROR_INVALID_PARAMETER))
                    << hex_code(code);
                EXPECT_EQ(list != nullptr, code == S_OK);
                ::DsBackupFree(list);
            }
            if (::DsRestoreEnd(shared) == S_OK) ++ends;
        });
    }
    for (std::thread& thread : running) thread.join();
    EXPECT_EQ(ends, 1) << "exactly one End wins";
}

TEST(Handles, AreOpenedUsedAndEndedBySixtyFourThreads_COM1_COM11) {
    const MadeDirectory directory;
    std::vector<std::thread> running;
    for (int i = 0; i < 64; ++i) {
        running.emplace_back([] {
            for (int round = 0; round < 3; ++round) {
                HBC hbc = nullptr;
                char* list = nullptr;
                DWORD size = 0;
                EXPECT_CODE(::DsRestorePrepareA("localhost", 0, nullptr, 0, &hbc), S_OK);
                EXPECT_CODE(::DsRestoreGetDatabaseLocationsA(hbc, &list, &size), S_OK);
                ::DsBackupFree(list);
                EXPECT_CODE(::DsRestoreEnd(hbc), S_OK);
                EXPECT_CODE(::DsRestoreEnd(hbc), ERROR_INVALID_PARAMETER);
            }
        });
    }
    for (std::thread& thread : running) thread.join();
}

template <class Form>
class DsSetAuthIdentity : public testing::Test {};
TYPED_TEST_SUITE(DsSetAuthIdentity, BothForms, FormName);

TYPED_TEST(DsSetAuthIdentity, SetsAndClears_AUTH1_ACC3) {
    const MadeDirectory directory;
    const auto user = TypeParam::text("user"), domain = TypeParam::text("EXAMPLE"),
               password = TypeParam::text("secret");
    EXPECT_CODE(TypeParam::set_identity(user.c_str(), domain.c_str(), password.c_str()), S_OK);
    if (named_caller() != nullptr) {
        EXPECT_CODE(Restore({}).prepared(), ERROR_ACCESS_DENIED) << "AUTH-5";
    } else if (std::getenv("NTDSB_TEST_SERVER")) {
        EXPECT_CODE(Restore({}).prepared(), ERROR_NOT_SUPPORTED) << "AUTH-3: nothing authenticates";
    } else {
        EXPECT_CODE(Restore({}).prepared(), S_OK) << "embedded, it changes no rights";
    }
    EXPECT_CODE(TypeParam::set_identity(nullptr, nullptr, nullptr), S_OK);
    EXPECT_CODE(Restore({}).prepared(), S_OK) << "as the process itself";
}

// Of tests/support/realm.py, where the service is for `backup` alone.
TYPED_TEST(DsSetAuthIdentity, DecidesWhoCalls_AUTH1_AUTH5_ACC5) {
    if (named_caller() == nullptr) GTEST_SKIP() << "nobody authenticates";
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    const auto prepared_as = [&](const char* user, const char* password) {
        EXPECT_CODE(TypeParam::set_identity(TypeParam::text(user).c_str(),
                                            TypeParam::text("NTDSB").c_str(),
                                            TypeParam::text(password).c_str()),
                    S_OK);
        const HRESULT prepared = Restore(token).prepared();
        Bytes copy = token;
        EXPECT_CODE(::DsRestoreCheckExpiryToken(copy.data(), static_cast<DWORD>(copy.size())),
                    prepared)
            << "the token check has the same caller";
        return prepared;
    };
    const bool is_named = std::string(named_caller()) == "NTDSB\\backup";
    EXPECT_CODE(prepared_as("backup", "Backup-1"), is_named ? S_OK : ERROR_ACCESS_DENIED);
    EXPECT_CODE(prepared_as("backup", "backup-1"), ERROR_ACCESS_DENIED) << "a wrong password";
    EXPECT_CODE(prepared_as("nobody", "Nobody-1"), ERROR_ACCESS_DENIED) << "ACC-5: not named";
    EXPECT_CODE(TypeParam::set_identity(nullptr, nullptr, nullptr), S_OK);
    EXPECT_CODE(Restore(token).prepared(), S_OK) << "as the process itself";
}

TYPED_TEST(DsSetAuthIdentity, NeedsAUserForDomainOrPassword_AUTH2) {
    const auto word = TypeParam::text("secret");
    EXPECT_CODE(TypeParam::set_identity(nullptr, word.c_str(), nullptr), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(TypeParam::set_identity(nullptr, nullptr, word.c_str()), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(TypeParam::set_identity(nullptr, nullptr, nullptr), S_OK);
}

TEST(Arguments, NeedNotBeAligned) { // old tools pack their structures
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    Bytes packed_token(1);
    packed_token.insert(packed_token.end(), token.begin(), token.end());
    const WideString name = wide("localhost");
    alignas(16) unsigned char room[64]{};
    void* const name_at = room + 33;
    void* const handle_at = room + 1;
    void* const list_at = room + 11;
    void* const size_at = room + 21;
    std::memcpy(name_at, name.c_str(), (name.size() + 1) * sizeof(WCHAR));
    ASSERT_CODE(::DsRestorePrepareW(static_cast<const WCHAR*>(name_at), 0, packed_token.data() + 1,
                                    static_cast<DWORD>(token.size()), static_cast<HBC*>(handle_at)),
                S_OK);
    HBC hbc = nullptr;
    std::memcpy(&hbc, handle_at, sizeof hbc);
    ASSERT_CODE(::DsRestoreGetDatabaseLocationsW(hbc, static_cast<WCHAR**>(list_at),
                                                 static_cast<DWORD*>(size_at)),
                S_OK);
    WCHAR* list = nullptr;
    DWORD size = 0;
    std::memcpy(&list, list_at, sizeof list);
    std::memcpy(&size, size_at, sizeof size);
    EXPECT_EQ(split_list<WideForm>(list, size).front().path, directory.database());
    ::DsBackupFree(list);
    EXPECT_CODE(::DsRestoreEnd(hbc), S_OK);
}

TEST(Utf16, LoneSurrogatesReachTheServiceUnharmed_ABI7) {
    const MadeDirectory directory;
    Restore restore(directory.back_up());
    WideString name = wide((directory.ntds() / "x").string());
    name += static_cast<WCHAR>(0xd800);
    name += wide(".edb");
    WideString plain = wide(directory.database()), logs = wide(directory.log_path()),
               backup = wide(directory.backup_path());
    EDB_RSTMAPW map[2] = {{plain.data(), plain.data()}, {name.data(), name.data()}};
    ASSERT_CODE(::DsRestoreRegisterW(restore.handle(), logs.c_str(), logs.c_str(), map, 2,
                                     backup.c_str(), 0, 0),
                S_OK);
    // The record holds the request in its wire encoding: the lone surrogate stands there as the two
    // bytes of its unit.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.state())) {
        if (entry.path().filename() != "registration") continue;
        const Bytes record = read_file(entry.path());
        const std::byte unit[] = {std::byte{'x'},  std::byte{0},   std::byte{0x00},
                                  std::byte{0xd8}, std::byte{'.'}, std::byte{0}};
        EXPECT_NE(std::search(record.begin(), record.end(), std::begin(unit), std::end(unit)),
                  record.end());
        return;
    }
    FAIL() << "no record was written";
}

#ifndef _WIN32
TEST(Ansi, IsStrictUtf8OffWindows_ABI6) {
    const MadeDirectory directory;
    HBC hbc = nullptr;
    BOOL online = TRUE;
    EXPECT_CODE(::DsIsNTDSOnlineA("\xff\xfe", &online), ERROR_NO_UNICODE_TRANSLATION);
    EXPECT_EQ(online, FALSE);
    EXPECT_CODE(::DsRestorePrepareA("a\xc0\x80", 0, nullptr, 0, &hbc),
                ERROR_NO_UNICODE_TRANSLATION);
    EXPECT_CODE(::DsSetAuthIdentityA("user", "\xed\xa0\x80", "x"), ERROR_NO_UNICODE_TRANSLATION);
}
#endif

#ifndef _WIN32
// Its unwinding would be an exception that nobody may catch.
TEST(Threads, AreNotCancelledWithinACall_ABI10) {
    const MadeDirectory directory;
    pthread_t thread{};
    const auto body = [](void* state) -> void* {
        ::pthread_cancel(::pthread_self()); // at the next place where it may be
        BOOL online = TRUE;
        EXPECT_CODE(::DsIsNTDSOnlineA("localhost", &online), S_OK);
        ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, static_cast<int*>(state));
        return nullptr; // not unwound: the address sanitizer knows nothing of that
    };
    int state = PTHREAD_CANCEL_DISABLE; // behind the call
    ASSERT_EQ(::pthread_create(&thread, nullptr, body, &state), 0);
    void* result = nullptr;
    ASSERT_EQ(::pthread_join(thread, &result), 0);
    EXPECT_EQ(result, nullptr) << "it came back from the call";
    EXPECT_EQ(state, PTHREAD_CANCEL_ENABLE) << "as before";
}
#endif

TEST(Strings, WithoutAnEndAreReadNoFurtherThanTheLimit_PATH1) {
    const MadeDirectory directory;
    const std::string endless(1 << 20, 'a');
    BOOL online = TRUE;
    EXPECT_CODE(::DsIsNTDSOnlineA(endless.c_str(), &online), hrCouldNotConnect);
    Restore restore(directory.back_up());
    EDB_RSTMAPA map{const_cast<char*>(endless.c_str()), const_cast<char*>(endless.c_str())};
    EXPECT_CODE(::DsRestoreRegisterA(restore.handle(), endless.c_str(), endless.c_str(), &map, 1,
                                     endless.c_str(), 0, 0),
                ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsSetAuthIdentityA(endless.c_str(), nullptr, nullptr), ERROR_INVALID_PARAMETER);
}

template <class Form>
class Unreadable : public testing::Test {};
TYPED_TEST_SUITE(Unreadable, BothForms, FormName);

TYPED_TEST(Unreadable, StringIsRefused_ABI11) {
    using Char = typename TypeParam::Char;
    const MadeDirectory directory;
    const auto name = TypeParam::text("localhost");
    const auto guarded = [](const auto& string, std::size_t bytes) {
        return ntdsb::test::GuardedMemory(string.c_str(), bytes);
    };
    const auto whole = guarded(name, (name.size() + 1) * sizeof(Char));
    const auto endless = guarded(name, name.size() * sizeof(Char));
    const auto half = guarded(name, (name.size() + 1) * sizeof(Char) - 1); // its NUL is cut for W
    BOOL online = TRUE;
    EXPECT_CODE(TypeParam::is_online(static_cast<Char*>(whole.data()), &online), S_OK);
    for (void* const string : {endless.data(), half.data(), endless.end()}) {
        online = TRUE;
        EXPECT_CODE(TypeParam::is_online(static_cast<Char*>(string), &online),
                    ERROR_INVALID_PARAMETER);
        EXPECT_EQ(online, FALSE);
        EXPECT_CODE(TypeParam::set_identity(name.c_str(), nullptr, static_cast<Char*>(string)),
                    ERROR_INVALID_PARAMETER);
    }
    const Backup backup;
    LARGE_INTEGER size;
    EXPECT_CODE(TypeParam::open_file(backup.handle(), static_cast<Char*>(endless.end()), 0, &size),
                ERROR_INVALID_PARAMETER);
}

TYPED_TEST(Unreadable, MapIsRefusedAndNothingRegistered_ABI11) {
    const MadeDirectory directory;
    const Restore restore(directory.back_up());
    auto database = TypeParam::text(directory.database());
    const auto logs = TypeParam::text(directory.log_path()),
               backup = TypeParam::text(directory.backup_path());
    typename TypeParam::Map map;
    TypeParam::set(map, database, database);
    const ntdsb::test::GuardedMemory one(&map, sizeof map);
    const auto register_pairs = [&](LONG count) {
        return TypeParam::restore_register(restore.handle(), logs.c_str(), logs.c_str(),
                                           static_cast<typename TypeParam::Map*>(one.data()), count,
                                           backup.c_str(), 0, 0);
    };
    EXPECT_CODE(register_pairs(1024), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(restore.complete(), ERROR_INVALID_PARAMETER) << "nothing is registered";
    EXPECT_CODE(register_pairs(1), S_OK);
    EXPECT_CODE(restore.complete(), S_OK);
}

// The trace, which comes before the judgement, reads no more of it.
TYPED_TEST(Unreadable, MapIsTracedAsThat_ABI11) {
    const MadeDirectory directory;
    const auto file = directory.root() / "trace.log";
    set_environment("NTDSBCLI_LOG", "trace:" + file.string());
    {
        const Restore restore(directory.back_up()); // reads the setting
        auto database = TypeParam::text(directory.database());
        const auto logs = TypeParam::text(directory.log_path());
        typename TypeParam::Map map;
        TypeParam::set(map, database, database);
        const ntdsb::test::GuardedMemory one(&map, sizeof map);
        EXPECT_CODE(TypeParam::restore_register(restore.handle(), logs.c_str(), logs.c_str(),
                                                static_cast<typename TypeParam::Map*>(one.data()),
                                                1024, logs.c_str(), 0, 0),
                    ERROR_INVALID_PARAMETER);
    }
    set_environment("NTDSBCLI_LOG", "off");
    EXPECT_CODE(Restore({}).prepared(), S_OK);
    const Bytes all = read_file(file);
    const std::string_view said(reinterpret_cast<const char*>(all.data()), all.size());
    EXPECT_NE(said.find("(unreadable)"), said.npos) << said;
}

TEST(UnreadableToken, IsRefused_ABI11) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    const auto size = static_cast<DWORD>(token.size());
    const ntdsb::test::GuardedMemory guarded(token.data(), token.size());
    HBC hbc = nullptr;
    EXPECT_CODE(::DsRestoreCheckExpiryToken(guarded.data(), size), S_OK);
    EXPECT_CODE(::DsRestoreCheckExpiryToken(guarded.data(), size + 1), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(::DsRestorePrepareA("localhost", 0, guarded.data(), size + 1, &hbc),
                ERROR_INVALID_PARAMETER);
    EXPECT_EQ(hbc, nullptr);
}

} // namespace
} // namespace contract
