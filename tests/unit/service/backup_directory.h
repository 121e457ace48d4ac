// A made directory in a temporary folder, as the backup tests need one: live files, a snapshot
// beside them, configuration and instance; and the reading of a session as a client reads it.
// Everything is removed with it.
#pragma once

#include "core/path.h"
#include "platform/process.h"
#include "service/sessions.h"
#include "support/codes.h"
#include "support/ese_builder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

namespace ntdsb::service {

class BackupDirectory {
public:
    BackupDirectory() {
        std::array<std::byte, 8> random{};
        if (!platform::random_bytes(random)) throw std::runtime_error("no random bytes");
        std::uint64_t number = 0;
        std::memcpy(&number, random.data(), sizeof number);
        root_ = std::filesystem::temp_directory_path() / ("ntdsb-backup-" + std::to_string(number));
        std::filesystem::create_directories(live());
        std::filesystem::create_directories(snapshot());
        config.directory.database = wire_path(database());
        config.directory.log_path = wire_path(live());
        config.directory.checkpoint_path = wire_path(live());
        config.directory.state_path = wire_path(root_ / "state");
    }
    ~BackupDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }
    BackupDirectory(const BackupDirectory&) = delete;
    BackupDirectory& operator=(const BackupDirectory&) = delete;

    platform::Path live() const { return root_ / "live"; }
    platform::Path snapshot() const { return root_ / "snapshot"; }
    platform::Path database() const { return live() / "ntds.dit"; }
    platform::Path log(std::uint32_t generation) const {
        return live() / test::EseLog::name(generation);
    }
    void use_snapshot() { config.directory.snapshot_path = wire_path(snapshot()); }

    // A dirty database that needs `low` to `high`, a checkpoint at `checkpoint`, and the logs
    // `first` to `high`, the last one as edb.log.
    void make_dirty(const platform::Path& folder, std::uint32_t first, std::uint32_t checkpoint,
                    std::uint32_t low, std::uint32_t high) const {
        test::EseDatabase{}.dirty().log_signature(signature).required(low, high).write(folder /
                                                                                       "ntds.dit");
        test::EseCheckpoint{signature}.generation(checkpoint).write(folder / "edb.chk");
        test::LogChain{signature}.from(first).to(high).current().write(folder);
    }
    void make_dirty(std::uint32_t first = 3, std::uint32_t checkpoint = 5, std::uint32_t low = 6,
                    std::uint32_t high = 9) const {
        make_dirty(live(), first, checkpoint, low, high);
    }

    ConfigPtr shared_config() const { return std::make_shared<const Config>(config); }
    InstancePtr instance() const {
        auto opened = Instance::open(shared_config(), u"");
        if (!opened) throw std::runtime_error(opened.error().what);
        return opened.value();
    }
    Result<BackupSession::Prepared> prepare(std::uint32_t grbit = 0, std::uint32_t type = 1) const {
        return BackupSession::prepare(shared_config(), {u"", grbit, type});
    }
    std::unique_ptr<BackupSession> session() const {
        auto prepared = prepare();
        if (!prepared) throw std::runtime_error(prepared.error().what);
        return std::move(prepared).value().session;
    }

    const test::Signature signature = test::make_signature(7);
    Config config;

private:
    platform::Path root_;
};

// The reply to one read, as a client's buffer receives it.
struct ReadOutcome {
    Code status = 0;
    test::Bytes bytes;
};

// `reader`: a BackupReader or a BackupSession.
template <class Reader>
ReadOutcome read_once(Reader& reader, std::uint32_t size) {
    test::Bytes buffer(size);
    wire::ReadReplySink sink(buffer);
    if (const auto sent = reader.read(size, sink); !sent) return {sent.error().code, {}};
    const auto outcome = sink.outcome();
    if (!outcome) return {outcome.error().code, {}};
    buffer.resize(outcome.value().count);
    return {outcome.value().status, std::move(buffer)};
}

// Reads to the end, with the sizes in turn. The last status is ERROR_HANDLE_EOF if all went well.
template <class Reader>
ReadOutcome read_all(Reader& reader, const std::vector<std::uint32_t>& sizes) {
    ReadOutcome all;
    for (std::size_t i = 0; all.status == 0; ++i) {
        const auto part = read_once(reader, sizes[i % sizes.size()]);
        all.status = part.status;
        all.bytes.insert(all.bytes.end(), part.bytes.begin(), part.bytes.end());
    }
    return all;
}

struct ListEntry {
    char16_t bft = 0;
    std::u16string path;
    bool operator==(const ListEntry&) const = default;
};

// Takes a list apart (contract ABI-5); an ill-formed one fails the test.
inline std::vector<ListEntry> entries_of(const std::u16string& list) {
    std::vector<ListEntry> entries;
    std::size_t at = 0;
    if (list == std::u16string(2, u'\0')) return entries;
    while (at < list.size() && list[at] != u'\0') {
        const auto end = list.find(u'\0', at);
        if (end == list.npos) break;
        entries.push_back({list[at], list.substr(at + 1, end - at - 1)});
        at = end + 1;
    }
    EXPECT_EQ(at + 1, list.size()) << "no last NUL";
    return entries;
}

inline std::vector<std::string> names_of(const std::u16string& list) {
    std::vector<std::string> names;
    for (const auto& entry : entries_of(list)) names.push_back(text(path_file_name(entry.path)));
    return names;
}

} // namespace ntdsb::service
