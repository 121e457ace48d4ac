// A transport plug-in as the host meets it: a table of any size and content, and behind a whole one
// functions that do with a call's reply whatever they like.
#include "fuzz/fuzz.h"

#include "transport/plugin_table.h"
#include "wire/ndr.h"
#include "wire/read_reply.h"

#include <algorithm>
#include <cstring>

namespace ntdsb::fuzz {

namespace {

// What the plug-in does next; one input at a time.
struct Script {
    Reader reader{{}};
    unsigned connections = 0; // open ones
    bool calling = false;
};
Script script;
int marker; // what a connection is to the plug-in

std::int32_t code_of(std::uint8_t choice) {
    constexpr std::int32_t codes[] = {NTDSB_TRANSPORT_OK,
                                      NTDSB_TRANSPORT_COULD_NOT_CONNECT,
                                      NTDSB_TRANSPORT_COMMUNICATION_ERROR,
                                      5,
                                      1722,
                                      -1};
    return codes[choice % std::size(codes)];
}

std::int32_t connect(const ntdsb_target* target, void** connection, char* error,
                     std::size_t error_size) {
    FUZZ_CHECK(target->size == sizeof *target && target->server != nullptr &&
                   target->address != nullptr,
               "P-3: the target is whole");
    FUZZ_CHECK((target->user == nullptr) == (target->password == nullptr),
               "P-8: credentials are whole or absent");
    const auto code = code_of(script.reader.u8());
    // Text without an end, text that is no UTF-8: all of it the plug-in's.
    const Input text = script.reader.part(script.reader.u8());
    if (!text.empty()) std::memcpy(error, text.data(), std::min(text.size(), error_size));
    if (code != NTDSB_TRANSPORT_OK) return code;
    *connection = &marker;
    ++script.connections;
    return code;
}

// Lends and commits by the input's steps.
std::int32_t call(void* connection, std::uint16_t, const void*, std::size_t,
                  const ntdsb_reply* reply) {
    FUZZ_CHECK(connection == &marker && !script.calling, "P-2: one call at a time");
    script.calling = true;
    const std::size_t steps = script.reader.u8() % 16;
    for (std::size_t i = 0; i < steps; ++i) {
        const auto what = script.reader.u8();
        if ((what & 1) != 0) {
            // As a sound plug-in does: part by part, until it is not taken.
            auto part = script.reader.part(std::size_t{what});
            while (!part.empty()) {
                std::size_t lent = 0;
                void* const memory = reply->lend(reply->context, part.size(), &lent);
                if (memory == nullptr) {
                    FUZZ_CHECK(lent == 0, "P-6: nothing is lent where NULL is");
                    break;
                }
                FUZZ_CHECK(lent >= 1 && lent <= part.size(), "P-6: at least one, at most wanted");
                std::memcpy(memory, part.data(), lent);
                reply->commit(reply->context, lent);
                part = part.subspan(lent);
            }
        } else if ((what & 2) != 0) {
            reply->commit(reply->context, script.reader.u16());
        } else {
            std::size_t lent = 0;
            reply->lend(reply->context, script.reader.u32(), (what & 4) != 0 ? nullptr : &lent);
        }
    }
    script.calling = false;
    return code_of(script.reader.u8());
}

void cancel(void* connection) { FUZZ_CHECK(connection == &marker, "P-2: of a live connection"); }

void disconnect(void* connection) {
    FUZZ_CHECK(connection == &marker && !script.calling && script.connections == 1,
               "H-3: once for each connection, when no call runs");
    --script.connections;
}

constexpr ntdsb_transport whole{
    sizeof(ntdsb_transport), NTDSB_TRANSPORT_VERSION, connect, call, cancel, disconnect};

// The table that the host negotiates, in memory of the size that it says: one bit of `holes` a
// member that is missing.
void judge_table(Reader& reader) {
    ntdsb_transport table = whole;
    table.size = reader.u32();
    table.version = reader.u32();
    const auto holes = reader.u8();
    if ((holes & 1) != 0) table.connect = nullptr;
    if ((holes & 2) != 0) table.call = nullptr;
    if ((holes & 4) != 0) table.cancel = nullptr;
    if ((holes & 8) != 0) table.disconnect = nullptr;
    constexpr std::size_t least = offsetof(ntdsb_transport, connect); // size and version
    const std::size_t size = std::clamp<std::size_t>(table.size, least, sizeof table);
    const auto* const octets = reinterpret_cast<const std::byte*>(&table);
    const Octets made(octets, octets + size);
    const auto checked =
        transport::check_plugin_table(reinterpret_cast<const ntdsb_transport*>(made.data()));
    const bool is_good =
        table.version == NTDSB_TRANSPORT_VERSION && table.size >= sizeof table && (holes & 15) == 0;
    FUZZ_CHECK(bool(checked) == is_good, "H-2: a table is taken exactly where it is whole");
    FUZZ_CHECK(checked || (checked.error().code == hrError && !checked.error().what.empty()),
               "H-2: it is said what a table lacks");
    FUZZ_CHECK(!transport::check_plugin_table(nullptr), "H-2: no table is no plug-in");
}

void judge_connection(Reader& reader) {
    const bool with_identity = reader.flag();
    const std::size_t room = reader.u16();
    script = {};
    script.reader = Reader(reader.rest());
    transport::PluginTarget target{"server", "address", 1, wire::Interface::backup, nullptr};
    if (with_identity) {
        auto secret = platform::Secret::protect(u"secret");
        FUZZ_CHECK(bool(secret), "a secret is kept");
        target.identity = std::make_shared<transport::AuthIdentity>(
            transport::AuthIdentity{u"user", u"domain", std::move(secret).value()});
    }
    {
        const auto connected = transport::connect_through(whole, "made", target);
        if (!connected) {
            const auto code = connected.error().code;
            FUZZ_CHECK(code == hrCouldNotConnect || code == ERROR_ACCESS_DENIED, "COM-7, COM-9");
            FUZZ_CHECK(
                std::ranges::none_of(connected.error().what,
                                     [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
                "no plug-in forges a log line");
            return;
        }
        connected.value()->cancel();
        const wire::Bytes request(24);
        wire::BufferSink list(room);
        if (connected.value()->call(2, request, list)) // H-4: it is judged like any other reply
            (void)wire::decode<wire::ListReply>(list.bytes());
        FUZZ_CHECK(list.bytes().size() <= room, "a reply never takes more than it may");
        Octets buffer(room);
        wire::ReadReplySink read(buffer);
        if (connected.value()->call(4, request, read)) (void)read.outcome();
    }
    FUZZ_CHECK(script.connections == 0, "H-3: what was connected is disconnected");
}

} // namespace

void plugin_table(Input input) {
    const Octets copy = exactly(input);
    Reader reader(copy);
    if (reader.flag())
        judge_table(reader);
    else
        judge_connection(reader);
}

} // namespace ntdsb::fuzz
