// DsRestoreRegister: contract REG, PATH, REC. Each test checks the code and that nothing was
// registered where it should not.
#include "made_directory.h"

#include <climits>
#include <cstring>

namespace contract {
namespace {

// Whether the directory has no registration record: the state folder holds no file of that name.
bool nothing_registered(const MadeDirectory& directory) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.state()))
        if (entry.path().filename() == "registration") return false;
    return true;
}

// A call of DsRestoreRegister with sound arguments, each of which a test can spoil.
template <class Form>
struct Call {
    using String = typename Form::String;
    explicit Call(const MadeDirectory& directory)
        : checkpoint(Form::text(directory.log_path())), logs(checkpoint),
          backup_logs(Form::text(directory.backup_path())), low(directory.gen_low()),
          high(directory.gen_high()) {
        pair(directory.database(), directory.database());
    }
    void pair(std::string_view source, std::string_view target) {
        pairs.push_back({Form::text(source), Form::text(target)});
    }
    HRESULT operator()(HBC hbc) {
        std::vector<typename Form::Map> map(pairs.size());
        for (std::size_t i = 0; i < pairs.size(); ++i)
            Form::set(map[i], pairs[i].first, pairs[i].second);
        return Form::restore_register(hbc, checkpoint.c_str(), logs.c_str(), map.data(),
                                      static_cast<LONG>(map.size()), backup_logs.c_str(), low,
                                      high);
    }
    String checkpoint, logs, backup_logs;
    std::vector<std::pair<String, String>> pairs;
    ULONG low, high;
};

template <class Form>
class DsRestoreRegister : public testing::Test {
protected:
    DsRestoreRegister() : restore(directory.back_up()) {}
    void SetUp() override { ASSERT_CODE(restore.prepared(), S_OK); }
    // The session is as it was: nothing on disk, and the sound call still registers.
    void expect_untouched() {
        EXPECT_TRUE(nothing_registered(directory));
        EXPECT_CODE(Call<Form>(directory)(restore.handle()), S_OK);
    }
    MadeDirectory directory;
    Restore restore;
};
TYPED_TEST_SUITE(DsRestoreRegister, BothForms, FormName);

TYPED_TEST(DsRestoreRegister, RegistersAndTellsTheSecondSession_REG0_REG8) {
    EXPECT_CODE(Call<TypeParam>(this->directory)(this->restore.handle()), S_OK);
    EXPECT_FALSE(nothing_registered(this->directory));
    const Restore second(read_file(this->directory.backup() / "token.bin"));
    ASSERT_CODE(second.prepared(), S_OK);
    EXPECT_CODE(Call<TypeParam>(this->directory)(second.handle()), hrRestoreInProgress);
    EXPECT_CODE(Call<TypeParam>(this->directory)(this->restore.handle()), hrRestoreInProgress);
}

TYPED_TEST(DsRestoreRegister, RejectsHandlesThatAreNone_REG1_COM1) {
    Call<TypeParam> call(this->directory);
    EXPECT_CODE(call(nullptr), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(call(reinterpret_cast<HBC>(std::uintptr_t{0x1234})), ERROR_INVALID_PARAMETER);
    EXPECT_CODE(call(reinterpret_cast<HBC>(&call)), ERROR_INVALID_PARAMETER);
    {
        const Backup backup;
        ASSERT_CODE(backup.prepared(), S_OK);
        EXPECT_CODE(call(backup.handle()), ERROR_INVALID_PARAMETER) << "a backup handle";
    }
    this->expect_untouched();
}

TYPED_TEST(DsRestoreRegister, JudgesTheHandleBeforeTheArguments_REG1) {
    const Restore restricted({});
    ASSERT_CODE(restricted.prepared(), S_OK);
    EXPECT_CODE(TypeParam::restore_register(restricted.handle(), nullptr, nullptr, nullptr, 0,
                                            nullptr, 9, 1),
                hrMissingExpiryToken);
    EXPECT_CODE(TypeParam::restore_register(nullptr, nullptr, nullptr, nullptr, 0, nullptr, 9, 1),
                ERROR_INVALID_PARAMETER);
}

TYPED_TEST(DsRestoreRegister, RejectsNullPaths_REG2) {
    Call<TypeParam> call(this->directory);
    typename TypeParam::Map map{};
    TypeParam::set(map, call.pairs[0].first, call.pairs[0].second);
    const auto* path = call.logs.c_str();
    EXPECT_CODE(
        TypeParam::restore_register(this->restore.handle(), nullptr, path, &map, 1, path, 0, 0),
        ERROR_INVALID_PARAMETER);
    EXPECT_CODE(
        TypeParam::restore_register(this->restore.handle(), path, nullptr, &map, 1, path, 0, 0),
        ERROR_INVALID_PARAMETER);
    EXPECT_CODE(
        TypeParam::restore_register(this->restore.handle(), path, path, &map, 1, nullptr, 0, 0),
        ERROR_INVALID_PARAMETER);
    this->expect_untouched();
}

// What is no path on any platform (PATH-1), and what is none on this one (PATH-2, PATH-3).
std::vector<std::string> no_paths() {
    std::vector<std::string> paths{"",
                                   "relative",
                                   "relative/folder",
                                   std::string(32768, 'a'),
                                   "/tmp/a\nb",
                                   std::string("/tmp/\x01")};
#ifdef _WIN32
    for (const char* path : {"C:relative", "\\rooted", "C:\\a*b", "C:\\a?b", "C:\\a\"b", "C:\\a<b",
                             "C:\\a>b", "C:\\a|b", "\\\\server", "1:\\a"})
        paths.emplace_back(path);
#else
    paths.emplace_back("C:\\windows");
#endif
    return paths;
}

TYPED_TEST(DsRestoreRegister, RejectsWhatIsNoPath_REG2_PATH1_PATH2_PATH3) {
    for (const std::string& path : no_paths()) {
        for (auto member : {&Call<TypeParam>::checkpoint, &Call<TypeParam>::logs,
                            &Call<TypeParam>::backup_logs}) {
            Call<TypeParam> call(this->directory);
            call.*member = TypeParam::text(path);
            EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER)
                << path.substr(0, 40);
        }
        Call<TypeParam> call(this->directory);
        call.pairs[0].first = TypeParam::text(path);
        EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER)
            << "source " << path.substr(0, 40);
        call = Call<TypeParam>(this->directory);
        call.pairs[0].second = TypeParam::text(path);
        EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER)
            << "target " << path.substr(0, 40);
    }
    this->expect_untouched();
}

