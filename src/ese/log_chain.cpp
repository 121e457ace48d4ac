// See log_chain.h. The pieces in the order of use: the range, the signature that all logs must
// have, each generation, the links between neighbours, what lies above the range, edb.log's place,
// the copies.
#include "ese/log_chain.h"

#include "ese/header_file.h"
#include "ese/same_content.h"

#include <algorithm>

namespace ntdsb::ese {
namespace {

constexpr const char* rule = "VER-2";

std::string numbered(std::uint32_t generation) {
    return text(generation, " (", log_file_name(generation), ")");
}

// REG-10: 0..0 is no logs; 0..N starts at the lowest required generation, or for clean databases at
// the lowest in the backup log path.
Generations given_range(const RestoreSet& set, const std::vector<CheckedDatabase>& databases,
                        const GatheredLogs& logs) {
    if (set.gen_low != 0 || set.gen_high == 0) return {set.gen_low, set.gen_high};
    const auto required = lowest_required(databases);
    const std::uint32_t low = required ? *required : logs.lowest_in_backup.value_or(set.gen_high);
    return {std::min(low, set.gen_high), set.gen_high};
}

class Chain {
public:
    Chain(const RestoreSet& set, Generations given, GatheredLogs& logs, Work& work,
          Findings& findings)
        : set_(set), given_(given), logs_(logs), work_(work), findings_(findings) {}

    void read_headers();
    void choose_signature(const std::vector<CheckedDatabase>& databases);
    void check_given();
    void check_above();
    void check_unknown();
    void check_current();
    std::vector<LogPlacement> placements() const;

    std::optional<Signature> given_signature() const { return given_signature_; }
    std::optional<Signature> stream_signature() const { return signature_; }

private:
    using Candidates = std::vector<LogCandidate>;

    bool has_range() const { return given_.high != 0; }
    bool is_given(std::uint32_t generation) const {
        return has_range() && generation >= given_.low && generation <= given_.high;
    }
    bool is_above(std::uint32_t generation) const { return generation > given_.high; }
    // Whether the restore has anything to do with a file.
    bool counts(std::uint32_t generation, const LogCandidate& log) const {
        return is_given(generation) ||
               (log.in_log_path && (is_above(generation) || log.is_current()));
    }
    bool unknown_current_may_be_top() const { return has_range() && !logs_.unknown.empty(); }

    static const LogCandidate& serving(const Candidates& candidates);
    const LogCandidate* serving(std::uint32_t generation) const;
    std::uint32_t top() const;

    void report_missing(std::uint32_t from, std::uint32_t to);
    void check_files(const Candidates& candidates, Code foreign);
    void check_link(const LogCandidate* before, const LogCandidate& log, Code broken);
    void check_copies(std::uint32_t generation, const Candidates& candidates);
    bool may_differ(std::uint32_t generation, const LogCandidate& kept,
                    const LogCandidate& other) const;

