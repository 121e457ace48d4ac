// The reader of one file of a backup: bytes, ends and page verification (contract BREAD-1, BREAD-2,
// BREAD-4, BTRUNC-1's "delivered").
#include "service/backup_reader.h"

#include "backup_directory.h"

namespace ntdsb::service {
namespace {

class BackupReaderTest : public testing::Test {
protected:
    // What find_backup_files would say of a made database.
    BackupFile& write(const test::EseDatabase& database) {
        database.write(directory.database());
        file.source = directory.database();
        file.size = std::filesystem::file_size(file.source);
        return file;
    }
    BackupReader open(bool verify = true) {
        auto reader = BackupReader::open(file, verify);
        if (!reader) throw std::runtime_error(reader.error().what);
        return std::move(reader).value();
    }
    // Damages one bit of the file at `offset`.
    void flip(std::uint64_t offset) const { test::flip_bit(file.source, offset); }

    BackupDirectory directory;
    BackupFile file{u"/x", 0x44, {}, 0, 8192, false, {}};
};

// Memory in pieces, as a transport's fragments would lend it.
class PieceSink final : public wire::ReplySink {
public:
    PieceSink(std::span<std::byte> buffer, std::size_t piece) : inner_(buffer), piece_(piece) {}
    std::span<std::byte> lend(std::size_t size) override {
        return inner_.lend(std::min(size, piece_));
    }
    void commit(std::size_t size) override { inner_.commit(size); }
    auto outcome() const { return inner_.outcome(); }

private:
    wire::ReadReplySink inner_;
    std::size_t piece_;
};

TEST_F(BackupReaderTest, DeliversTheSameBytesForEveryPageSizeAndReadSize) { // BREAD-1
    using test::PageChecksum;
    for (const std::uint32_t page_size : {2048u, 4096u, 8192u, 16384u, 32768u}) {
        for (const auto kind : {PageChecksum::ecc, PageChecksum::legacy}) {
            file.page_size = page_size;
            write(test::EseDatabase{}.page_size(page_size).pages(7).page_checksum(kind).unused_page(
                3));
            const auto expected = test::read_file(file.source);
            const std::vector<std::vector<std::uint32_t>> plans{
                {1 << 20},
                {page_size},
                {page_size * 2},
                {page_size - 1},
                {page_size + 1},
                {1, 2, 3, 4095},
                {page_size / 2},
                {3 * page_size + 5},
                {page_size * 2 + 7, 11},
                {static_cast<std::uint32_t>(expected.size())}};
            for (const auto& plan : plans) {
                for (const bool verify : {true, false}) {
                    file.delivered = false;
                    auto reader = open(verify);
                    const auto all = read_all(reader, plan);
                    EXPECT_EQ(all.status, ERROR_HANDLE_EOF);
                    EXPECT_TRUE(all.bytes == expected)
                        << page_size << " byte pages, first read of " << plan[0];
                    EXPECT_TRUE(file.delivered);
                }
            }
        }
    }
}

TEST_F(BackupReaderTest, DeliversSingleBytes) { // BREAD-1
    file.page_size = 2048;
    write(test::EseDatabase{}.page_size(2048).pages(2));
    auto reader = open();
    EXPECT_TRUE(read_all(reader, {1}).bytes == test::read_file(file.source));
}

TEST_F(BackupReaderTest, FillsASinkThatLendsInPieces) {
    write(test::EseDatabase{}.pages(6));
    const auto expected = test::read_file(file.source);
    for (const std::size_t piece :
         {std::size_t{1000}, std::size_t{4280}, std::size_t{8192}, std::size_t{20000}}) {
        auto reader = open();
        test::Bytes buffer(expected.size());
        PieceSink sink(buffer, piece);
        ASSERT_TRUE(reader.read(static_cast<std::uint32_t>(buffer.size()), sink));
        ASSERT_TRUE(sink.outcome());
        EXPECT_EQ(sink.outcome().value().status, 0);
        EXPECT_TRUE(buffer == expected) << "pieces of " << piece;
    }
}

TEST_F(BackupReaderTest, AtTheEndAnswersHandleEofWithoutBytesEveryTime) { // BREAD-2
    write(test::EseDatabase{});
    auto reader = open();
    EXPECT_EQ(read_once(reader, 1 << 20).bytes.size(), file.size);
    for (int i = 0; i < 3; ++i) {
        const auto end = read_once(reader, 4096);
        EXPECT_EQ(end.status, ERROR_HANDLE_EOF);
        EXPECT_TRUE(end.bytes.empty());
    }
}

TEST_F(BackupReaderTest, IsDeliveredWithTheLastByteNotWithEndOfFile) { // BTRUNC-1
    write(test::EseDatabase{});
    const auto size = static_cast<std::uint32_t>(file.size);
    auto reader = open();
    read_once(reader, size - 1);
    EXPECT_FALSE(file.delivered);
    read_once(reader, 1);
    EXPECT_TRUE(file.delivered);
}

TEST_F(BackupReaderTest, DamagedPageIsReadVerifyFailureWhereverItsBytesAreAsked) { // BREAD-4
    write(test::EseDatabase{}.pages(6).damaged_page(4)); // at offset 5 x 8192
    for (const std::vector<std::uint32_t>& plan :
         std::vector<std::vector<std::uint32_t>>{{1 << 20}, {8192}, {1000}, {5 * 8192 + 1}}) {
        auto reader = open();
        int rereads = 0;
        reader.set_pause([&] { ++rereads; });
        const auto all = read_all(reader, plan);
        EXPECT_EQ(all.status, static_cast<Code>(hrReadVerifyFailure));
        EXPECT_LE(all.bytes.size(), 5u * 8192) << "damaged bytes were delivered";
        EXPECT_EQ(rereads, 3);
        EXPECT_EQ(read_once(reader, plan[0]).status, static_cast<Code>(hrReadVerifyFailure))
            << "the position moved over the damage";
        EXPECT_FALSE(file.delivered);
    }
}

TEST_F(BackupReaderTest, PageThatIsSoundWhenReadAgainIsDelivered) { // BREAD-4
    write(test::EseDatabase{}.pages(6));
    const auto expected = test::read_file(file.source);
    for (const std::uint32_t size : {1u << 20, 1000u}) {
        flip(3 * 8192 + 500);
        auto reader = open();
        int rereads = 0;
        reader.set_pause([&] {
            if (++rereads == 3) flip(3 * 8192 + 500);
        });
        const auto all = read_all(reader, {size});
        EXPECT_EQ(all.status, ERROR_HANDLE_EOF);
        EXPECT_TRUE(all.bytes == expected);
        EXPECT_EQ(rereads, 3);
    }
}

TEST_F(BackupReaderTest, WithoutVerificationDamageIsDeliveredAsItIs) { // VER-6: off
    write(test::EseDatabase{}.pages(6).damaged_page(4));
    auto reader = open(false);
    EXPECT_TRUE(read_all(reader, {1 << 20}).bytes == test::read_file(file.source));
}

TEST_F(BackupReaderTest, OneSoundHeaderOfTheTwoIsEnough) { // BREAD-4: headers by their own checksum
    for (const std::uint32_t size : {1u << 20, 8192u, 100u}) {
        write(test::EseDatabase{}.damaged_header());
        auto first = open();
        EXPECT_EQ(read_all(first, {size}).status, ERROR_HANDLE_EOF);
        write(test::EseDatabase{}.damaged_shadow());
        auto second = open();
        EXPECT_EQ(read_all(second, {size}).status, ERROR_HANDLE_EOF);
        write(test::EseDatabase{}.damaged_header().damaged_shadow());
        auto neither = open();
        neither.set_pause([] {});
        const auto all = read_all(neither, {size});
        EXPECT_EQ(all.status, static_cast<Code>(hrReadVerifyFailure));
        EXPECT_TRUE(all.bytes.empty());
    }
}

TEST_F(BackupReaderTest, VerifiesAPageInABufferOnce) {
    write(test::EseDatabase{}.pages(2));
    auto reader = open();
    int rereads = 0;
    reader.set_pause([&] { ++rereads; });
    EXPECT_EQ(read_once(reader, 3 * 8192).status, 0);
    EXPECT_EQ(read_once(reader, 100).status, 0);
    test::write_file(file.source, test::EseDatabase{}.pages(2).damaged_page(2).bytes());
    EXPECT_EQ(read_once(reader, 8092).status, 0) << "the rest came from the file again";
    EXPECT_EQ(rereads, 0);
}

TEST_F(BackupReaderTest, AFileThatShrinksIsDiskIo) {
    write(test::EseDatabase{});
    for (const bool verify : {true, false}) {
        write(test::EseDatabase{});
        auto reader = open(verify);
        EXPECT_EQ(read_once(reader, 4 * 8192).status, 0);
        std::filesystem::resize_file(file.source, 6 * 8192);
        EXPECT_EQ(read_once(reader, 1 << 20).status, static_cast<Code>(hrDiskIO));
        EXPECT_EQ(code_of(BackupReader::open(file, verify)), static_cast<Code>(hrDiskIO));
    }
}

TEST_F(BackupReaderTest, ALogThatGrowsIsReadToItsListedSize) {
    file.page_size = 0;
    write(test::EseDatabase{});
    const auto expected = test::read_file(file.source);
    auto longer = expected;
    longer.resize(longer.size() + 5000);
    test::write_file(file.source, longer);
    auto reader = open();
    EXPECT_TRUE(read_all(reader, {1 << 20}).bytes == expected);
}

TEST_F(BackupReaderTest, ADatabaseThatGrewSincePrepareIsDiskIo) {
    write(test::EseDatabase{}.pages(8));
    test::EseDatabase{}.pages(9).write(file.source);
    EXPECT_EQ(code_of(BackupReader::open(file, true)), static_cast<Code>(hrDiskIO));
}

TEST_F(BackupReaderTest, AnEmptyFileIsDeliveredWhenOpened) {
    file.page_size = 0;
    file.source = directory.live() / "empty.log";
    test::write_file(file.source, {});
    auto reader = open();
    EXPECT_TRUE(file.delivered);
    EXPECT_EQ(read_once(reader, 10).status, ERROR_HANDLE_EOF);
}

TEST_F(BackupReaderTest, AVanishedFileIsDiskIoNotFileNotFound) { // BOPEN-2 is for unlisted names
    write(test::EseDatabase{});
    std::filesystem::remove(file.source);
    EXPECT_EQ(code_of(BackupReader::open(file, true)), static_cast<Code>(hrDiskIO));
}

TEST_F(BackupReaderTest, ASinkThatTakesTooLittleIsAnErrorAndLosesNothing) {
    write(test::EseDatabase{});
    auto reader = open();
    wire::BufferSink small(5000);
    EXPECT_EQ(code_of(reader.read(8192, small)), RPC_X_BAD_STUB_DATA);
    EXPECT_TRUE(read_all(reader, {8192}).bytes == test::read_file(file.source));
}

TEST_F(BackupReaderTest, AReadOverTheLimitIsShortened) { // BREAD-1: short reads are allowed
    write(test::EseDatabase{});
    auto reader = open();
    test::Bytes buffer(static_cast<std::size_t>(file.size));
    wire::ReadReplySink sink(buffer);
    ASSERT_TRUE(reader.read(wire::max_read_bytes + 1, sink));
    ASSERT_TRUE(sink.outcome());
    EXPECT_EQ(sink.outcome().value().count, file.size);
}

} // namespace
} // namespace ntdsb::service