TYPED_TEST(DsRestoreRegister, RejectsOtherLogAndCheckpointPathsThanTheConfigured_REG2) {
    Call<TypeParam> call(this->directory);
    call.logs = TypeParam::text(this->directory.backup_path());
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER);
    call = Call<TypeParam>(this->directory);
    call.checkpoint = TypeParam::text(this->directory.backup_path());
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER);
    this->expect_untouched();
}

TYPED_TEST(DsRestoreRegister, AcceptsOtherSpellingsOfTheConfiguredPaths_REG2_PATH2) {
    Call<TypeParam> call(this->directory);
    const std::string separator(1, static_cast<char>(std::filesystem::path::preferred_separator));
    call.logs = TypeParam::text(this->directory.log_path() + separator);
    call.checkpoint = TypeParam::text(this->directory.log_path() + separator + "." + separator);
    EXPECT_CODE(call(this->restore.handle()), S_OK);
}

TYPED_TEST(DsRestoreRegister, RejectsCountsThatAreNone_REG3) {
    Call<TypeParam> call(this->directory);
    typename TypeParam::Map map{};
    TypeParam::set(map, call.pairs[0].first, call.pairs[0].second);
    for (const LONG count :
         {LONG{0}, LONG{-1}, static_cast<LONG>(INT_MIN), LONG{1025}, static_cast<LONG>(INT_MAX)})
        EXPECT_CODE(TypeParam::restore_register(this->restore.handle(), call.checkpoint.c_str(),
                                                call.logs.c_str(), &map, count,
                                                call.backup_logs.c_str(), 0, 0),
                    ERROR_INVALID_PARAMETER)
            << count;
    EXPECT_CODE(TypeParam::restore_register(this->restore.handle(), call.checkpoint.c_str(),
                                            call.logs.c_str(), nullptr, 1, call.backup_logs.c_str(),
                                            0, 0),
                ERROR_INVALID_PARAMETER);
    this->expect_untouched();
}

TYPED_TEST(DsRestoreRegister, RejectsNullMembers_REG3) {
    Call<TypeParam> call(this->directory);
    for (const bool source : {true, false}) {
        typename TypeParam::Map map{};
        TypeParam::set(map, call.pairs[0].first, call.pairs[0].second);
        std::memset(reinterpret_cast<char*>(&map) + (source ? 0 : sizeof(void*)), 0, sizeof(void*));
        EXPECT_CODE(TypeParam::restore_register(this->restore.handle(), call.checkpoint.c_str(),
                                                call.logs.c_str(), &map, 1,
                                                call.backup_logs.c_str(), 0, 0),
                    ERROR_INVALID_PARAMETER)
            << source;
    }
    this->expect_untouched();
}

TYPED_TEST(DsRestoreRegister, ReadsMisalignedMaps) {
    Call<TypeParam> call(this->directory);
    std::vector<char> memory(sizeof(typename TypeParam::Map) + 1);
    typename TypeParam::Map map{};
    TypeParam::set(map, call.pairs[0].first, call.pairs[0].second);
    std::memcpy(memory.data() + 1, &map, sizeof map);
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(memory.data()) + 1;
    EXPECT_CODE(TypeParam::restore_register(this->restore.handle(), call.checkpoint.c_str(),
                                            call.logs.c_str(),
                                            reinterpret_cast<typename TypeParam::Map*>(address), 1,
                                            call.backup_logs.c_str(), call.low, call.high),
                S_OK);
}

