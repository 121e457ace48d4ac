// abandon and end-session: the administrator's ways out of a restore that nobody will finish
// (contract REC-10).
#include "tools/interrupt.h"
#include "tools/verification.h"

#include "core/host_name.h"
#include "core/utf16.h"
#include "platform/other_process.h"
#include "platform/process.h"
#include "service/abandon.h"
#include "service/interlock_view.h"

#include <charconv>
#include <ostream>

namespace ntdsb::tools {

namespace {

constexpr std::uint32_t end_grace_ms = 5000;

// --- abandon

bool can_be_abandoned(const service::InterlockStatus& status) {
    return status.start_blocked && status.start_blocked->code == hrRestoreInProgress;
}

struct Verified {
    ese::RestoreSet set;
    ese::Report report;
};

// What is blocked only because nobody completed it may start if its files are sound.
Result<Verified> verify_directory(const Options& options, const service::Instance& instance) {
    const InterruptGuard guard;
    NTDSB_TRY(auto set, files_of(instance));
    auto report = verify(options, set);
    if (report.result == ERROR_OPERATION_ABORTED) return interruption();
    return Verified{std::move(set), std::move(report)};
}

// What Complete would have done: the tool may have died right before it (VER-7, VER-9).
Result<void> make_ready(const Verified& verified) {
    const InterruptGuard guard;
    const platform::ThreadPrivileges privileges;
    auto ready = ese::make_startable(verified.set, verified.report, interrupted());
    if (ready) return ready;
    const Error why =
        ready.error().code == ERROR_OPERATION_ABORTED ? interruption() : std::move(ready).error();
    return fail(why.code, why.what,
                "; the restore is not abandoned, and the directory stays "
                "blocked: mend that and run ntdsbctl abandon again");
}

int refuse_unsound(const Options& options, const ese::Report& found) {
    const std::string what =
        text("the directory's files are not sound, so the restore is not abandoned; run the "
             "restore again, or start them as they are with: ntdsbctl abandon --force");
    if (options.json) {
        Json json = error_json(fail(found.result, what));
        json["findings"] = findings_json(found);
        print(options, json);
        return exit_no;
    }
    print_findings(*options.err, found);
    return report(options, fail(found.result, what), exit_no);
}

// What was done or not, and why, in one sentence.
int say(const Options& options, const char* key, bool done, std::string_view sentence) {
    if (options.json)
        print(options, {{key, done}, {"what", sentence}});
    else
        *options.out << sentence << '\n';
    return done ? exit_ok : exit_no;
}

constexpr std::string_view declined = "nothing was abandoned, as you said";
constexpr std::string_view nothing_blocks =
    "nothing was abandoned: no restore keeps the directory from starting";

// `verified`: none with --force.
int abandon_checked(const Options& options, const service::Instance& instance,
                    const service::InterlockStatus& status,
                    const std::optional<Verified>& verified) {
    const auto wanted = confirm(
        options, text("Give up the restore of ", instance.directory().database,
                      verified ? "" : " WITHOUT a look at its files", " and let it start?"));
    if (!wanted) return report(options, wanted.error(), exit_failed);
    if (!wanted.value()) return say(options, "abandoned", false, declined);
    const auto done = service::abandon_restore(
        instance, status, [&] { return verified ? make_ready(*verified) : ok(); });
    if (!done) return report(options, done.error(), exit_of(done.error().code));
    return say(options, "abandoned", done.value(),
               done.value() ? "abandoned; the directory may start" : nothing_blocks);
}

// --- end-session

struct Holder {
    std::uint32_t process_id;
    std::string computer;
};

// "pid 123 on dc1", as this_process of the interlock writes it.
std::optional<Holder> parse_holder(std::string_view line) {
    constexpr std::string_view pid = "pid ", on = " on ";
    if (!line.starts_with(pid)) return std::nullopt;
    Holder holder{};
    const char* const begin = line.data() + pid.size();
    const auto [end, error] = std::from_chars(begin, line.data() + line.size(), holder.process_id);
    const auto rest = line.substr(static_cast<std::size_t>(end - line.data()));
    if (error != std::errc() || holder.process_id == 0 || !rest.starts_with(on))
        return std::nullopt;
    holder.computer = rest.substr(on.size());
    return holder;
}

Result<std::uint32_t> process_to_end(const service::Instance& instance,
                                     const service::InterlockStatus& status) {
    const auto holder = parse_holder(status.restore_holder);
    if (!holder)
        return fail(hrRestoreInProgress, "the restore lock is held by ", status.restore_holder,
                    ", which names no process; end its session where it runs");
    if (!is_this_computer(wtf8_to_utf16(holder->computer), platform::computer_names()))
        return fail(hrRestoreInProgress, "the session's process runs on ", holder->computer,
                    "; run ntdsbctl end-session there");
    if (holder->process_id == platform::process_id())
        return fail(hrRestoreInProgress, "the session's process is this one");
    const auto open =
        platform::has_open(holder->process_id, instance.state_file(service::restore_lock_file));
    if (open && !*open)
        return fail(hrRestoreInProgress, "process ", holder->process_id,
                    " does not hold the restore lock: its number belongs to another program by "
                    "now, or it runs in another container; end the session where it runs");
    return holder->process_id;
}

enum class Ended { yes, unwanted, over };

// While the question waits the session may end, and its process live on or its number become
// another's.
Result<bool> is_over(const service::Instance& instance, std::uint32_t process) {
    NTDSB_TRY(const auto status, service::interlock_status(instance));
    if (!status.restore_session_alive) return true;
    const auto now = process_to_end(instance, status);
    return !now || now.value() != process;
}

Result<Ended> end_holder(const Options& options, const service::Instance& instance,
                         const service::InterlockStatus& status) {
    NTDSB_TRY(const auto process, process_to_end(instance, status));
    const std::string program = platform::program_of(process);
    NTDSB_TRY(const bool wanted,
              confirm(options, text("End process ", process, program.empty() ? "" : " (", program,
                                    program.empty() ? "" : ")",
                                    ", which has a restore registered? All that it does ends; the "
                                    "directory stays blocked.")));
    if (!wanted) return Ended::unwanted;
    NTDSB_TRY(const bool over, is_over(instance, process));
    if (over) return Ended::over;
    NTDSB_CHECK(platform::end_process(process, end_grace_ms));
    NTDSB_CHECK(service::note_ended_session(instance));
    return Ended::yes;
}

std::string_view sentence_of(Ended ended) {
    switch (ended) {
    case Ended::yes:
        return "ended; the directory stays blocked: run the restore again, or give it up "
               "(ntdsbctl abandon)";
    case Ended::unwanted:
        return "nothing was ended, as you said";
    case Ended::over:
        break;
    }
    return "the session has ended meanwhile; nothing was ended. What holds now: ntdsbctl status";
}

} // namespace

int abandon(const Options& options, bool force) {
    const auto instance = open_instance(options);
    if (!instance) return report(options, instance.error(), exit_failed);
    const auto status = service::interlock_status(*instance.value());
    if (!status) return report(options, status.error(), exit_failed);
    const auto& found = status.value();
    if (found.restore_session_alive) // named in the sentence
        return report(options, *found.start_blocked, exit_no);
    if (!can_be_abandoned(found)) return say(options, "abandoned", false, nothing_blocks);
    if (force) return abandon_checked(options, *instance.value(), found, std::nullopt);
    const auto verified = verify_directory(options, *instance.value());
    if (!verified) return report(options, verified.error(), exit_failed);
    const auto& files = verified.value().report;
    if (!files.findings.empty()) return refuse_unsound(options, files);
    return abandon_checked(options, *instance.value(), found, verified.value());
}

int end_session(const Options& options) {
    const auto instance = open_instance(options);
    if (!instance) return report(options, instance.error(), exit_failed);
    const auto status = service::interlock_status(*instance.value());
    if (!status) return report(options, status.error(), exit_failed);
    if (!status.value().restore_session_alive)
        return say(options, "ended", false, "no restore session is alive; nothing was ended");
    const auto ended = end_holder(options, *instance.value(), status.value());
    if (!ended) return report(options, ended.error(), exit_of(ended.error().code));
    return say(options, "ended", ended.value() == Ended::yes, sentence_of(ended.value()));
}

} // namespace ntdsb::tools
