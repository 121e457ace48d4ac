// The registration record's bytes and file (contract REC-1, REC-8).
#include "service/record.h"

#include "restore_directory.h"

namespace ntdsb::service {
namespace {

RegistrationRecord made_record() {
    RegistrationRecord record;
    record.state = RecordState::failed;
    record.outcome = failed_restore;
    record.registered_at = 0x1122334455667788;
    record.changed_at = 0x2233445566778899;
    record.process_id = 4711;
    record.holder = "pid 4711 on dc1";
    record.request.checkpoint_path = u"/srv/ntds";
    record.request.log_path = u"/srv/ntds";
    record.request.map = {{u"/srv/ntds/ntds.dit", u"/srv/ntds/ntds.dit"}, {u"/a\xD800", u"/b"}};
    record.request.backup_log_path = u"/srv/backup";
    record.request.gen_low = 3;
    record.request.gen_high = 0xFFFFF;
    return record;
}

TEST(Record, ComesBackAsItWasSaved) { // REC-1; ABI-7: a lone surrogate too
    const auto record = made_record();
    const auto found = decode_record(encode_record(record));
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(found.value().state, record.state);
    EXPECT_EQ(found.value().outcome, record.outcome);
    EXPECT_EQ(found.value().registered_at, record.registered_at);
    EXPECT_EQ(found.value().changed_at, record.changed_at);
    EXPECT_EQ(found.value().process_id, record.process_id);
    EXPECT_EQ(found.value().holder, record.holder);
    EXPECT_EQ(wire::encode(found.value().request), wire::encode(record.request));
}

TEST(Record, HoldsTheRequestInItsWireEncoding) { // REC-1
    const auto record = made_record();
    const auto bytes = encode_record(record);
    const auto request = wire::encode(record.request);
    EXPECT_NE(std::search(bytes.begin(), bytes.end(), request.begin(), request.end()), bytes.end());
}

TEST(Record, EveryDamagedByteIsFound) { // REC-8
    const auto bytes = encode_record(made_record());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto damaged = bytes;
        damaged[i] ^= std::byte{0x10};
        EXPECT_FALSE(decode_record(damaged)) << "byte " << i;
    }
}

TEST(Record, EveryCutAndEveryAddedByteIsFound) { // REC-8
    auto bytes = encode_record(made_record());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(code_of(decode_record(std::span(bytes).first(size))), ERROR_INVALID_DATA) << size;
    bytes.push_back(std::byte{});
    EXPECT_EQ(code_of(decode_record(bytes)), ERROR_INVALID_DATA);
}

TEST(Record, AFutureVersionIsToldApart) { // REC-8
    auto bytes = encode_record(made_record());
    bytes[8] = std::byte{2};
    EXPECT_EQ(code_of(decode_record(bytes)), ERROR_NOT_SUPPORTED);
}

TEST(Record, IsLoadedAsItWasSavedAndGoneWhenRemoved) {
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    EXPECT_EQ(load_record(*instance).value(), std::nullopt);
    ASSERT_TRUE(save_record(*instance, made_record()));
    EXPECT_EQ(directory.recorded(), RecordState::failed);
    ASSERT_TRUE(remove_record(*instance));
    EXPECT_EQ(directory.recorded(), std::nullopt);
    EXPECT_TRUE(remove_record(*instance)) << "none there is success";
}

TEST(Record, AFolderInItsPlaceIsUnreadable) { // REC-8
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    std::filesystem::create_directory(directory.record_file());
    EXPECT_EQ(code_of(load_record(*instance)), ERROR_INVALID_DATA);
}

TEST(Record,
     SetAsideWithNoneInItsPlaceStillCounts) { // REC-8: a crash between the two does not unblock
    const RestoreDirectory directory;
    const auto instance = directory.instance();
    test::write_file(directory.record_file(), test::Bytes(5));
    ASSERT_TRUE(set_record_aside(*instance));
    EXPECT_FALSE(std::filesystem::exists(directory.record_file()));
    EXPECT_EQ(code_of(load_record(*instance)), ERROR_INVALID_DATA);

    ASSERT_TRUE(save_record(*instance, made_record()));
    EXPECT_EQ(directory.recorded(), RecordState::failed);
    ASSERT_TRUE(name_set_aside_record(*instance));
    ASSERT_TRUE(remove_record(*instance));
    EXPECT_EQ(directory.recorded(), std::nullopt) << "what is kept by name counts no more";
}

} // namespace
} // namespace ntdsb::service
