// A whole restored set on disk: database, logs in either folder, checkpoint, from sound ones to any
// field of any file changed. What verification promises must hold of all of them, and a set that was
// made sound must be found sound.
#include "fuzz/fuzz.h"

#include "ese/findings.h"
#include "ese/restore_set.h"
#include "support/ese_builder.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <map>

namespace ntdsb::fuzz {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_logs = 4;
const std::atomic<bool> never{false};

using Listing = std::map<fs::path, std::pair<std::uintmax_t, fs::file_time_type>>;
Listing list(const fs::path& folder) {
    Listing found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file())
            found[entry.path()] = {entry.file_size(), entry.last_write_time()};
    }
    return found;
}

class MadeSet {
public:
    explicit MadeSet(const fs::path& root) : root_(root) {
        for (const auto& folder : {ntds(), backup()}) {
            fs::remove_all(folder);
            fs::create_directories(folder);
        }
    }

    void make(Reader& reader) {
        const auto how = reader.u8();
        low_ = 1 + static_cast<std::uint32_t>(reader.below(8));
        high_ = low_ + static_cast<std::uint32_t>(reader.below(most_logs));
        const bool is_dirty = (how & 1) != 0;
        const auto stream = test::make_signature(7);
        database_.page_size(2048).pages(2).log_signature(stream);
        std::uint32_t required = high_;
        if (is_dirty) {
            required = low_ + static_cast<std::uint32_t>(reader.below(most_logs + 1));
            database_.dirty().required(required, high_);
            sound_ = sound_ && required <= high_;
        }
        database_.write(ntds() / "ntds.dit");
        test::LogChain chain(stream);
        chain.from(low_).to(high_);
        for (std::uint32_t number = low_; number <= high_; ++number)
            place(chain.log(number), reader.u8(), (how & 2) != 0 && number == high_);
        if ((how & 4) != 0) {
            const std::uint32_t at = low_ + static_cast<std::uint32_t>(reader.below(most_logs + 1));
            test::EseCheckpoint(stream).generation(at).write(ntds() / "edb.chk");
            sound_ = sound_ && (!is_dirty || at <= required);
        }
        verify_pages_ = (how & 8) != 0;
        if ((how & 16) != 0) low_ = 0; // REG-10
        if ((how & 16) != 0) sound_is_known_ = false;
        change(reader);
    }

    ese::RestoreSet set() const {
        ese::RestoreSet set;
        set.databases = {ntds() / "ntds.dit"};
        set.configured_database = set.databases.front();
        set.log_path = set.checkpoint_path = ntds();
        set.backup_log_path = backup();
        set.gen_low = low_;
        set.gen_high = high_;
        const auto facts = database_.facts();
        set.identities = {{{facts.signature}, facts.size, facts.dbtime, facts.header_checksum}};
        set.verify_pages = verify_pages_;
        return set;
    }

    // Nothing: some field was changed, and only the verifier knows.
    std::optional<bool> is_sound() const {
        return sound_is_known_ ? std::optional(sound_) : std::nullopt;
    }
    fs::path ntds() const { return root_ / "ntds"; }
    fs::path backup() const { return root_ / "backup"; }

private:
    void place(const test::EseLog& log, std::uint8_t where, bool as_current) {
        const auto name = as_current ? "edb.log" : test::EseLog::name(log.generation());
        if ((where & 1) != 0) log.write(ntds() / name);
        if ((where & 2) != 0) log.write(backup() / name);
        sound_ = sound_ && (where & 3) != 0;
    }

    // File, offset, value; sealed again or not.
    void change(Reader& reader) {
        while (!reader.at_end()) {
            const auto which = reader.u8();
            const std::size_t at = reader.u16();
            const auto value = reader.u32();
            const auto files = list(root_);
            auto file = files.begin();
            std::advance(file, (which >> 1) % files.size());
            auto content = test::read_file(file->first);
            if (at + 4 > content.size()) continue;
            sound_is_known_ = false;
            for (std::size_t i = 0; i < 4; ++i)
                content[at + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
            const std::size_t header = file->first.extension() == ".dit" ? 2048 : 4096;
            if ((which & 1) != 0 && content.size() >= header) {
                const auto sum = test::builder_header_checksum(content.data(), header);
                for (std::size_t i = 0; i < 4; ++i)
                    content[i] = static_cast<std::byte>(sum >> (8 * i) & 0xff);
            }
            test::write_file(file->first, content);
        }
    }

    fs::path root_;
    test::EseDatabase database_;
    std::uint32_t low_ = 0, high_ = 0;
    bool verify_pages_ = true;
    bool sound_ = true;
    bool sound_is_known_ = true;
};

} // namespace

void restore_set(Input input) {
    static const test::TempFolder folder;
    Reader reader(input);
    MadeSet made(folder.path());
    made.make(reader);
    const auto set = made.set();
    const auto before = list(folder.path());
    const auto report = ese::verify_restore_set(set, never);
    FUZZ_CHECK(list(folder.path()) == before, "a verification changes nothing");
    FUZZ_CHECK(report.result == ese::result_of(report.findings),
               "VER-8: the first of the findings");
    FUZZ_CHECK((report.result == S_OK) == report.findings.empty(),
               "VER-8: a finding is no success");
    for (const auto& finding : report.findings)
        FUZZ_CHECK(finding.code != 0 && !finding.what.empty(), "VER-8: a finding says what it is");
    if (made.is_sound())
        FUZZ_CHECK(*made.is_sound() == (report.result == S_OK),
                   "VER-1..VER-6: sound sets are found sound, and no others");
    for (const auto& [file, facts] : before) {
        const auto alone = ese::verify_file(file, true, never);
        FUZZ_CHECK(alone.result == ese::result_of(alone.findings), "VER-8");
    }
    if (report.result != S_OK) return;
    FUZZ_CHECK(bool(ese::place_logs(report, never)), "VER-7: what is sound can be placed");
    const auto again = ese::verify_restore_set(set, never);
    FUZZ_CHECK(again.result == S_OK, "VER-7: what was placed is sound");
    FUZZ_CHECK(again.placements.empty(), "VER-7: placing is done once");
}

} // namespace ntdsb::fuzz
