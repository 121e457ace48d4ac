// The table of all messages and the samples, whose octets tests/golden holds.
#include "messages.h"

#include "field_visitors.h"
#include "wire/read_reply.h"

#include <random>
#include <stdexcept>

namespace ntdsb::wire::test {

namespace {

template <class Struct>
std::string describe(Struct value) {
    Describer describer;
    value.fields(describer);
    return describer.result();
}

template <class Struct>
Struct fill(unsigned seed) {
    Struct value;
    Filler filler(seed);
    value.fields(filler);
    return value;
}

template <class Struct>
Result<Understood> understand(std::span<const std::byte> stub) {
    NTDSB_TRY(const auto value, decode<Struct>(stub));
    return Understood{describe(value), encode(value)};
}

template <class Struct, auto make>
Message message(const char* name) {
    return {name, [] { return encode<Struct>(make()); }, understand<Struct>,
            [](unsigned seed) { return encode(fill<Struct>(seed)); },
            [](unsigned seed) { return describe(fill<Struct>(seed)); }};
}

constexpr std::uint32_t read_size = 4096;

void must(const Result<void>& result) {
    if (!result) throw std::runtime_error(result.error().what);
}

// A reply of BackupRead that was begun with `bytes` and ended with `status`.
Bytes read_reply(std::string_view bytes, Code status) {
    BufferSink sink(64 * 1024);
    ReadReplyWriter writer(sink);
    must(writer.begin(read_size, static_cast<std::uint32_t>(bytes.size())));
    while (!bytes.empty()) {
        const auto memory = writer.lend(bytes.size());
        if (memory.empty()) throw std::runtime_error("nothing lent");
        for (std::size_t i = 0; i < memory.size(); ++i)
            memory[i] = static_cast<std::byte>(bytes[i]);
        writer.commit(memory.size());
        bytes.remove_prefix(memory.size());
    }
    must(writer.finish(status));
    return Bytes(sink.bytes().begin(), sink.bytes().end());
}

std::string describe_read(std::string_view bytes, Code status) {
    auto result = text("status ", status, " (", bytes.size(), ")");
    for (const auto byte : bytes) {
        append_text(result, ' ');
        append_text(result, static_cast<unsigned char>(byte));
    }
    return result;
}

Result<Understood> understand_read(std::span<const std::byte> stub) {
    Bytes buffer(read_size);
    ReadReplySink sink(buffer);
    NTDSB_CHECK(sink.write(stub));
    NTDSB_TRY(const auto outcome, sink.outcome());
    std::string bytes(outcome.count, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(buffer[i]);
    return Understood{describe_read(bytes, outcome.status), read_reply(bytes, outcome.status)};
}

struct RandomRead {
    std::string bytes;
    Code status = 0;
};

RandomRead random_read(unsigned seed) {
    std::mt19937_64 random(seed);
    RandomRead read;
    read.bytes.resize(static_cast<std::size_t>(random() % (read_size + 1)));
    for (auto& byte : read.bytes) byte = static_cast<char>(random() & 0xff);
    if (random() % 4 == 0) read.status = static_cast<Code>(random() | 1);
    return read;
}

template <auto make>
Message read_message(const char* name) {
    return {name, [] { return make(); }, understand_read,
            [](unsigned seed) {
                const auto read = random_read(seed);
                return read_reply(read.bytes, read.status);
            },
            [](unsigned seed) {
                const auto read = random_read(seed);
                return describe_read(read.status == 0 ? read.bytes : "", read.status);
            }};
}

ContextHandle session() {
    ContextHandle handle;
    for (std::uint8_t i = 0; i < handle.uuid.size(); ++i) {
        handle.uuid[i] = static_cast<std::uint8_t>(0x11 + i);
    }
    return handle;
}

Bytes token() {
    Bytes bytes;
    for (const int octet : {0xde, 0xad, 0xbe, 0xef, 0x01})
        bytes.push_back(static_cast<std::byte>(octet));
    return bytes;
}

// A list as ABI-5 writes it, its last two NULs written out.
template <std::size_t size>
ListReply list(const char16_t (&entries)[size]) {
    return {std::u16string(entries, size - 1), 0};
}

constexpr Code failure = static_cast<Code>(0x80004005);

RestoreRegister::Request register_request() {
    RestoreRegister::Request request;
    request.session = session();
    request.checkpoint_path = u"c:\\ntds";
    request.log_path = u"d:\\logs\\";
    request.map = {{u"c:\\ntds", u"c:\\ntds"},
                   {u"c:\\a.dit", std::u16string(u"d:\\") + char16_t(0xd800)}};
    request.backup_log_path = u"e:\\backup";
    request.gen_low = 1;
    request.gen_high = 0xfffff;
    return request;
}

SessionRequest session_request() { return {session()}; }
StatusReply success() { return {0}; }
EndReply ended() { return {{}, 0}; }

std::vector<Message> restore_messages() {
    return {
        message<IsDirectoryOnline::Request, [] { return IsDirectoryOnline::Request{u"lds1"}; }>(
            "restore.00.request"),
        message<IsDirectoryOnline::Reply,
                [] {
                    return IsDirectoryOnline::Reply{1, 0};
                }>("restore.00.reply"),
        message<RestorePrepare::Request,
                [] {
                    return RestorePrepare::Request{u"", 4, token()};
                }>("restore.01.request"),
        message<RestorePrepare::Request,
                [] {
                    return RestorePrepare::Request{u"lds", 0, {}};
                }>("restore.01.request.restricted"),
        message<RestorePrepare::Reply,
                [] {
                    return RestorePrepare::Reply{session(), 0};
                }>("restore.01.reply"),
        message<RestorePrepare::Reply,
                [] {
                    return RestorePrepare::Reply{{}, 5};
                }>("restore.01.reply.failed"),
        message<RestoreRegister::Request, register_request>("restore.02.request"),
        message<RestoreRegister::Reply, success>("restore.02.reply"),
        message<RestoreRegisterComplete::Request,
                [] {
                    return RestoreRegisterComplete::Request{session(), failure};
                }>("restore.03.request"),
        message<RestoreRegisterComplete::Reply, success>("restore.03.reply"),
        message<RestoreGetDatabaseLocations::Request, session_request>("restore.04.request"),
        message<RestoreGetDatabaseLocations::Reply,
                [] { return list(u"Dc:\\ntds\\ntds.dit\0\u0082c:\\ntds\0\u0083c:\\ntds\0\0"); }>(
            "restore.04.reply"),
        message<RestoreGetDatabaseLocations::Reply,
                [] {
                    return ListReply{{}, 87};
                }>("restore.04.reply.failed"),
        message<RestoreEnd::Request, session_request>("restore.05.request"),
        message<RestoreEnd::Reply, ended>("restore.05.reply"),
        message<SetCurrentLogNumber::Request,
                [] {
                    return SetCurrentLogNumber::Request{u"abc", 0x12345};
                }>("restore.06.request"),
        message<SetCurrentLogNumber::Reply, success>("restore.06.reply"),
        message<CheckExpiryToken::Request,
                [] {
                    return CheckExpiryToken::Request{u"", token()};
                }>("restore.07.request"),
        message<CheckExpiryToken::Reply, [] { return StatusReply{87}; }>("restore.07.reply"),
    };
}

std::vector<Message> backup_messages() {
    return {
        message<BackupPrepare::Request,
                [] {
                    return BackupPrepare::Request{u"lds1", 0, 1};
                }>("backup.00.request"),
        message<BackupPrepare::Reply,
                [] {
                    return BackupPrepare::Reply{token(), session(), 0};
                }>("backup.00.reply"),
        message<BackupPrepare::Reply,
                [] {
                    return BackupPrepare::Reply{{}, {}, 5};
                }>("backup.00.reply.failed"),
        message<BackupEnd::Request, session_request>("backup.01.request"),
        message<BackupEnd::Reply, ended>("backup.01.reply"),
        message<BackupGetDatabaseNames::Request, session_request>("backup.02.request"),
        message<BackupGetDatabaseNames::Reply, [] { return list(u"Dc:\\ntds\\ntds.dit\0\0"); }>(
            "backup.02.reply"),
        message<BackupOpenFile::Request,
                [] {
                    return BackupOpenFile::Request{session(), u"Dc:\\ntds\\ntds.dit", 0x10000};
                }>("backup.03.request"),
        message<BackupOpenFile::Reply,
                [] {
                    return BackupOpenFile::Reply{0x123456000, 0};
                }>("backup.03.reply"),
        message<BackupRead::Request,
                [] {
                    return BackupRead::Request{session(), read_size};
                }>("backup.04.request"),
        read_message<[] { return read_reply("hello", 0); }>("backup.04.reply"),
        read_message<[] { return read_reply("", 38); }>("backup.04.reply.end"),
        read_message<[] {
            return read_reply({"hel\0\0\0", 6}, 23);
        }>("backup.04.reply.failed"),
        message<BackupClose::Request, session_request>("backup.05.request"),
        message<BackupClose::Reply, success>("backup.05.reply"),
        message<BackupGetBackupLogs::Request, session_request>("backup.06.request"),
        message<BackupGetBackupLogs::Reply, [] { return list(u"\0\0"); }>("backup.06.reply"),
        message<BackupTruncateLogs::Request, session_request>("backup.07.request"),
        message<BackupTruncateLogs::Reply, success>("backup.07.reply"),
        message<BackupPing::Request, [] { return BackupPing::Request{}; }>("backup.08.request"),
        message<BackupPing::Reply, success>("backup.08.reply"),
        message<BackupGetDatabaseLocations::Request, session_request>("backup.09.request"),
        message<BackupGetDatabaseLocations::Reply, [] { return list(u"Dc:\\n.dit\0\0"); }>(
            "backup.09.reply"),
    };
}

} // namespace

const std::vector<Message>& messages() {
    static const auto all = [] {
        auto result = restore_messages();
        for (auto& message : backup_messages()) result.push_back(std::move(message));
        return result;
    }();
    return all;
}

} // namespace ntdsb::wire::test