TYPED_TEST(DsRestoreRegister, AcceptsTheLargestMapAndAnyOrder_REG3_REG11) {
    Call<TypeParam> call(this->directory);
    call.pairs.clear();
    for (int i = 0; i < 1023; ++i) {
        const std::string other =
            (this->directory.ntds() / ("other" + std::to_string(i) + ".edb")).string();
        call.pair(other, other);
    }
    call.pair(this->directory.database(), this->directory.database());
    EXPECT_CODE(call(this->restore.handle()), S_OK);
}

TYPED_TEST(DsRestoreRegister, RejectsOneSourceForTwoTargetsAndTwoSourcesForOne_REG4) {
    const std::string other = (this->directory.ntds() / "other.edb").string();
    Call<TypeParam> call(this->directory);
    call.pair(this->directory.database(), other);
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER);
    call = Call<TypeParam>(this->directory);
    call.pair(other, this->directory.database());
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER);
#ifdef _WIN32
    std::string upper = this->directory.database();
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    call = Call<TypeParam>(this->directory);
    call.pair(upper, other);
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER) << "without case";
#endif
    this->expect_untouched();
}

TYPED_TEST(DsRestoreRegister, MergesIdenticalPairs_REG4) {
    Call<TypeParam> call(this->directory);
    call.pair(this->directory.database(), this->directory.database());
    EXPECT_CODE(call(this->restore.handle()), S_OK);
}

TYPED_TEST(DsRestoreRegister, AcceptsTheSystemDatabasePairOfOldTools_REG9) {
    Call<TypeParam> call(this->directory);
    call.pair(this->directory.log_path(), this->directory.log_path());
    EXPECT_CODE(call(this->restore.handle()), S_OK);
    this->directory.copy_back();
    EXPECT_CODE(this->restore.complete(), S_OK)
        << "the checkpoint directory is not verified as a database";
}

TYPED_TEST(DsRestoreRegister, RejectsGenerationAboveFiveHexDigits_REG5) {
    Call<TypeParam> call(this->directory);
    call.high = 0x100000;
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER);
    call.low = call.high = 0x100000;
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER);
    call.low = call.high = 0xffffffff;
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER);
    this->expect_untouched();
}

TYPED_TEST(DsRestoreRegister, RejectsGenerationsInDisorder_REG5) {
    Call<TypeParam> call(this->directory);
    call.low = 6;
    call.high = 5;
    EXPECT_CODE(call(this->restore.handle()), ERROR_INVALID_PARAMETER);
    this->expect_untouched();
}

TYPED_TEST(DsRestoreRegister, AcceptsTheWholeRangeOfGenerations_REG5) {
    Call<TypeParam> call(this->directory);
    call.low = 0xfffff;
    call.high = 0xfffff;
    EXPECT_CODE(call(this->restore.handle()), S_OK);
}

TYPED_TEST(DsRestoreRegister, DoesNotNeedTheFiles_REG12) {
    std::filesystem::remove_all(this->directory.ntds());
    std::filesystem::remove(this->directory.backup() / "ntds.dit");
    std::filesystem::create_directory(this->directory.ntds());
    EXPECT_CODE(Call<TypeParam>(this->directory)(this->restore.handle()), S_OK);
}

TYPED_TEST(DsRestoreRegister, IsRefusedWhileABackupOfTheLiveFilesRuns_REG7) {
    Backup backup;
    ASSERT_CODE(backup.prepared(), S_OK);
    EXPECT_CODE(Call<TypeParam>(this->directory)(this->restore.handle()), hrBackupInProgress);
    EXPECT_CODE(backup.end(), S_OK);
    this->expect_untouched();
}

TEST(DsRestoreRegisterRecord, IsTakenOverFromAnEndedSession_REC5_END2) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    Restore first(token);
    ASSERT_CODE(first.register_whole(directory), S_OK);
    EXPECT_CODE(first.end(), S_OK);
    const Restore second(token);
    EXPECT_CODE(second.register_whole(directory), S_OK);
}

TEST(DsRestoreRegisterRecord, IsKeptAsideWhenDamagedAndRegisteredAnew_REC8) {
    const MadeDirectory directory;
    const Bytes token = directory.back_up();
    std::filesystem::path record;
    {
        const Restore first(token);
        ASSERT_CODE(first.register_whole(directory), S_OK);
        for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.state()))
            if (entry.path().filename() == "registration") record = entry.path();
    }
    ASSERT_FALSE(record.empty());
    Bytes damaged = read_file(record);
    damaged[damaged.size() / 2] ^= std::byte{0xff};
    write_file(record, damaged);
    PVOID out = nullptr;
    DWORD size = 0;
    HBC hbc = nullptr;
    EXPECT_CODE(::DsBackupPrepareA("localhost", 0, BACKUP_TYPE_FULL, &out, &size, &hbc),
                hrRestoreInProgress);
    const Restore second(token);
    EXPECT_CODE(second.register_whole(directory), S_OK);
    bool kept = false;
    for (const auto& entry : std::filesystem::directory_iterator(record.parent_path()))
        kept = kept || (entry.path() != record && entry.is_regular_file() &&
                        read_file(entry.path()) == damaged);
    EXPECT_TRUE(kept) << "the damaged record is not there any more";
}

} // namespace
} // namespace contract