    const RestoreSet& set_;
    Generations given_;
    GatheredLogs& logs_;
    Work& work_;
    Findings& findings_;
    std::optional<Signature> given_signature_, signature_;
};

// The log path's file cannot be replaced (VER-7), so it is the one that recovery will read.
const LogCandidate& Chain::serving(const Candidates& candidates) {
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [](const LogCandidate& log) { return log.in_log_path; });
    return found != candidates.end() ? *found : candidates.front();
}

const LogCandidate* Chain::serving(std::uint32_t generation) const {
    const auto found = logs_.by_generation.find(generation);
    return found != logs_.by_generation.end() ? &serving(found->second) : nullptr;
}

// After this the map holds what counts, read, and nothing else.
void Chain::read_headers() {
    for (auto slot = logs_.by_generation.begin(); slot != logs_.by_generation.end();) {
        if (work_.cancelled()) return;
        auto& [generation, candidates] = *slot;
        std::erase_if(candidates, [&, number = generation](const LogCandidate& log) {
            return !counts(number, log);
        });
        read_candidates(candidates, set_.links);
        slot = candidates.empty() ? logs_.by_generation.erase(slot) : std::next(slot);
    }
}

// The logs decide by a database's log signature where one of them has it, so that a single foreign
// log is the one that is found; else by the first log.
void Chain::choose_signature(const std::vector<CheckedDatabase>& databases) {
    std::vector<Signature> wanted;
    for (const auto& database : databases) {
        if (database.header && !database.header->log_signature.is_zero())
            wanted.push_back(database.header->log_signature);
    }
    std::optional<Signature> first_given, first_above;
    std::optional<std::size_t> best;
    for (const auto& [generation, candidates] : logs_.by_generation) {
        for (const auto& log : candidates) {
            if (!log.header) continue;
            auto& first = is_given(generation) ? first_given : first_above;
            if (!first) first = log.header->signature;
            const auto found = std::find(wanted.begin(), wanted.end(), log.header->signature);
            if (!is_given(generation) || found == wanted.end()) continue;
            const auto place = static_cast<std::size_t>(found - wanted.begin());
            best = std::min(best.value_or(place), place);
        }
    }
    // cppcheck-suppress containerOutOfBounds ; `best` is a place in `wanted`
    given_signature_ = best ? wanted[*best] : first_given;
    signature_ = given_signature_;
    if (!signature_ && !wanted.empty()) signature_ = wanted.front();
    if (!signature_) signature_ = first_above;
}

void Chain::report_missing(std::uint32_t from, std::uint32_t to) {
    const auto range = from == to
                           ? text("log generation ", numbered(from), " is")
                           : text("log generations ", numbered(from), " to ", numbered(to), " are");
    findings_.add(rule, set_.backup_log_path,
                  fail(hrMissingRestoreLogFiles, range, " neither in ", shown(set_.backup_log_path),
                       " nor in ", shown(set_.log_path)));
}

void Chain::check_files(const Candidates& candidates, Code foreign) {
    for (const auto& log : candidates) {
        for (const auto& fault : log.faults) findings_.add(rule, log.file.path, fault);
        if (log.header && signature_ && log.header->signature != *signature_) {
            findings_.add(rule, log.file.path,
                          fail(foreign, shown(log.file.path), ": the signature at offset 44 is ",
                               shown(log.header->signature.bytes), " where that of the others, ",
                               shown(signature_->bytes), ", is expected"));
        }
    }
}

void Chain::check_link(const LogCandidate* before, const LogCandidate& log, Code broken) {
    if (before == nullptr || !before->header || !log.header ||
        log.header->created_after == before->header->created)
        return;
    findings_.add(rule, log.file.path,
                  fail(broken, shown(log.file.path),
                       ": the creation time of its predecessor, at offset 24, is ",
                       shown(log.header->created_after), " where ", shown(before->header->created),
                       ", which ", shown(before->file.path), " has at offset 16, is expected"));
}

// VER-2: at genHigh the log may have grown since it was backed up, and the log path's is kept if
// more follows it or may.
bool Chain::may_differ(std::uint32_t generation, const LogCandidate& kept,
                       const LogCandidate& other) const {
    if (generation != given_.high || !kept.in_log_path || other.in_log_path) return false;
    if (kept.header->signature != other.header->signature ||
        kept.header->created != other.header->created)
        return false;
    return kept.is_current() || serving(generation + 1) != nullptr;
}

void Chain::check_copies(std::uint32_t generation, const Candidates& candidates) {
    const LogCandidate& kept = serving(candidates);
    for (const auto& other : candidates) {
        if (&other == &kept || !kept.is_sound() || !other.is_sound() ||
            may_differ(generation, kept, other))
            continue;
        work_.expect(other.header->file_size);
        auto same =
            same_content(kept.file.path, other.file.path, set_.links, [&](std::uint64_t bytes) {
                work_.done(bytes);
                return !work_.cancelled();
            });
        if (!same) {
            if (same.error().code != ERROR_OPERATION_ABORTED)
                findings_.add(
                    rule, kept.file.path,
                    read_error(same.error(), static_cast<Code>(hrMissingRestoreLogFiles)));
        } else if (!same.value()) {
            const auto code = static_cast<Code>(kept.in_log_path ? hrExistingLogFileHasBadSignature
                                                                 : hrGivenLogFileHasBadSignature);
            findings_.add(rule, kept.file.path,
                          fail(code, shown(kept.file.path), " and ", shown(other.file.path),
                               " are of one generation, ", numbered(generation), ", and differ"));
        }
    }
}

void Chain::check_given() {
    if (!has_range()) return;
    const LogCandidate* before = nullptr;
    std::uint32_t expected = given_.low;
    for (auto slot = logs_.by_generation.lower_bound(given_.low);
         slot != logs_.by_generation.end() && slot->first <= given_.high; ++slot) {
        if (work_.cancelled()) return;
        const auto& [generation, candidates] = *slot;
        if (generation != expected) {
            report_missing(expected, generation - 1);
            before = nullptr;
        }
        check_files(candidates, static_cast<Code>(hrGivenLogFileHasBadSignature));
        check_link(before, serving(candidates), static_cast<Code>(hrGivenLogFileIsNotContiguous));
        check_copies(generation, candidates);
        before = &serving(candidates);
        expected = generation + 1;
    }
    // A damaged edb.log hides which log it is; where only the last is wanting, it is that one, and
    // found as damaged.
    const bool hidden = expected == given_.high && unknown_current_may_be_top();
    if (expected <= given_.high && !hidden) report_missing(expected, given_.high);
}

void Chain::check_above() {
    const LogCandidate* before = has_range() ? serving(given_.high) : nullptr;
    std::optional<std::uint32_t> expected;
    if (has_range()) expected = given_.high + 1;
    for (auto slot = logs_.by_generation.upper_bound(given_.high);
         slot != logs_.by_generation.end(); ++slot) {
        if (work_.cancelled()) return;
        const auto& [generation, candidates] = *slot;
        if (expected && generation != *expected) {
            const auto& log = candidates.front();
            findings_.add(rule, log.file.path,
                          fail(hrExistingLogFileIsNotContiguous, shown(log.file.path),
                               " is generation ", generation, ", and generation ",
                               numbered(*expected), " before it is not in the log path"));
            before = nullptr;
        }
        check_files(candidates, static_cast<Code>(hrExistingLogFileHasBadSignature));
        check_link(before, serving(candidates),
                   static_cast<Code>(hrExistingLogFileIsNotContiguous));
        check_copies(generation, candidates);
        before = &serving(candidates);
        expected = generation + 1;
    }
}

void Chain::check_unknown() {
    std::erase_if(logs_.unknown,
                  [&](const LogCandidate& log) { return !log.in_log_path && !has_range(); });
    check_files(logs_.unknown, static_cast<Code>(hrLogFileCorrupt));
}

std::uint32_t Chain::top() const {
    const std::uint32_t highest =
        logs_.by_generation.empty() ? 0 : logs_.by_generation.rbegin()->first;
    return std::max(highest, given_.high);
}

// VER-2: an edb.log in the log path is the chain's top.
void Chain::check_current() {
    for (const auto& [generation, candidates] : logs_.by_generation) {
        for (const auto& log : candidates) {
            if (!log.in_log_path || !log.is_current() || generation == top()) continue;
            if (!is_given(generation))
                check_files({log}, static_cast<Code>(hrExistingLogFileHasBadSignature));
            findings_.add(rule, log.file.path,
                          fail(hrExistingLogFileIsNotContiguous, shown(log.file.path),
                               " is generation ", generation, " where the last of the chain, ",
                               numbered(top()), ", is expected"));
        }
    }
}

// VER-7. A log of the range that is only in the backup log path goes to the log path; the last of
// the chain becomes edb.log where there is none.
std::vector<LogPlacement> Chain::placements() const {
    std::vector<LogPlacement> list;
    for (const auto& [generation, candidates] : logs_.by_generation) {
        const LogCandidate& log = serving(candidates);
        const bool as_current = generation == top() && !logs_.log_path_has_current;
        if (log.in_log_path && !as_current) continue;
        const auto name = as_current ? std::u16string(u"edb.log") : log_file_name(generation);
        list.push_back({log.file.path, in_folder(set_.log_path, name)});
    }
    return list;
}

} // namespace

CheckedChain check_log_chain(const RestoreSet& set, const std::vector<CheckedDatabase>& databases,
                             Work& work, Findings& findings) {
    GatheredLogs logs = gather_logs(set, findings);
    CheckedChain result;
    result.given = given_range(set, databases, logs);

    Chain chain(set, result.given, logs, work, findings);
    chain.read_headers();
    chain.choose_signature(databases);
    chain.check_given();
    chain.check_above();
    chain.check_unknown();
    chain.check_current();
    result.logs = chain.given_signature();
    result.stream = chain.stream_signature();
    result.placements = chain.placements();
    return result;
}

} // namespace ntdsb::ese
